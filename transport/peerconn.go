package transport

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// peerConn is one peer of a PeerListener.
type peerConn struct {
	// Constant.
	l    *PeerListener
	key  peerKey
	addr net.Addr

	announced bool // belongs to the reader: Accept has it or will

	queue   chan datagram // the reader sends, Read receives
	closed  chan struct{}
	once    sync.Once // closes closed
	in, out *deadline
}

func (c *peerConn) LocalAddr() net.Addr  { return c.l.pc.LocalAddr() }
func (c *peerConn) RemoteAddr() net.Addr { return c.addr }

// Read gives one datagram, see Peers.
func (c *peerConn) Read(b []byte) (int, error) {
	if err := c.gone(c.in); err != nil {
		return 0, c.l.opError("read", c.addr, err)
	}
	select {
	case d := <-c.queue:
		c.l.waiting.Add(-int64(len(d.b)))
		n := copy(b, d.b)
		if n < len(d.b) || d.cut {
			return n, c.l.opError("read", c.addr, ErrMessageTooLong)
		}
		return n, nil
	case <-c.in.expired():
	case <-c.closed:
	case <-c.l.closed:
	case <-c.l.ended:
		if err := c.gone(c.in); err == nil {
			return 0, c.l.opError("read", c.addr, c.l.failure)
		}
	}
	return 0, c.l.opError("read", c.addr, c.gone(c.in))
}

// gone is why c cannot be used: it or its listener is closed, or d has passed.
func (c *peerConn) gone(d *deadline) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-c.l.closed:
		return net.ErrClosed
	default:
	}
	select {
	case <-d.expired():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

var errUnnamed = errors.New("the peer has no address to answer to")

// Write sends one datagram. Writes of all peers go one after the other.
func (c *peerConn) Write(b []byte) (int, error) {
	if _, ok := c.addr.(noAddr); ok {
		return 0, c.l.opError("write", c.addr, errUnnamed)
	}
	if err := c.l.acquire(c); err != nil {
		return 0, c.l.opError("write", c.addr, err)
	}
	n, err := c.l.pc.WriteTo(b, c.addr)
	c.l.release()
	if err != nil {
		if why := c.gone(c.out); why != nil {
			err = why
		}
		return n, c.l.opError("write", c.addr, err)
	}
	return n, nil
}

// Close forgets the peer and what it sent that was not read. Calls after the
// first do nothing.
func (c *peerConn) Close() error {
	c.once.Do(func() {
		c.l.mu.Lock()
		delete(c.l.peers, c.key)
		c.l.mu.Unlock()
		close(c.closed)
		c.forget()
		c.l.interrupt(c, time.Unix(1, 0))
		c.in.set(time.Time{})
		c.out.set(time.Time{})
	})
	return nil
}

// forget throws away what was not read.
func (c *peerConn) forget() {
	for {
		select {
		case d := <-c.queue:
			c.l.waiting.Add(-int64(len(d.b)))
		default:
			return
		}
	}
}

func (c *peerConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *peerConn) SetReadDeadline(t time.Time) error {
	if err := c.usable(); err != nil {
		return err
	}
	c.in.set(t)
	return nil
}

func (c *peerConn) SetWriteDeadline(t time.Time) error {
	if err := c.usable(); err != nil {
		return err
	}
	c.out.set(t)
	c.l.interrupt(c, t)
	return nil
}

func (c *peerConn) usable() error {
	select {
	case <-c.closed:
		return c.l.opError("set", c.addr, net.ErrClosed)
	case <-c.l.closed:
		return c.l.opError("set", c.addr, net.ErrClosed)
	default:
		return nil
	}
}

// deadline is a moment that can be moved, with a channel that is closed once it
// has passed.
type deadline struct {
	mu    sync.Mutex // guards what follows
	when  time.Time
	timer *time.Timer
	over  chan struct{}
}

func newDeadline() *deadline { return &deadline{over: make(chan struct{})} }

// set moves the deadline to t; the zero Time is never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.when = t
	select {
	case <-d.over:
		d.over = make(chan struct{})
	default:
	}
	switch left := time.Until(t); {
	case t.IsZero():
	case left <= 0:
		close(d.over)
	default:
		over := d.over
		d.timer = time.AfterFunc(left, func() { d.pass(over) })
	}
}

// pass closes over if it is still the deadline's: set may have been faster.
func (d *deadline) pass(over chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over == over && !d.when.IsZero() && !time.Now().Before(d.when) {
		select {
		case <-over:
		default:
			close(over)
		}
	}
}

func (d *deadline) expired() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}

func (d *deadline) at() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.when
}
