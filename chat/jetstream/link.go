package jetstream

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// A link is the connection to a NATS server. An external one comes and goes; an
// embedded one that has broken is replaced by another.
type link struct {
	nc     *nats.Conn
	js     natsjs.JetStream
	inner  *embedded // nil for an external server
	gets   *getter
	acks   *acks
	atomic bool // the stream takes atomic batches; set before the link is used

	gone     chan struct{} // closed when the link is closed
	replaced chan struct{} // closed when another has taken its place

	mu   sync.Mutex
	down chan struct{} // closed while the server cannot be reached
	up   chan struct{} // closed while it can
	why  error         // why it cannot
}

// newLink wraps a connection.
func newLink() *link {
	k := &link{gone: make(chan struct{}), replaced: make(chan struct{}), down: make(chan struct{}), up: make(chan struct{})}
	close(k.up)
	return k
}

// broken is closed when the server is lost, for good or until it is reached again.
func (k *link) broken() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.down
}

// cut is closed when nothing can be read any more. An embedded server that cannot
// write can still be read.
func (k *link) cut() <-chan struct{} {
	if k.inner != nil {
		return k.gone
	}
	return k.broken()
}

// readable is closed when something can be read, here or from what replaced k.
func (k *link) readable() <-chan struct{} {
	if k.inner != nil {
		if k.isGone() {
			return k.replaced
		}
		return alwaysClosed
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.up
}

// err says why the server cannot be reached, nil if it can.
func (k *link) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.why
}

// fail marks the server lost. The first reason stays.
func (k *link) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.why == nil {
		k.why = err
		close(k.down)
		k.up = make(chan struct{})
	}
}

// recover marks it reached again.
func (k *link) recover() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.why != nil {
		k.why = nil
		k.down = make(chan struct{})
		close(k.up)
	}
}

// close ends the connection, and an embedded server with it. One goroutine at a
// time calls it, perhaps again.
func (k *link) close() {
	k.fail(errClosed)
	if !k.isGone() {
		close(k.gone)
	}
	if k.nc != nil {
		closeConn(k.nc)
	}
	if k.inner != nil {
		k.inner.stop()
	}
}

func (k *link) isGone() bool {
	select {
	case <-k.gone:
		return true
	default:
		return false
	}
}

// closeConn closes nc and waits for its goroutines that call back.
func closeConn(nc *nats.Conn) {
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	if nc.IsClosed() {
		return
	}
	nc.Close()
	<-closed
}

// alwaysClosed is a channel for what is so.
var alwaysClosed = func() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// unreachable is err, or that the server cannot be reached if err says so in the
// words of the connection.
func unreachable(err error) error {
	if errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrConnectionReconnecting) {
		return errNoServer
	}
	return err
}

// errNoServer says that an external server is not there.
var errNoServer = errors.New("the NATS server cannot be reached")
