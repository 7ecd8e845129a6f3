package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// PeerLimits bounds what a PeerListener holds. The zero value is the defaults.
type PeerLimits struct {
	// Queue is how many datagrams wait for the Read of one peer; further ones
	// are dropped and counted. 0 is 256; a negative value is taken as 1.
	Queue int

	// Peers is how many peers there are at once, those that wait for Accept
	// included; datagrams of further ones are dropped and counted. 0 is 4096; a
	// negative value is taken as 1.
	Peers int

	// Bytes is how many bytes wait for the Reads of all peers together;
	// datagrams that would make them more are dropped and counted. 0 is 64 MiB; a
	// negative value is taken as 1.
	Bytes int

	// Datagram is the size in bytes of the longest datagram taken; the Read of
	// a longer one is an error. 0 is 65535, which is every UDP datagram; a
	// negative value is taken as 1.
	Datagram int
}

func (l PeerLimits) queue() int    { return limitOr(l.Queue, 256) }
func (l PeerLimits) peers() int    { return limitOr(l.Peers, 4096) }
func (l PeerLimits) bytes() int    { return limitOr(l.Bytes, 64<<20) }
func (l PeerLimits) datagram() int { return limitOr(l.Datagram, 65535) }

func limitOr(n, zero int) int {
	if n == 0 {
		return zero
	}
	return max(n, 1)
}

// Peers turns a datagram socket that is not connected into a listener whose
// Accept gives one connection for each peer address. It owns pc from now on:
// nobody else reads it or sets its deadlines, and closing the listener closes
// it.
//
// On an accepted connection each Read gives one datagram of that peer and each
// Write sends one to it. A datagram longer than Read's buffer, or than
// limits.Datagram, is cut and gives an error matching ErrMessageTooLong along
// with its beginning. Datagrams have no end: Read never returns io.EOF. Closing
// the connection forgets the peer, not the socket; the peer's next datagram is
// a new connection. The peers that have no address (a unixgram client which did
// not bind) are one peer, to which Write is an error.
func Peers(pc net.PacketConn, limits PeerLimits) *PeerListener {
	l := &PeerListener{
		pc:       pc,
		limits:   limits,
		accepted: make(chan *peerConn, limits.peers()),
		writing:  make(chan struct{}, 1),
		closed:   make(chan struct{}),
		ended:    make(chan struct{}),
		peers:    make(map[peerKey]*peerConn),
	}
	go l.read() // ends when pc is closed or broken; Close waits for it
	return l
}

// PeerListener is the net.Listener that Peers makes. Its methods may be called
// by several goroutines at once.
type PeerListener struct {
	// Constant.
	pc     net.PacketConn
	limits PeerLimits

	dropped  atomic.Uint64
	waiting  atomic.Int64   // bytes in the queues of all peers
	accepted chan *peerConn // holds every peer at most once, so the reader never waits
	writing  chan struct{}  // the right to write to pc
	closed   chan struct{}
	ended    chan struct{} // closed by the reader, as its last act
	failure  error         // why the reader ended; read after ended

	mu       sync.Mutex // guards what follows
	peers    map[peerKey]*peerConn
	shut     bool
	writer   *peerConn // who has the right to write
	deadline bool      // pc has a write deadline
}

// peerKey is a peer's address, comparable and without allocation for IP.
type peerKey struct {
	addr netip.AddrPort
	name string // where there is no addr
}

func keyOf(a net.Addr) peerKey {
	switch a := a.(type) {
	case nil:
		return peerKey{}
	case *net.UDPAddr:
		return peerKey{addr: a.AddrPort()}
	}
	return peerKey{name: a.String()}
}

// Addr is the socket's local address.
func (l *PeerListener) Addr() net.Addr { return l.pc.LocalAddr() }

// Dropped is how many datagrams have been thrown away because a limit was
// reached.
func (l *PeerListener) Dropped() uint64 { return l.dropped.Load() }

// Accept waits for the first datagram of a new peer and returns its connection,
// from which that datagram is read first. After Close the error matches
// net.ErrClosed.
func (l *PeerListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.opError("accept", nil, net.ErrClosed)
	default:
	}
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, l.opError("accept", nil, net.ErrClosed)
	case <-l.ended:
		return nil, l.opError("accept", nil, l.failure)
	}
}

// Close closes the socket and every peer's connection, and waits for the
// reader. Calls after the first return an error matching net.ErrClosed.
func (l *PeerListener) Close() error {
	l.mu.Lock()
	if l.shut {
		l.mu.Unlock()
		return l.opError("close", nil, net.ErrClosed)
	}
	l.shut = true
	close(l.closed)
	l.mu.Unlock()
	err := l.pc.Close()
	<-l.ended
	return err
}

func (l *PeerListener) opError(op string, peer net.Addr, err error) error {
	local := l.pc.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: peer, Err: cause(err)}
}

// readFailures is how many reads may fail in a row. Single failures are the
// network's answer to what was sent before, and no reason to stop.
const readFailures = 16

// read is the goroutine that receives for all peers.
func (l *PeerListener) read() {
	defer close(l.ended)
	buf := make([]byte, l.limits.datagram()+1) // one more shows what is too long
	for failures := 0; failures < readFailures; {
		n, from, err := l.pc.ReadFrom(buf)
		switch {
		case err == nil:
			failures = 0
			l.deliver(from, buf[:n])
		case errors.Is(err, net.ErrClosed):
			l.failure = net.ErrClosed
			return
		default:
			l.failure = err
			failures++
		}
	}
}

// deliver queues a copy of b for its peer, which may be a new one.
func (l *PeerListener) deliver(from net.Addr, b []byte) {
	c := l.peer(from)
	if c == nil || l.waiting.Load()+int64(len(b)) > int64(l.limits.bytes()) {
		l.dropped.Add(1)
		return
	}
	d := datagram{b: append([]byte(nil), b...)}
	if limit := l.limits.datagram(); len(b) > limit {
		d = datagram{b: d.b[:limit], cut: true}
	}
	l.waiting.Add(int64(len(d.b)))
	select {
	case c.queue <- d:
	default:
		l.waiting.Add(-int64(len(d.b)))
		l.dropped.Add(1)
		return
	}
	select {
	case <-c.closed: // meanwhile: nobody will read it
		c.forget()
	default:
	}
	if !c.announced { // only now can Accept's caller read it
		c.announced = true
		l.accepted <- c
	}
}

// peer finds or makes the connection of a peer; nil when there are too many.
func (l *PeerListener) peer(from net.Addr) *peerConn {
	key := keyOf(from)
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.peers[key]; c != nil {
		return c
	}
	if len(l.peers) >= l.limits.peers() {
		return nil
	}
	c := &peerConn{
		l: l, key: key, addr: from,
		queue:  make(chan datagram, l.limits.queue()),
		closed: make(chan struct{}),
		in:     newDeadline(), out: newDeadline(),
	}
	if from == nil {
		c.addr = noAddr{l.pc.LocalAddr().Network()}
	}
	l.peers[key] = c
	return c
}

// noAddr stands for the address of a peer that has none.
type noAddr struct{ network string }

func (a noAddr) Network() string { return a.network }
func (a noAddr) String() string  { return "unnamed" }

// datagram is what the reader has received for a peer.
type datagram struct {
	b   []byte
	cut bool // it was longer than b
}

// acquire waits for the right to write and takes over c's deadline.
func (l *PeerListener) acquire(c *peerConn) error {
	if err := c.gone(c.out); err != nil {
		return err
	}
	select {
	case l.writing <- struct{}{}:
	case <-c.out.expired():
		return c.gone(c.out)
	case <-c.closed:
		return net.ErrClosed
	case <-l.closed:
		return net.ErrClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer = c
	l.setWriteDeadlineLocked(c.out.at())
	return nil
}

// release leaves the deadline to the next acquire.
func (l *PeerListener) release() {
	l.mu.Lock()
	l.writer = nil
	l.mu.Unlock()
	<-l.writing
}

// setWriteDeadlineLocked leaves the socket alone when it has no deadline and
// needs none; mu is held.
func (l *PeerListener) setWriteDeadlineLocked(t time.Time) {
	if l.deadline || !t.IsZero() {
		l.pc.SetWriteDeadline(t)
		l.deadline = !t.IsZero()
	}
}

// interrupt applies a deadline to a write of c that is under way.
func (l *PeerListener) interrupt(c *peerConn, t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writer == c {
		l.setWriteDeadlineLocked(t)
	}
}
