package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// mostEvents is how many events wait to be read before the network is not read
// any more.
const mostEvents = 256

// errRunning is the error of a second Run.
var errRunning = errors.New("chat: Run was called before")

// Run connects, and comes back after each cut, until Quit, when it returns
// nil, or until ctx ends, when it returns its cause and events that nobody has
// read are dropped. It may be called once.
//
// If the first connection fails its error is Run's: that of Dial, or one that
// matches ErrNotChat if the peer does not answer as a chat server does. ErrReplaced
// ends Run at any time, any cut does with Config.Once.
func (c *Client) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errRunning
	}
	c.running = true
	err := c.s.check()
	c.mu.Unlock()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, c.wake)()
	stop := make(chan struct{})
	shown := make(chan struct{})
	go c.show(stop, shown) // ends when over is set and all is shown, or stop is closed; finish waits
	if err == nil {
		err = c.converse(ctx)
	}
	c.finish(ctx, stop, shown)
	return err
}

// wake wakes who waits for the session, to look at something else.
func (c *Client) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved.Broadcast()
}

// finish lets the user read the last events for a while.
func (c *Client) finish(ctx context.Context, stop, shown chan struct{}) {
	c.mu.Lock()
	c.over, c.s.closing = true, true
	c.moved.Broadcast()
	c.mu.Unlock()
	patience := time.NewTimer(c.cfg.linger())
	defer patience.Stop()
	select {
	case <-shown:
	case <-patience.C:
	case <-ctx.Done():
	}
	close(stop)
	<-shown
	close(c.events)
	close(c.ended)
}

// converse has one connection after the other. Its error is Run's.
func (c *Client) converse(ctx context.Context) error {
	for {
		err := c.connect(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.mu.Lock()
		pause, final, end := c.s.cut(time.Now(), err)
		c.settledLocked()
		if final {
			return end
		}
		if err := c.rest(ctx, pause); err != nil {
			return err
		}
	}
}

// rest waits before the next attempt: for a while, and until what happened so far is
// read.
func (c *Client) rest(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-timer.C:
			waiting = false
		case <-c.kick:
			waiting = !c.leaving()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.s.events) >= mostEvents && !c.s.leaving && ctx.Err() == nil {
		c.moved.Wait()
	}
	return nil
}

func (c *Client) leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s.leaving
}

// connect dials and has a conversation. Its error is why that ended.
func (c *Client) connect(ctx context.Context) error {
	nc, err := c.dial(ctx)
	if err != nil {
		return err
	}
	if nc == nil {
		return errors.New("chat: Dial gave no connection")
	}
	return c.talk(ctx, nc)
}

// dial is ended by Quit.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	if c.s.leaving {
		c.mu.Unlock()
		return nil, ErrEnded
	}
	c.giveUp = cancel
	c.mu.Unlock()
	nc, err := c.cfg.Dial(ctx)
	c.mu.Lock()
	c.giveUp = nil
	c.mu.Unlock()
	return nc, err
}

// talk has a conversation on nc, and closes it.
func (c *Client) talk(ctx context.Context, nc net.Conn) error {
	c.mu.Lock()
	c.reading = true
	if !c.s.leaving {
		c.s.connected(time.Now())
	}
	c.settledLocked()

	var loops sync.WaitGroup
	loops.Go(func() { c.read(nc) })  // ends when nc is closed or fails
	loops.Go(func() { c.write(nc) }) // ends when reading is false, or nc is closed or fails
	err := c.attend(ctx)

	c.mu.Lock()
	c.reading = false
	c.moved.Broadcast()
	c.mu.Unlock()
	nc.Close()
	loops.Wait()
	return err
}

// attend gives the session the time, until the connection is of no use.
func (c *Client) attend(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c.mu.Lock()
		c.s.tick(time.Now())
		verdict, at := c.s.verdict, c.s.next()
		c.armed = at
		c.settledLocked()
		if verdict != nil {
			return verdict.err
		}
		timer.Stop()
		if !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		select {
		case <-timer.C:
		case <-c.kick:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// show hands over the events. It closes shown when it ends.
func (c *Client) show(stop <-chan struct{}, shown chan<- struct{}) {
	defer close(shown)
	for {
		e := c.nextEvent()
		if e == nil {
			return
		}
		select {
		case c.events <- e:
		case <-stop:
			return
		}
	}
}

// nextEvent waits for the next event; it is nil when no more come.
func (c *Client) nextEvent() Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.s.events) == 0 {
		if c.over {
			return nil
		}
		c.moved.Wait()
	}
	e := c.s.events[0]
	c.s.events[0] = nil
	c.s.events = c.s.events[1:]
	switch len(c.s.events) {
	case 0:
		c.s.events = nil
	case mostEvents / 2:
		c.moved.Broadcast()
	}
	return e
}

// failed says that the conn has failed.
func (c *Client) failed(op string, err error) {
	c.mu.Lock()
	defer c.settledLocked()
	if err == io.EOF {
		err = errors.New("the server closed the connection")
	}
	if !errors.As(err, new(*net.OpError)) {
		err = fmt.Errorf("%s: %w", op, err)
	}
	c.s.fail(c.s.ended(err))
}
