package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// tlsChunk is how much plaintext is encrypted before it is sent: four
	// records, which go out in one write.
	tlsChunk = 64 << 10

	// tlsUnanswered bounds the answers to key updates (RFC 8446, section 4.6.3)
	// that wait for our next write. It is beyond what a chunk leaves pending.
	tlsUnanswered = 2 * tlsChunk

	// tlsCloseWait bounds how long Close waits for the peer to take what is
	// pending, and tlsCloseTry does when the write deadline has passed.
	tlsCloseWait = time.Second
	tlsCloseTry  = 10 * time.Millisecond
)

var errTLSCut = fmt.Errorf("the connection ended without the peer's TLS close_notify: %w", io.ErrUnexpectedEOF)

// A tlsConn is a TLS connection on another connection, which it owns. It keeps
// what net.Conn promises and crypto/tls does not: a write deadline that passes
// does no harm.
//
// Write then returns how many bytes it has accepted, which are encrypted and
// partly sent; a later Write (of no bytes, if need be) or Close sends the rest.
// A deadline that passes during the handshake ends the connection.
//
// CloseWrite sends close_notify and leaves the other direction open, as RFC 8446,
// section 6.1, has it. An end of the connection without the peer's close_notify
// is an error matching io.ErrUnexpectedEOF: data may have been cut off.
//
// All methods may be called by several goroutines at once.
type tlsConn struct {
	// Constant.
	tls     *tls.Conn
	records *tlsRecords
	shaking chan struct{} // of 1; full while a handshake is run or its result looked at
	writing chan struct{} // of 1; full while a Write or CloseWrite is at it

	ended  atomic.Bool // CloseWrite was called
	closed atomic.Bool

	shaken   bool  // the handshake has been run; whoever filled shaking only
	shakeErr error // and how it ended
}

// tlsRecords carries the records of a tls.Conn. After the handshake what is
// written is only added to what is pending; the tlsConn flushes. So a tls.Conn
// that answers while it reads never waits for the peer, and its own deadlines for
// close_notify do not replace those of the user.
type tlsRecords struct {
	*pendingConn
	established atomic.Bool
	cut         atomic.Bool // the peer's direction has ended, whether TLS knows or not
}

func (r *tlsRecords) Read(p []byte) (int, error) {
	n, err := r.pendingConn.Read(p)
	if n == 0 && err == io.EOF {
		r.cut.Store(true)
	}
	return n, err
}

func (r *tlsRecords) Write(p []byte) (int, error) {
	if _, err := r.add(p, tlsUnanswered); err != nil {
		return 0, err
	}
	if r.established.Load() {
		return len(p), nil
	}
	return len(p), r.flush()
}

// SetWriteDeadline does nothing; see tlsRecords.
func (r *tlsRecords) SetWriteDeadline(time.Time) error { return nil }

// newTLSConn makes a side of a connection; side is tls.Client or tls.Server.
func newTLSConn(nc net.Conn, config *tls.Config, side func(net.Conn, *tls.Config) *tls.Conn) *tlsConn {
	r := &tlsRecords{pendingConn: newPending(nc)}
	return &tlsConn{
		tls:     side(r, config),
		records: r,
		shaking: make(chan struct{}, 1),
		writing: make(chan struct{}, 1),
	}
}

// HandshakeContext runs the handshake, if it has not been run. When ctx ends
// first the connection is of no use any more.
func (c *tlsConn) HandshakeContext(ctx context.Context) error {
	if c.records.established.Load() {
		return nil
	}
	select {
	case c.shaking <- struct{}{}:
	default:
		select {
		case c.shaking <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-c.shaking }()
	if !c.shaken {
		c.shaken = true
		c.shakeErr = c.tls.HandshakeContext(ctx)
		if errors.Is(c.shakeErr, io.EOF) {
			c.shakeErr = fmt.Errorf("the peer ended the connection during the TLS handshake: %w", io.ErrUnexpectedEOF)
		}
		c.records.established.Store(c.shakeErr == nil)
	}
	return c.shakeErr
}

// Read reads what has arrived, waiting for at least one byte.
func (c *tlsConn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, c.opError("read", net.ErrClosed)
	}
	if c.records.readExpired() {
		return 0, c.records.timeout("read")
	}
	if err := c.HandshakeContext(context.Background()); err != nil {
		return 0, err
	}
	n, err := c.tls.Read(p)
	if err == io.EOF && c.records.cut.Load() {
		err = errTLSCut
	}
	return n, err
}

// Write sends p; see tlsConn for what a deadline does.
func (c *tlsConn) Write(p []byte) (n int, err error) {
	if !c.records.established.Load() {
		if _, err := c.writable(); err != nil { // a past deadline must not begin a handshake
			return 0, err
		}
		if err := c.HandshakeContext(context.Background()); err != nil {
			return 0, err
		}
	}
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	for {
		left, err := c.writable()
		if err == nil && left {
			err = c.records.flush() // first what an earlier Write left
		}
		if err != nil || n == len(p) {
			return n, err
		}
		m, err := c.tls.Write(p[n:min(len(p), n+tlsChunk)])
		if n += m; err != nil {
			return n, err
		}
		if err = c.records.flush(); err != nil || n == len(p) {
			return n, err
		}
	}
}

// writable is why nothing can be written, or else whether something is left to
// be sent.
func (c *tlsConn) writable() (left bool, err error) {
	left, expired := c.records.writeState()
	switch {
	case c.closed.Load():
		err = c.opError("write", net.ErrClosed)
	case c.ended.Load():
		err = c.opError("write", os.NewSyscallError("write", syscall.EPIPE))
	case expired:
		err = c.records.timeout("write")
	}
	return left, err
}

// CloseWrite ends our direction: the peer reads what was written, then io.EOF.
// When the write deadline ends it, calling it again goes on.
func (c *tlsConn) CloseWrite() error {
	if c.closed.Load() {
		return c.opError("close", net.ErrClosed)
	}
	if err := c.HandshakeContext(context.Background()); err != nil {
		return err
	}
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	c.ended.Store(true)
	if err := c.tls.CloseWrite(); err != nil {
		return err
	}
	return c.records.flush()
}

// Close ends both directions. It sends what is pending, and close_notify, if the
// peer takes it within a second; that it did not take written data is an error. A
// Write that waits for the peer is broken off instead.
func (c *tlsConn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	var err error
	select {
	case c.writing <- struct{}{}:
		err = c.farewell()
		<-c.writing
	default:
	}
	if cerr := c.records.Conn.Close(); err == nil {
		err = cerr
	}
	return err
}

// farewell sends what is pending and close_notify. That the latter cannot be
// sent is no loss.
func (c *tlsConn) farewell() error {
	if !c.records.established.Load() {
		return nil
	}
	wait := tlsCloseWait
	if c.records.expired() {
		wait = tlsCloseTry
	}
	c.records.pendingConn.SetWriteDeadline(time.Now().Add(wait))
	lossy := c.records.pending() > 0
	err := c.tls.CloseWrite()
	if ferr := c.records.flush(); err == nil {
		err = ferr
	}
	if !lossy {
		return nil
	}
	return err
}

// ConnectionState says what the handshake agreed on.
func (c *tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

func (c *tlsConn) LocalAddr() net.Addr  { return c.records.LocalAddr() }
func (c *tlsConn) RemoteAddr() net.Addr { return c.records.RemoteAddr() }

func (c *tlsConn) SetDeadline(t time.Time) error     { return c.records.pendingConn.SetDeadline(t) }
func (c *tlsConn) SetReadDeadline(t time.Time) error { return c.records.SetReadDeadline(t) }
func (c *tlsConn) SetWriteDeadline(t time.Time) error {
	return c.records.pendingConn.SetWriteDeadline(t)
}

func (c *tlsConn) opError(op string, err error) error {
	local := c.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: c.RemoteAddr(), Err: err}
}
