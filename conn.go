package parley

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// A Conn is one session, as a service sees it: a peer on a stream, or the peer
// of datagrams. The server owns it, reads it and writes it; a service sends.
//
// Send, End, Context values and the accessors may be used by several goroutines
// at once, and, for a session (see [Closer] for the one exception), at any time:
// after its end they do nothing and return an error that matches net.ErrClosed.
type Conn struct {
	// Constant after the session was accepted.
	lis     *listener
	nc      net.Conn              // nil on datagrams
	raw     syscall.RawConn       // nil where waiting without a buffer is impossible
	message transport.MessageConn // nc, where it keeps message boundaries
	readFn  func(fd uintptr) bool // readReady, bound once
	dg      *datagrams            // nil on streams
	id      uint64
	opened  int64 // when, on the server's clock

	// Set by the session's goroutine under mu: it reads it without.
	ownFraming Framing // nil is the listener's

	// The session's goroutine only; on datagrams the loop's.
	peer      *peer // of datagrams; constant for a session
	in        *buffer
	fresh     int   // bytes in it that counts does not hold
	batch     int   // messages of this batch
	got       int   // what the last readReady read
	gotErr    error // and how it failed
	nowait    bool  // readReady returns when there is nothing to read
	peerEnded bool
	torn      bool  // a Streamer took the connection's failure for the end
	idle      int64 // nanoseconds, 0 is off
	armed     int64 // when the read deadline is set to expire, 0 is never
	pauseAt   int64 // when a pausing peer's text is a message, 0 is never

	active  atomic.Int64 // when bytes last moved, on the server's clock
	woken   atomic.Bool  // the session's goroutine is to look at more than data
	stopped atomic.Bool  // state is not stateOpen
	lagging atomic.Bool  // as much is pending as the peer may leave

	mu        sync.Mutex // guards what follows
	quiet     sync.Cond  // a writer ended, or state changed
	state     sessionState
	serving   bool    // a batch is served; what it sends is flushed at its end
	writing   bool    // somebody owns the write side
	out       *buffer // framed, to be taken by the next writer
	taken     int     // bytes that the writer has not written yet
	allowance int     // bytes that may be answered on datagrams
	trusted   bool    // allowance does not count
	werr      error   // why nothing can be written any more
	data      any
	counts    counts
}

// counts is what a session or a listener moved.
type counts struct{ bytesIn, bytesOut, messagesIn, messagesOut int64 }

func (n *counts) add(m counts) {
	n.bytesIn += m.bytesIn
	n.bytesOut += m.bytesOut
	n.messagesIn += m.messagesIn
	n.messagesOut += m.messagesOut
}

// sessionState is where a session stands on its way:
//
//	stateOpen ── End, the peer's end, a limit ──> stateEnding ── written, closed ──> stateClosed
//
// In stateOpen Send queues. In stateEnding what is queued is still written. In
// stateClosed nothing moves.
type sessionState uint8

const (
	stateOpen sessionState = iota
	stateEnding
	stateClosed
)

// Send queues msg for the peer: on a stream joined by the framing, on
// datagrams and WebSocket as one message. It copies msg and never blocks. What a
// service sends while it serves is written when the messages that arrived
// together are served, in one write; what is sent at any other time is written
// without being asked.
//
// The error is [ErrBacklogged] if the peer does not take its output,
// [ErrUnframeable] if the framing cannot carry msg, [ErrAnswerCap] if a datagram
// would be answered by too much, and matches net.ErrClosed after the end.
func (c *Conn) Send(msg []byte) error {
	if c.dg != nil {
		return c.dg.send(c, msg, stamp{})
	}
	wake, err := c.queue(msg)
	if wake {
		c.lis.srv.flusher.add(c)
	}
	if err == nil {
		c.lis.traceMessage(c, true, msg)
	}
	return err
}

// queue is Send up to the flusher. A Framing that panics does not keep mu.
func (c *Conn) queue(msg []byte) (wake bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.queueLocked(msg)
	wake = err == nil && !c.serving && !c.writing
	if wake {
		c.writing = true // until the flusher has written
	}
	return wake, err
}

// queueLocked appends msg to the output; mu is held.
func (c *Conn) queueLocked(msg []byte) error {
	switch {
	case c.state != stateOpen:
		return net.ErrClosed
	case c.werr != nil:
		return c.werr
	case c.pendingLocked() >= c.lis.limits.Pending:
		return ErrBacklogged
	}
	if c.out == nil {
		c.out = outputs.get()
	}
	if err := c.out.appendMessage(c, msg); err != nil {
		return err
	}
	if c.pendingLocked() >= c.lis.limits.Pending {
		c.lagging.Store(true)
	}
	c.counts.messagesOut++
	return nil
}

// pendingLocked is how many bytes the peer has not taken; mu is held.
func (c *Conn) pendingLocked() int {
	if c.out == nil {
		return c.taken
	}
	return c.taken + len(c.out.b)
}

// End ends our direction once what was sent is written; the session ends when
// the peer has ended too, at the latest after [Limits.Linger]. No message is
// served after it.
func (c *Conn) End() {
	c.mu.Lock()
	if c.state == stateOpen {
		c.enterLocked(stateEnding)
	}
	serving := c.serving
	c.mu.Unlock()
	if !serving {
		c.wake()
	}
}

// wake makes the session's goroutine look at more than data.
func (c *Conn) wake() {
	c.woken.Store(true)
	if c.dg != nil {
		c.dg.wake()
		return
	}
	c.nc.SetReadDeadline(longAgo)
	c.mu.Lock()
	c.quiet.Broadcast()
	c.mu.Unlock()
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// enterLocked changes the state; mu is held.
func (c *Conn) enterLocked(s sessionState) {
	c.state = s
	c.stopped.Store(s != stateOpen)
}

// ended reports whether End was called, or the session is over.
func (c *Conn) ended() bool { return c.stopped.Load() }

// SetIdle changes how long this session may be silent, counted from now; 0 is
// for ever. It may be called only while the service is called for this session.
func (c *Conn) SetIdle(d time.Duration) {
	c.idle = min(int64(d), int64(longestLimit))
	c.active.Store(c.lis.srv.now())
	c.armed = 0
}

// SetFraming changes how the messages of this session are cut and joined, from
// the next message on: for a protocol that begins as another one. It does nothing
// where the transport keeps message boundaries. It may be called only while the
// service is called for this session, and not by a Streamer.
func (c *Conn) SetFraming(f Framing) {
	c.mu.Lock()
	c.ownFraming = f
	c.mu.Unlock()
}

// framing is how the session's messages are cut and joined.
func (c *Conn) framing() Framing {
	if c.ownFraming != nil {
		return c.ownFraming
	}
	return c.lis.framing
}

// pause is how long a peer is silent before what it sent is a message, or 0.
func (c *Conn) pause() time.Duration {
	if c.ownFraming != nil {
		return pauseOf(c.ownFraming)
	}
	return c.lis.pause
}

// Trust says that the peer of a datagram session has proved that it receives
// at its address, so that what it is sent need no longer be bounded by what it
// sent. It does nothing on a stream, whose handshake is the proof.
func (c *Conn) Trust() {
	c.mu.Lock()
	c.trusted = true
	c.mu.Unlock()
}

// Note reports text as an event of this session.
func (c *Conn) Note(text string) {
	c.lis.emit(&Event{Kind: EventNote, Session: c.id, Remote: c.RemoteAddr(), Text: text})
}

// ID numbers the sessions of a server from 1; it is 0 for a datagram's Conn
// without a session.
func (c *Conn) ID() uint64 { return c.id }

// Endpoint is the listener's endpoint, with its real address.
func (c *Conn) Endpoint() endpoint.Endpoint { return c.lis.endpoint }

// LocalAddr is the address that the session came in on; for datagrams the
// listener's.
func (c *Conn) LocalAddr() net.Addr {
	if c.dg != nil {
		return c.dg.pc.LocalAddr()
	}
	return c.nc.LocalAddr()
}

// AddrPort is the peer's address and port on UDP, IPv4 unmapped and with the zone of
// an address of a link; elsewhere it is not valid. Unlike RemoteAddr it allocates nothing.
func (c *Conn) AddrPort() netip.AddrPort {
	if c.dg == nil {
		return netip.AddrPort{}
	}
	return c.peer.udp
}

// Received is when the datagram that is being served arrived, by the system's clock: as
// the system stamped it for a [Stamper], else about now. It may be called only while the
// service serves.
func (c *Conn) Received() time.Time {
	if c.dg == nil {
		return time.Now()
	}
	return c.dg.received()
}

// SendStamped is Send, and has the service's Stamped told under key when a datagram
// left. Elsewhere than on datagrams it is Send alone.
func (c *Conn) SendStamped(msg []byte, key uint64) error {
	if c.dg != nil {
		return c.dg.send(c, msg, stamp{key, c.dg.stamper != nil})
	}
	return c.Send(msg)
}

// RemoteAddr is the peer's address. A Unix peer's is often empty.
func (c *Conn) RemoteAddr() net.Addr {
	if c.dg != nil {
		return c.peer.addr()
	}
	return c.nc.RemoteAddr()
}

// KeepsMessages reports whether the transport keeps the boundaries of messages,
// as datagrams and WebSocket do, so that no framing cuts or joins them.
func (c *Conn) KeepsMessages() bool { return c.dg != nil || c.message != nil }

// SetData keeps a value of the service with the session.
func (c *Conn) SetData(v any) {
	c.mu.Lock()
	c.data = v
	c.mu.Unlock()
}

// Data is what SetData kept, or nil.
func (c *Conn) Data() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data
}

// connKey is the context key of ConnOf.
type connKey struct{}

// ConnOf returns the session that a Stream's ctx belongs to, or nil.
func ConnOf(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}
