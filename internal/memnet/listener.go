package memnet

import (
	"context"
	"net"
	"sync"
)

// backlog is how many connections of a listener can wait for Accept.
const backlog = 128

// Listener is one name of a Network. It is safe for concurrent use.
type Listener struct {
	network *Network
	addr    Addr
	queue   chan *Conn // of backlog; never closed, since dials send on it
	done    chan struct{}
	once    sync.Once // closes done
}

func newListener(n *Network, addr Addr) *Listener {
	return &Listener{
		network: n,
		addr:    addr,
		queue:   make(chan *Conn, backlog),
		done:    make(chan struct{}),
	}
}

// Addr returns the listener's name, an Addr.
func (l *Listener) Addr() net.Addr { return l.addr }

// Accept returns the connection that has waited longest, a *Conn, which the
// caller closes. After Close its error matches net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	if l.isClosed() {
		return nil, l.opError("accept", net.ErrClosed)
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Close frees the name, wakes Accept, and resets the connections that nobody
// has accepted; the others go on. A second Close gives net.ErrClosed.
func (l *Listener) Close() error {
	err := l.opError("close", net.ErrClosed)
	l.once.Do(func() {
		l.network.release(l)
		close(l.done)
		l.resetQueue()
		err = nil
	})
	return err
}

// enqueue gives c to Accept.
func (l *Listener) enqueue(ctx context.Context, c *Conn) error {
	select {
	case l.queue <- c:
	case <-l.done:
		return errRefused()
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.isClosed() { // and c may have come in after Close had emptied the queue
		l.resetQueue()
		return errRefused()
	}
	return nil
}

// resetQueue resets what waits for Accept. Two calls at a time do no harm.
func (l *Listener) resetQueue() {
	for {
		select {
		case c := <-l.queue:
			c.reset()
		default:
			return
		}
	}
}

func (l *Listener) isClosed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.addr.Network(), Addr: l.addr, Err: err}
}
