//go:build unix && !parleyportable

package parley

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawOf returns nc's socket if reads can wait for it to be readable without a
// buffer at hand, and writes can tell that they would block: for plain TCP and
// Unix streams. Everything else is read and written as any net.Conn.
func rawOf(nc net.Conn) syscall.RawConn {
	switch nc := nc.(type) {
	case *net.TCPConn:
		if raw, err := nc.SyscallConn(); err == nil {
			return raw
		}
	case *net.UnixConn:
		if nc.LocalAddr().Network() != "unix" {
			return nil
		}
		if raw, err := nc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// receiveRaw waits until the socket is readable and reads once.
func (c *Conn) receiveRaw() (int, error) {
	c.got, c.gotErr = 0, nil
	if err := c.raw.Read(c.readFn); err != nil {
		return 0, err
	}
	return c.got, c.gotErr
}

// readReady is called by the runtime when the socket may be readable; false
// means wait. Only now is a buffer taken, and given back if there is nothing.
func (c *Conn) readReady(fd uintptr) bool {
	b := c.in
	if b == nil {
		b = inputs.get()
	}
	n, err := readNow(fd, b.b[len(b.b):cap(b.b)])
	if n > 0 {
		b.b = b.b[:len(b.b)+n]
		c.in, c.got = b, n
		return true
	}
	if len(b.b) == 0 {
		inputs.put(b)
		c.in = nil
	}
	switch {
	case err == unix.EAGAIN && !c.nowait:
		return false
	case err == nil:
		c.gotErr = io.EOF
	case err == unix.EAGAIN:
		c.gotErr = errNothing
	default:
		c.gotErr = os.NewSyscallError("read", err)
	}
	return true
}

// An attempt is the state of a write that does not wait. It is part of the
// buffer that is written, so that a write allocates nothing.
type attempt struct {
	n   int
	err error
	fn  func(fd uintptr) bool
}

func (b *buffer) prepare() { b.fn = b.writeReady }

// writeReady writes what the socket takes, and always ends the attempt.
func (b *buffer) writeReady(fd uintptr) bool {
	for b.n < len(b.b) {
		n, err := writeNow(fd, b.b[b.n:min(len(b.b), b.n+writeChunk)])
		if err != nil {
			b.err = err
			return true
		}
		b.n += n
	}
	return true
}

// writeNow writes what the peer takes at once. If that is not all of b, the
// error is errWouldBlock.
func (c *Conn) writeNow(b *buffer) (int, error) {
	b.n, b.err = 0, nil
	err := c.raw.Write(b.fn)
	switch {
	case err != nil || b.err == nil:
		return b.n, err
	case b.err == unix.EAGAIN:
		return b.n, errWouldBlock
	}
	return b.n, os.NewSyscallError("write", b.err)
}

// rawUnixgram returns pc's socket, if it is a Unix one.
func rawUnixgram(pc net.PacketConn) syscall.RawConn {
	sc, ok := pc.(syscall.Conn)
	if !ok || pc.LocalAddr().Network() != "unixgram" {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// sendNow sends msg if there is room for it at once. On unixgram the queue that
// is full is the peer's own, and the loop must not wait for one that does not
// read: the datagram is lost, as UDP's are.
func sendNow(raw syscall.RawConn, msg []byte, to *net.UnixAddr) (int, error) {
	var err error
	refused := raw.Write(func(fd uintptr) bool {
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Sendto(int(fd), msg, 0, &unix.SockaddrUnix{Name: to.Name})
		}
		return true // also when there is no room
	})
	if refused != nil {
		return 0, refused
	}
	if err != nil {
		return 0, os.NewSyscallError("sendto", err)
	}
	return len(msg), nil
}
