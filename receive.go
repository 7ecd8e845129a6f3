package parley

import (
	"errors"
	"io"
	"os"
	"time"
)

// received is what a wait for the peer brought.
type received uint8

const (
	gotData  received = iota // bytes, or on a message transport one message
	gotPause                 // the peer paused: what is there is a message
	gotEnd                   // the peer ended its direction
	gotWake                  // the service ended the session from elsewhere
	gotDrain                 // the server drains
)

// receive waits for the peer, without a buffer where that is possible. An error
// is a limit's or the network's.
func (c *Conn) receive() (received, error) {
	for {
		c.arm()
		if c.woken.Load() {
			if got, done, err := c.attend(); done {
				return got, err
			}
			continue
		}
		n, err := c.read()
		switch {
		case n > 0 || err == nil:
			return gotData, nil
		case err == io.EOF:
			c.peerEnded = true
			return gotEnd, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		}
		c.armed = 0
		now := c.lis.srv.now()
		if c.pauseAt != 0 && now >= c.pauseAt {
			c.pauseAt = 0
			return gotPause, nil
		}
		if err := c.expired(now); err != nil && !c.woken.Load() {
			return 0, err
		}
	}
}

// attend finds out why the session was woken.
func (c *Conn) attend() (got received, done bool, err error) {
	c.woken.Store(false)
	c.armed = 0
	c.mu.Lock()
	ending, werr := c.state != stateOpen, c.werr
	c.mu.Unlock()
	switch {
	case werr != nil:
		return 0, true, werr
	case ending:
		return gotWake, true, nil
	case c.lis.srv.draining.Load():
		return gotDrain, true, nil
	}
	return 0, false, nil
}

// read reads once, into the read buffer.
func (c *Conn) read() (n int, err error) {
	switch {
	case c.message != nil:
		n, err = c.readMessage()
	case c.raw != nil:
		if c.in != nil {
			c.in.grow()
		}
		n, err = c.receiveRaw()
	default:
		n, err = c.readHolding()
	}
	if n > 0 {
		c.active.Store(c.lis.srv.now())
		c.fresh += n
	}
	return n, err
}

// readMessage reads one message of a transport that keeps their boundaries.
func (c *Conn) readMessage() (int, error) {
	if c.in == nil {
		c.in = inputs.get()
	}
	msg, err := c.message.ReadMessage(c.in.b[:0], c.lis.limits.Message)
	if err != nil {
		return 0, err
	}
	c.in.b = msg
	return len(msg), nil
}

// readHolding reads a conn that cannot be waited for without a buffer.
func (c *Conn) readHolding() (int, error) {
	if c.in == nil {
		c.in = inputs.get()
	}
	c.in.grow()
	n, err := c.nc.Read(c.in.b[len(c.in.b):cap(c.in.b)])
	c.in.b = c.in.b[:len(c.in.b)+n]
	if n > 0 {
		err = nil // it comes again with the next read
	}
	return n, err
}

// arm sets the read deadline, unless one that is set expires early enough: the
// limits are looked at when it does, so a busy session seldom sets any.
func (c *Conn) arm() {
	c.pauseAt = 0
	want := c.limitAt()
	if pause := c.pause(); pause > 0 && c.in != nil && len(c.in.b) > 0 {
		c.pauseAt = c.active.Load() + int64(pause)
		if want == 0 || c.pauseAt < want {
			want = c.pauseAt
		}
	}
	switch {
	case want != 0 && (c.armed == 0 || want < c.armed):
		c.armed = want
		c.nc.SetReadDeadline(c.lis.srv.at(want))
	case want == 0 && c.armed == 0:
		c.armed = never
		c.nc.SetReadDeadline(time.Time{})
	}
}

// never is a deadline that does not come, on the server's clock.
const never = 1<<63 - 1

// limitAt is when the first of the session's timers expires, 0 is never.
func (c *Conn) limitAt() int64 {
	var at int64
	if c.idle > 0 {
		at = c.active.Load() + c.idle
	}
	if total := int64(c.lis.limits.Total); total > 0 && (at == 0 || c.opened+total < at) {
		at = c.opened + total
	}
	return at
}

// expired is the limit that the session is past, if any.
func (c *Conn) expired(now int64) error {
	if total := int64(c.lis.limits.Total); total > 0 && now >= c.opened+total {
		return ErrTotal
	}
	if c.idle > 0 && now >= c.active.Load()+c.idle {
		return ErrIdle
	}
	return nil
}
