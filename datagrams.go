package parley

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// datagrams is the loop of one packet listener: it receives a batch, serves
// each datagram, and sends the answers together. For a service with sessions it
// keeps the table of peers; the socket itself is never connected to one.
type datagrams struct {
	// Constant after newDatagrams.
	lis      *listener
	pc       net.PacketConn
	io       packetIO
	stamper  Stamper // the service, if it is one
	sessions bool    // the service wants to know peers
	loops    bool    // the service could be answered by another server for ever
	capped   bool    // the source of a datagram can be forged: bound the answers
	port     uint16  // of the listener
	one      *Conn   // stands for every peer of a service without sessions
	from     peer    // and this is the one whose datagram is served

	// The loop's goroutine only.
	peers map[peerKey]*Conn
	index int   // of the datagram that is served, in its batch
	armed int64 // when the read deadline is set to expire, 0 is never
	sick  bool  // the last receive failed

	woken atomic.Bool // the loop is to look at more than datagrams

	limit    sync.Mutex // held while the read deadline is set; guards what follows
	draining bool       // finish sets the deadline, and nobody else

	mu      sync.Mutex // guards what follows
	quiet   sync.Cond  // the writer ended
	serving bool       // a batch is served; its end sends
	writing bool       // somebody owns the write side
	over    bool       // nothing can be sent any more
	out     *packets   // to be taken by the next writer
	spare   *packets   // empty, kept for its memory
	moved   counts
}

// packetIO receives and sends datagrams, as many in one system call as it can.
// Receiving belongs to the loop, sending to the owner of the write side.
type packetIO interface {
	// receive waits for datagrams and returns how many there are; with
	// nowait it returns 0 where there is none.
	receive(nowait bool) (int, error)
	// datagram returns the i'th that was received: valid until the next
	// receive. whole is false if it was longer than the limit.
	datagram(i int, from *peer) (msg []byte, whole bool)
	// send sends all of p, and returns how many bytes went out and the
	// error of a datagram that did not.
	send(p *packets) (int, error)
	// received is when the i'th datagram arrived, the zero time if it is not known.
	received(i int) time.Time
	// stamps tells f what the system knows by now of datagrams that left with a
	// stamp.
	stamps(f func(key uint64, at time.Time))
}

// packets are datagrams to be sent.
type packets struct {
	data []byte
	list []packet
}

type packet struct {
	to         peer
	start, end int // of the datagram in data
	stamp      stamp
}

// A stamp says under which key the departure of a datagram is to be told, if it is.
type stamp struct {
	key    uint64
	wanted bool
}

// packetCost is what a waiting datagram counts for beside its bytes, so that
// empty ones are bounded too.
const packetCost = 64

func (p *packets) size() int { return len(p.data) + packetCost*len(p.list) }

func newDatagrams(l *listener, pc net.PacketConn) (*datagrams, error) {
	stamper, _ := l.service.(Stamper)
	io, err := newPacketIO(pc, l.limits.Message, stamper != nil, func(text string, err error) {
		l.emit(&Event{Kind: EventStatus, Text: text, Err: err})
	})
	if err != nil {
		return nil, err
	}
	_, forgeable := pc.LocalAddr().(*net.UDPAddr)
	d := &datagrams{
		lis: l, pc: pc, io: io, stamper: stamper,
		sessions: l.closer != nil,
		loops:    !loopFree(l.service),
		capped:   forgeable,
		peers:    make(map[peerKey]*Conn),
		out:      new(packets), spare: new(packets),
	}
	if a, ok := pc.LocalAddr().(*net.UDPAddr); ok {
		d.port = uint16(a.Port)
	}
	d.quiet.L = &d.mu
	d.one = &Conn{lis: l, dg: d, peer: &d.from}
	return d, nil
}

// run is the loop. It ends when the server drains or the socket is closed.
func (d *datagrams) run() {
	defer d.lis.srv.wg.Done()
	for {
		if d.woken.Swap(false) {
			if d.lis.srv.draining.Load() {
				break
			}
			d.sweep()
		}
		n, err := d.io.receive(false)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			d.sicken(err)
			continue
		}
		d.sick = false
		d.serve(n)
		if d.armed != 0 && d.lis.srv.now() >= d.armed {
			d.sweep()
		}
	}
	d.finish()
}

// sicken reports a receive that failed, once an episode, and pauses.
func (d *datagrams) sicken(err error) {
	if !d.sick {
		d.lis.emit(&Event{Kind: EventFail, Text: "cannot receive, will try again", Err: err})
	}
	d.sick = true
	d.lis.sleep(longPause / 10)
}

// serve serves n received datagrams and sends what they are answered.
func (d *datagrams) serve(n int) {
	if n == 0 {
		return
	}
	d.mu.Lock()
	d.serving = true
	d.mu.Unlock()
	if d.stamper != nil { // of what was sent late: one of n may ask for it
		d.io.stamps(d.stamper.Stamped)
	}
	bytes := 0
	for d.index = range n {
		bytes += d.serveOne(d.index)
	}
	d.flush(counts{bytesIn: int64(bytes), messagesIn: int64(n)})
	if d.stamper != nil {
		d.io.stamps(d.stamper.Stamped)
	}
}

// received is when the datagram that is served arrived.
func (d *datagrams) received() time.Time {
	if at := d.io.received(d.index); !at.IsZero() {
		return at
	}
	return time.Now()
}

// serveOne serves the i'th datagram, or rejects it, and returns its size.
func (d *datagrams) serveOne(i int) int {
	msg, whole := d.io.datagram(i, &d.from)
	c, err := d.admit(len(msg), whole)
	if err != nil {
		d.lis.reject(d.from.addr(), err)
		return len(msg)
	}
	if c == nil { // the service refused the session
		return len(msg)
	}
	d.lis.traceMessage(c, false, msg)
	if !c.ended() { // by Open, or from elsewhere
		err = c.serveDatagram(msg)
	}
	switch {
	case d.sessions:
		d.settle(c, err)
	case err != nil && !errors.Is(err, ErrAnswerCap): // which send has counted
		d.lis.reject(d.from.addr(), err)
	}
	return len(msg)
}

// admit finds or makes the Conn of the sender of a datagram of size bytes, if
// no limit forbids it.
func (d *datagrams) admit(size int, whole bool) (*Conn, error) {
	if !whole {
		return nil, ErrMessageTooLong
	}
	if a := d.from.udp; a.IsValid() {
		if !d.lis.access.admits(a.Addr()) {
			return nil, ErrDenied
		}
		if d.loops && (loopPort(a.Port()) || a.Port() == d.port || d.lis.srv.answersAt(a)) {
			return nil, ErrLoop
		}
	}
	if !d.sessions {
		c := d.one // the loop's alone: it needs no lock
		c.enterLocked(stateOpen)
		c.serving, c.trusted, c.data = true, false, nil
		c.allowance = size + d.lis.limits.Answer
		return c, nil
	}
	c, err := d.session(size)
	if c == nil {
		return nil, err
	}
	c.active.Store(d.lis.srv.now())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = true
	c.counts.bytesIn += int64(size)
	c.counts.messagesIn++
	return c, nil
}

// loopPort reports whether a service that answers anything is usually at port:
// an answer sent there would be answered, and so on. Those of RFC 862 to 868,
// quotd and NTP, and the ports that parley serves them and stamp at by default.
// (Its ack is at a port that a client may have by chance, and need not be here:
// whatever it could loop with is, or has its port.)
func loopPort(port uint16) bool {
	switch port {
	case 0, 7, 13, 17, 19, 37, 123, 7007, 7013, 7019, 7037, 9527, 21567:
		return true
	}
	return false
}

// serveDatagram calls the service; a panic is the error of this datagram. To a
// service without sessions each datagram is one of its own.
func (c *Conn) serveDatagram(msg []byte) (err error) {
	defer c.recovering(&err)
	if !c.dg.sessions && c.lis.opener != nil {
		if err := c.lis.opener.Open(c); err != nil || c.ended() {
			return err
		}
	}
	return c.lis.service.Serve(c, msg[:len(msg):len(msg)])
}

// wake makes the loop look at more than datagrams.
func (d *datagrams) wake() {
	d.limit.Lock() // so that the loop cannot take woken before the deadline is set
	defer d.limit.Unlock()
	d.woken.Store(true)
	if !d.draining {
		d.pc.SetReadDeadline(longAgo)
	}
}

// finish answers what was received by now, ends every session, and closes the
// socket.
func (d *datagrams) finish() {
	d.limit.Lock()
	d.draining = true
	d.pc.SetReadDeadline(time.Time{})
	d.limit.Unlock()
	for total := 0; total < drainMost; {
		n, err := d.io.receive(true)
		if n == 0 || err != nil {
			break
		}
		total += n * packetCost
		d.serve(n)
	}
	for _, c := range d.peers {
		d.end(c, errDrained)
	}
	d.flush(counts{})
	d.mu.Lock()
	d.over = true
	for d.writing {
		d.quiet.Wait()
	}
	d.mu.Unlock()
	d.pc.Close()
}
