package parley

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"parley/transport"
)

// newSession makes the session of an accepted connection.
func newSession(l *listener, nc net.Conn) *Conn {
	c := &Conn{lis: l, nc: nc, raw: rawOf(nc), opened: l.srv.now(), idle: int64(l.limits.Idle)}
	c.quiet.L = &c.mu
	c.message, _ = nc.(transport.MessageConn)
	if c.raw != nil {
		c.readFn = c.readReady
	}
	c.active.Store(c.opened)
	return c
}

// run is the session's goroutine. It ends when both sides have ended, or by a
// limit, an error, or the server's Close.
func (c *Conn) run() {
	defer c.lis.srv.wg.Done()
	if err := c.handshake(); err != nil {
		c.close()
		c.lis.reject(c.RemoteAddr(), err)
		return
	}
	c.lis.emit(&Event{Kind: EventAccept, Session: c.id, Remote: c.RemoteAddr()})
	err := c.open()
	opened := err == nil
	if opened {
		err = c.talk()
	}
	err = c.finish(err)
	if opened {
		c.closed(err)
	}
	c.lis.ended(c, err)
}

// handshake runs the transport's handshake, if it has one, under its own limit.
func (c *Conn) handshake() error {
	h, ok := c.nc.(transport.Handshaker)
	if !ok {
		return nil
	}
	ctx := c.lis.srv.ctx
	if limit := c.lis.limits.Handshake; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	err := h.HandshakeContext(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() == context.DeadlineExceeded {
		return ErrHandshake
	}
	if op, ok := errors.AsType[*OpError](err); ok {
		err = op.Err // the event says which listener
	}
	return fmt.Errorf("%w: %w", errBadHandshake, err)
}

// open tells the service of the session.
func (c *Conn) open() (err error) {
	if c.lis.opener == nil {
		return nil
	}
	defer c.recovering(&err)
	c.beginBatch()
	if err = c.lis.opener.Open(c); err != nil {
		return err
	}
	if c.flush() != nil {
		c.woken.Store(true) // Open has succeeded, so Closed is called: the reader finds the error
	}
	return nil
}

// closed tells the service of the end.
func (c *Conn) closed(err error) {
	if c.lis.closer != nil {
		var panicked error
		defer c.recovering(&panicked)
		c.lis.closer.Closed(c, err)
	}
}

// talk serves the session until one side ends it.
func (c *Conn) talk() (err error) {
	defer c.recovering(&err)
	if c.lis.streamer != nil {
		return c.stream()
	}
	return c.serveMessages()
}

// recovering turns a panic of the service into the error of this one session.
func (c *Conn) recovering(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("service panicked: %v", v)
		c.lis.emit(&Event{Kind: EventFail, Session: c.id, Remote: c.RemoteAddr(), Err: *err, Text: string(debug.Stack())})
	}
}

// serveMessages reads, cuts and serves until the peer or the service ends.
func (c *Conn) serveMessages() error {
	for !c.ended() {
		got, err := c.receive()
		if err != nil {
			return err
		}
		if got == gotDrain {
			return c.serveRest()
		}
		if err := c.serveBatch(got != gotData); err != nil {
			return err
		}
		if got == gotEnd {
			return c.serveEnded()
		}
	}
	return nil
}

// serveBatch serves the messages in the read buffer and writes their answers.
// last reports that what is there is a message even without its end.
func (c *Conn) serveBatch(last bool) error {
	c.beginBatch()
	err := c.feed(last)
	if ferr := c.flush(); err == nil {
		err = ferr
	}
	return err
}

// feed cuts the read buffer into messages and serves each. It is the one place
// where the bytes of a stream become calls of a service.
func (c *Conn) feed(last bool) error {
	if c.in == nil || c.message != nil && last {
		return nil
	}
	if c.message != nil {
		defer c.keep(nil)
		return c.serve(c.in.b)
	}
	data := c.in.b
	var err error
	for len(data) > 0 && err == nil && !c.ended() {
		msg, n, serr := c.framing().Split(data, c.lis.limits.Message, last)
		if err = serr; n == 0 || err != nil {
			break
		}
		data = data[n:]
		err = c.serve(msg)
	}
	c.keep(data)
	return err
}

// serve serves one message, and makes a peer that lags take its answers before
// the next.
func (c *Conn) serve(msg []byte) error {
	c.batch++
	c.lis.traceMessage(c, false, msg)
	err := c.lis.service.Serve(c, msg[:len(msg):len(msg)])
	if err == nil && c.lagging.Load() {
		err = c.flush()
		c.beginBatch()
	}
	return err
}

// keep keeps rest, the unserved end of the read buffer, for the next read. An
// empty buffer is given back by the read, when it finds nothing.
func (c *Conn) keep(rest []byte) {
	if len(rest) == 0 {
		c.in.b = c.in.b[:0]
		return
	}
	c.in.shift(len(c.in.b) - len(rest))
}

// serveEnded gives a service that wants it its own end after the peer's.
func (c *Conn) serveEnded() error {
	if c.lis.ender == nil {
		return nil
	}
	c.beginBatch()
	err := c.lis.ender.Ended(c)
	if ferr := c.flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return err
	}
	return c.awaitEnd()
}

// awaitEnd waits, when the peer has ended, for the service to end, or a limit.
func (c *Conn) awaitEnd() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.state == stateOpen && c.werr == nil {
		now := c.lis.srv.now()
		if err := c.expired(now); err != nil {
			return err
		}
		if c.lis.srv.draining.Load() {
			return errDrained
		}
		if at := c.limitAt(); at != 0 {
			timer := time.AfterFunc(time.Duration(at-now), c.wake)
			c.quiet.Wait()
			timer.Stop()
			continue
		}
		c.quiet.Wait()
	}
	return c.werr
}

// drainMost bounds how much is still served of a peer that does not stop
// sending while the server drains.
const drainMost = 16 << 20

// serveRest serves, when the server drains, what the peer had sent by then.
func (c *Conn) serveRest() error {
	c.nowait = true
	stop := time.Now().Add(c.lis.srv.drainLinger())
	for total := 0; total < drainMost && !c.ended() && (c.raw != nil || time.Now().Before(stop)); {
		until := c.restDeadline()
		c.nc.SetReadDeadline(until)
		n, err := c.read()
		if n == 0 && err == nil && c.message == nil {
			continue
		}
		if err != nil && err != errNothing && errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(until) {
			continue // a wake that came late
		}
		c.peerEnded = err == io.EOF
		total += n
		if serr := c.serveBatch(err != nil); serr != nil {
			return serr
		}
		if err != nil {
			break
		}
	}
	return errDrained
}

// errNothing is what a raw socket that has nothing more says to serveRest.
var errNothing error = &limitError{"drain", "nothing more to read", os.ErrDeadlineExceeded}

// restDeadline ends a read of serveRest: a raw socket tells by itself when it has
// nothing more, another conn has this long to come up with it.
func (c *Conn) restDeadline() time.Time {
	if c.raw != nil {
		return time.Now().Add(time.Minute) // it does not wait
	}
	return time.Now().Add(50 * time.Millisecond)
}

// finish ends the session in order as far as err allows: what was sent is
// written, our end is passed on, the peer's end awaited. It returns the reason of
// the end.
func (c *Conn) finish(err error) error {
	c.mu.Lock()
	c.enterLocked(stateEnding)
	c.mu.Unlock()
	if c.in != nil {
		inputs.put(c.in)
		c.in = nil
	}
	werr := c.finishWriting()
	if err == nil {
		err = werr
	}
	if werr == nil && !c.torn && peerAlive(err) {
		if lerr := c.linger(); err == nil {
			err = lerr
		}
	}
	c.close()
	return err
}

// peerAlive reports whether, after err, the peer still reads what it was sent.
// To close at once while it sends would make the system throw that away.
func peerAlive(err error) bool {
	var netErr net.Error
	return !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &netErr)
}

// linger ends our direction and waits for the end of the peer's.
func (c *Conn) linger() error {
	if _, ok := c.nc.(transport.HalfCloser); !ok {
		return nil
	}
	if err := closeWrite(c.nc); errors.Is(err, syscall.ENOTCONN) {
		return syscall.ECONNRESET // the peer's reset has ended the connection
	} else if err != nil || c.peerEnded {
		return err
	}
	wait := c.lis.limits.Linger
	if c.lis.srv.draining.Load() {
		wait = min(wait, c.lis.srv.drainLinger())
	}
	if wait == 0 {
		return nil
	}
	until, cut := time.Now().Add(wait), false
	b := inputs.get()
	defer inputs.put(b)
	for {
		c.nc.SetReadDeadline(until)
		if !cut && c.lis.srv.draining.Load() { // looked at after the deadline, which may have undone a wake
			cut = true
			if limit := time.Now().Add(c.lis.srv.drainLinger()); limit.Before(until) {
				until = limit
				continue
			}
		}
		_, err := c.nc.Read(b.b[:cap(b.b)])
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(until): // a wake
		case errors.Is(err, os.ErrDeadlineExceeded):
			return ErrLinger
		case err != nil:
			return err
		}
	}
}

// close closes the connection, waits for a writer that is at it, and frees the
// session's place.
func (c *Conn) close() {
	c.nc.Close()
	c.mu.Lock()
	c.enterLocked(stateClosed)
	for c.writing {
		c.quiet.Wait()
	}
	if c.out != nil {
		outputs.put(c.out)
		c.out = nil
	}
	c.mu.Unlock()
	c.lis.srv.untrack(c)
}
