//go:build unix

package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// listenUnixpacket is listenUnix for messages: Accept returns a MessageConn.
func listenUnixpacket(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" { // they have no SOCK_SEQPACKET in this family
		return nil, notHere(e)
	}
	ln, err := bindUnix(ctx, e)
	if err != nil {
		return nil, err
	}
	return packetListener{ln}, nil
}

// dialUnixpacket returns a MessageConn.
func dialUnixpacket(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return nil, notHere(e)
	}
	c, err := connectUnix(ctx, e)
	if err != nil {
		return nil, err
	}
	pc, err := newPacketConn(c)
	if err != nil {
		return nil, err
	}
	if value, ok := e.Option("maxmessage"); ok {
		if n, err := endpoint.ParseSize(value); err == nil && n > 0 {
			pc.limit = int(min(n, maxSeqpacket))
		}
	}
	return pc, nil
}

// inheritUnixpacket and inheritUnixpacketListener are for descriptors.
func inheritUnixpacket(c *net.UnixConn) (net.Conn, error) {
	pc, err := newPacketConn(c)
	if err != nil {
		return nil, err
	}
	return pc, nil
}

func inheritUnixpacketListener(l *net.UnixListener) (net.Listener, error) {
	return packetListener{l}, nil
}

// unixAccepter is a *net.UnixListener or what embeds one.
type unixAccepter interface {
	net.Listener
	AcceptUnix() (*net.UnixConn, error)
}

// packetListener makes MessageConns of what it accepts.
type packetListener struct{ unixAccepter }

func (l packetListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return inheritUnixpacket(c)
}

// maxSeqpacket is more than any system sends as one message. It keeps a limit
// that is switched off from being taken for a size.
const maxSeqpacket = 1 << 30

// packetConn is one end of a unixpacket (SOCK_SEQPACKET) connection: a
// MessageConn and a HalfCloser. The system gives the end as a message without
// bytes, so there are no empty messages: to write one is an error.
type packetConn struct {
	*net.UnixConn
	raw   syscall.RawConn
	limit int // of ReadMessage, by maxmessage=

	mu sync.Mutex // held by a reader: looking and taking belong together
}

func newPacketConn(c *net.UnixConn) (*packetConn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		c.Close()
		return nil, err
	}
	return &packetConn{UnixConn: c, raw: raw, limit: maxSeqpacket}, nil
}

var errEmptyMessage = errors.New("an empty message would be read as the end")

func (c *packetConn) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, c.opError("write", errEmptyMessage)
	}
	return c.UnixConn.Write(b)
}

// Read reads one message. One that is longer than b is cut, its rest is lost
// and the error matches ErrMessageTooLong.
func (c *packetConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.take(b)
}

// take reads one message into b, which is not empty; mu is held.
func (c *packetConn) take(b []byte) (int, error) {
	n, _, flags, _, err := c.ReadMsgUnix(b, nil)
	switch {
	case err != nil:
		return 0, plainEOF(err) // n is -1
	case flags&unix.MSG_TRUNC != 0:
		return n, c.opError("read", ErrMessageTooLong)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// plainEOF is io.EOF itself where package net has wrapped it: readers compare.
func plainEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}

// ReadMessage implements MessageConn. A message that is too long is gone with
// the error, and the next call gets the next one. It takes no buffer before
// there is a message, where the system lets it.
func (c *packetConn) ReadMessage(buf []byte, limit int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit = max(0, min(limit, c.limit))
	size, err := nextSize(c.raw, limit)
	if err != nil {
		return buf, c.opError("read", err)
	}
	room := min(size, limit) + 1 // a byte more shows what is too long, and is where an end is read to
	n := len(buf)
	buf = slices.Grow(buf, room)
	got, err := c.take(buf[n : n+room])
	switch {
	case err != nil:
		return buf, err
	case got > limit:
		return buf, c.opError("read", ErrMessageTooLong)
	}
	return buf[:n+got], nil
}

func (c *packetConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "unixpacket", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: cause(err)}
}
