package transport

import (
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"time"
)

// A pendingConn puts memory between a protocol library and a connection, so
// that a write deadline cannot leave half a record of the protocol sent: what
// the library writes is accepted whole, and what the deadline kept from being
// sent stays pending until the next flush. crypto/tls and WebSocket libraries by
// themselves must give up a connection whose write timed out.
//
// It does not bound what is pending. Its users do, by flushing before they let
// the library write more than a chunk. Nothing is held while nothing is pending.
//
// All methods may be called by several goroutines at once. Read is the
// connection's.
type pendingConn struct {
	net.Conn

	mu            sync.Mutex // guards what follows
	flushed       sync.Cond  // flushing was reset
	flushing      bool       // a flush is at it
	buf           *[]byte    // from pendingBuffers, nil when nothing is pending
	sent          int        // how much of buf is sent
	corks         int
	stalled       bool  // the last write of the connection timed out
	err           error // that ended the connection's sending direction
	readDeadline  time.Time
	writeDeadline time.Time
}

// pendingKeep is the largest buffer that goes back to the pool.
const pendingKeep = 256 << 10

var pendingBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 17<<10) // a TLS record of the largest size
	return &b
}}

func newPending(raw net.Conn) *pendingConn {
	c := &pendingConn{Conn: raw}
	c.flushed.L = &c.mu
	return c
}

// Write accepts all of p, and sends it unless the conn is corked. That a
// deadline ends the sending is no error: the rest is pending.
func (c *pendingConn) Write(p []byte) (int, error) {
	corked, err := c.add(p, math.MaxInt)
	if err == nil && !corked {
		err = c.flush()
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, err
	}
	return len(p), nil
}

// errPendingFull is the error of add.
var errPendingFull = errors.New("too much is pending for the peer")

// add makes p pending, unless more than most bytes are already.
func (c *pendingConn) add(p []byte, most int) (corked bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return false, c.err
	case c.pendingLocked() > most:
		return false, errPendingFull
	}
	if c.buf == nil {
		c.buf = pendingBuffers.Get().(*[]byte)
	}
	*c.buf = append(*c.buf, p...)
	return c.corks > 0, nil
}

// cork makes Write send nothing until uncork was called as often.
func (c *pendingConn) cork() { c.addCorks(1) }

func (c *pendingConn) uncork() { c.addCorks(-1) }

func (c *pendingConn) addCorks(n int) {
	c.mu.Lock()
	c.corks += n
	c.mu.Unlock()
}

// flush sends what is pending, and what other goroutines add meanwhile. When the
// write deadline ends it the error is the connection's and the rest stays
// pending; any other error is final.
func (c *pendingConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.flushing {
		c.flushed.Wait()
	}
	return c.flushLocked()
}

// tryFlush is flush, unless another goroutine is in flush: then that one sends
// what was added before the call, and tryFlush returns at once.
func (c *pendingConn) tryFlush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flushing {
		return nil
	}
	return c.flushLocked()
}

// flushLocked is flush with mu held, which it gives up while it sends, and
// nobody else in it. It finds that nothing is left and lets the next flush begin
// in one step, so that nothing is added that no flush sees.
func (c *pendingConn) flushLocked() (err error) {
	c.flushing = true
	for err = c.err; err == nil && (c.buf != nil || c.stalled); {
		var b []byte // empty when only the connection may have bytes pending itself
		if c.buf != nil {
			b = (*c.buf)[c.sent:] // add appends behind it
		}
		c.mu.Unlock()
		var n int
		n, err = c.Conn.Write(b)
		c.mu.Lock()
		c.settleLocked(n, err)
	}
	c.flushing = false
	c.flushed.Broadcast()
	return err
}

// settleLocked takes the result of a write of the connection; mu is held.
func (c *pendingConn) settleLocked(n int, err error) {
	c.sent += n
	c.stalled = errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil && !c.stalled {
		c.err = err
	}
	if c.buf != nil && (c.sent == len(*c.buf) || c.err != nil) {
		c.releaseLocked()
	}
}

// releaseLocked gives the buffer back; mu is held.
func (c *pendingConn) releaseLocked() {
	if cap(*c.buf) <= pendingKeep {
		*c.buf = (*c.buf)[:0]
		pendingBuffers.Put(c.buf)
	}
	c.buf, c.sent = nil, 0
}

// pending is how many bytes the connection has not taken.
func (c *pendingConn) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pendingLocked()
}

func (c *pendingConn) pendingLocked() int {
	if c.buf == nil {
		return 0
	}
	return len(*c.buf) - c.sent
}

func (c *pendingConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *pendingConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.readDeadline = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

func (c *pendingConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.writeDeadline = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

// writeState reports whether a flush has something to do, and whether the write
// deadline has passed.
func (c *pendingConn) writeState() (left, expired bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf != nil || c.stalled, past(c.writeDeadline)
}

// expired reports whether the write deadline has passed.
func (c *pendingConn) expired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return past(c.writeDeadline)
}

// readExpired reports whether the read deadline has passed.
func (c *pendingConn) readExpired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return past(c.readDeadline)
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// timeout is the error of op when its deadline has passed.
func (c *pendingConn) timeout(op string) error {
	local := c.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: c.RemoteAddr(), Err: os.ErrDeadlineExceeded}
}
