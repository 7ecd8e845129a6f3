package memnet

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Conn is one end of a connection. It is safe for concurrent use; a Write is
// never interleaved with another. A deadline that passes ends the calls it
// bounds and nothing else: moved, it lets everything go on. Errors other than
// io.EOF are *net.OpError.
type Conn struct {
	local, remote Addr    // constant
	in, out       *stream // constant; out is the peer's in
	closed        atomic.Bool
}

// Pair returns the two ends of a connection that belongs to no network. The
// caller closes both.
func Pair() (*Conn, *Conn) { return pair("pair-a", "pair-b") }

func pair(a, b Addr) (*Conn, *Conn) {
	ab, ba := newStream(), newStream()
	return &Conn{local: a, remote: b, in: ba, out: ab}, &Conn{local: b, remote: a, in: ab, out: ba}
}

// Read returns what has arrived, and waits for at least one byte. io.EOF
// follows the last byte of a peer that ended its direction, an error matching
// syscall.ECONNRESET that of a peer that closed with data unread.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

// Write waits until all of p is in the buffer. Its error matches syscall.EPIPE
// when this side has ended its direction or the peer has closed, and
// syscall.ECONNRESET when the peer closed with data unread.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.opError("write", err)
}

// CloseWrite ends this side's direction: the peer reads what was written, then
// io.EOF. The other direction goes on.
func (c *Conn) CloseWrite() error {
	if c.closed.Load() {
		return c.opError("close", net.ErrClosed)
	}
	c.out.end()
	return nil
}

// Close ends both directions and wakes who waits. What was written is still
// delivered. When this side leaves data unread the peer is reset, as TCP does
// it (RFC 2525, section 2.17). A second Close gives net.ErrClosed.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	c.out.closeWrite(c.in.closeRead(false))
	return nil
}

// reset closes c as if it had left data unread.
func (c *Conn) reset() {
	if !c.closed.Swap(true) {
		c.out.closeWrite(c.in.closeRead(true))
	}
}

// LocalAddr returns the name of this end, an Addr.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the name of the peer's end, an Addr.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time is none.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets when Read gives up, also one that waits already, with
// os.ErrDeadlineExceeded.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	c.in.setReadDeadline(t)
	return nil
}

// SetWriteDeadline does the same for Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	c.out.setWriteDeadline(t)
	return nil
}

func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}
