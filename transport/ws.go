package transport

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	coder "github.com/coder/websocket"

	"parley/endpoint"
)

// A wsConn is a WebSocket connection (RFC 6455) on a TCP or TLS connection,
// which it owns. It is a MessageConn, and a net.Conn whose Read gives the bytes
// of the messages one after the other, forgetting where they end.
//
// Write sends one message: text when it is valid UTF-8 and the peer's last
// message was text, or the peer has sent none yet; binary otherwise.
//
// WebSocket has no half-close, so there is no CloseWrite: each side's Close
// frame ends both directions, and the peer that gets it answers with its own at
// once. So whoever wants an answer must not close before it has come; and since
// nothing is read ahead, the answers to what came before the peer's Close
// frame are sent if they are written before the next read.
//
// The peer's end in order (codes 1000 and 1001, and a Close frame without a
// code, which is what browsers send) reads as io.EOF. Another code is an error
// that shows it and its reason. The end of the connection without a Close frame
// is an error matching io.ErrUnexpectedEOF.
//
// Deadlines do no harm. A Write that a deadline ends before anything of the
// message was taken returns 0; one that is ended later returns len(p) with the
// error, and the next Write, or Close, sends the rest.
//
// Pings are answered while somebody reads. All methods may be called by several
// goroutines at once.
type wsConn struct {
	// Constant.
	e          endpoint.Endpoint
	server     *wsListener // nil for a dialled conn
	maxMessage int64       // bytes a message may have for Read; -1: no limit, Read holds no message whole
	out        *wsWire
	gone       chan struct{} // closed by Close
	limit      *deadline     // of reads
	shaking    chan struct{} // of 1; full while a handshake is run or its result looked at
	reading    chan struct{} // of 1; full while a Read or ReadMessage is at it
	writing    chan struct{} // of 1; full while a Write is at it
	asks       chan wsAsk    // of 1; to readLoop
	chunks     chan wsChunk  // of 1; from readLoop, one for each ask
	readerDone chan struct{} // closed by readLoop

	ws         atomic.Pointer[coder.Conn] // nil before the handshake has succeeded
	peerBinary atomic.Bool                // the peer's last message was binary
	spoiled    atomic.Bool                // the connection is of no use, a closing handshake neither
	refused    atomic.Int32               // the close code for a message that was refused, which is told the peer; 0: none was

	shakeErr error // how the handshake has failed; whoever filled shaking only
	in       wsIncoming

	mu      sync.Mutex // guards what follows
	closed  bool
	started bool // readLoop runs, or has

	frames sync.Mutex // held while a frame is added to out; guards what follows
	pongs  int        // added to out since it was last seen empty
}

// newWSConn makes a conn on raw. Its handshake is still to come.
func newWSConn(raw net.Conn, e endpoint.Endpoint, server *wsListener) *wsConn {
	return &wsConn{
		e:          e,
		server:     server,
		maxMessage: -1,
		out:        &wsWire{pendingConn: newPending(raw)},
		gone:       make(chan struct{}),
		limit:      newDeadline(),
		shaking:    make(chan struct{}, 1),
		reading:    make(chan struct{}, 1),
		writing:    make(chan struct{}, 1),
		asks:       make(chan wsAsk, 1),
		chunks:     make(chan wsChunk, 1),
		readerDone: make(chan struct{}),
	}
}

// wsWire is what the library reads and writes.
type wsWire struct {
	*pendingConn
	cut atomic.Bool // the peer's direction has ended
}

func (w *wsWire) Read(p []byte) (int, error) {
	n, err := w.pendingConn.Read(p)
	if n == 0 && err == io.EOF {
		w.cut.Store(true)
	}
	return n, err
}

// HandshakeContext runs the opening handshake, that of TLS first, if it has not
// been run. When ctx ends first the connection is of no use any more.
func (c *wsConn) HandshakeContext(ctx context.Context) error {
	if c.ws.Load() != nil {
		return nil
	}
	select {
	case c.shaking <- struct{}{}:
	case <-ctx.Done():
		return opError("handshake", c.e, ctx.Err())
	}
	defer func() { <-c.shaking }()
	if c.ws.Load() != nil || c.shakeErr != nil {
		return c.shakeErr
	}
	ws, err := c.upgrade(ctx)
	if err != nil {
		c.shakeErr = opError("handshake", c.e, err)
		return c.shakeErr
	}
	c.establish(ws)
	return nil
}

// establish ends the handshake. From here on deadlines of reads are not the
// underlying connection's.
func (c *wsConn) establish(ws *coder.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.SetReadDeadline(time.Time{})
	c.ws.Store(ws)
}

// LocalAddr is that of the underlying connection.
func (c *wsConn) LocalAddr() net.Addr { return c.out.LocalAddr() }

// RemoteAddr is that of the underlying connection.
func (c *wsConn) RemoteAddr() net.Addr { return c.out.RemoteAddr() }

// SetDeadline sets both deadlines; the zero time is none.
func (c *wsConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets when Read and ReadMessage give up.
func (c *wsConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	c.limit.set(t)
	if c.ws.Load() == nil {
		return c.out.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline sets when Write gives up.
func (c *wsConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	return c.out.SetWriteDeadline(t)
}

func (c *wsConn) isClosed() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

func (c *wsConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.e.Scheme, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: cause(err)}
}
