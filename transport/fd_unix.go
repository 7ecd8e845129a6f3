//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// openFD takes over a descriptor that the process was started with, such as one
// of systemd's socket activation: what it returns owns the socket, and the
// descriptor itself is closed; but 0, 1 and 2 stay open, since the next file
// opened would become the standard input or output. A descriptor that is
// refused stays as it was, but is closed on exec from then on.
func openFD(_ context.Context, e endpoint.Endpoint) (net.Listener, net.PacketConn, error) {
	fd, kind, err := inspect(e)
	if err != nil {
		return nil, nil, err
	}
	switch kind {
	case unix.SOCK_STREAM, unix.SOCK_SEQPACKET:
		if !accepts(fd) {
			return nil, nil, fmt.Errorf("descriptor %d is a socket that does not listen", fd)
		}
		ln, err := inheritListener(fd, kind)
		return ln, nil, err
	case unix.SOCK_DGRAM, unix.SOCK_RAW:
		if _, err := unix.Getpeername(fd); err == nil {
			return nil, nil, fmt.Errorf("descriptor %d is a socket that is connected to one peer", fd)
		}
		pc, err := inheritPacketConn(fd)
		return nil, pc, err
	}
	return nil, nil, fmt.Errorf("descriptor %d is a socket of unknown type %d", fd, kind)
}

// dialFD takes over a descriptor that is a connected socket, as inetd passes
// them.
func dialFD(_ context.Context, e endpoint.Endpoint) (net.Conn, error) {
	fd, kind, err := inspect(e)
	if err != nil {
		return nil, err
	}
	if _, err := unix.Getpeername(fd); err != nil {
		return nil, fmt.Errorf("descriptor %d is a socket that is not connected", fd)
	}
	c, err := inherit(fd, net.FileConn)
	if u, ok := c.(*net.UnixConn); ok && kind == unix.SOCK_SEQPACKET {
		return inheritUnixpacket(u)
	}
	if p, ok := c.(*net.IPConn); ok {
		return newIPConn(p), nil
	}
	return c, err
}

// inspect returns e's descriptor and the type of its socket.
func inspect(e endpoint.Endpoint) (fd, kind int, err error) {
	if fd, err = descriptorOf(e); err != nil {
		return 0, 0, err
	}
	kind, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case errors.Is(err, unix.EBADF):
		return 0, 0, explain(err, "descriptor %d is not open", fd)
	case errors.Is(err, unix.ENOTSOCK):
		return 0, 0, explain(err, "descriptor %d is not a socket", fd)
	case err != nil:
		return 0, 0, os.NewSyscallError("getsockopt", err)
	}
	unix.CloseOnExec(fd)
	return fd, kind, nil
}

// accepts reports whether the socket listens. A system that does not tell is
// believed to: Accept will say otherwise.
func accepts(fd int) bool {
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err != nil || v != 0
}

func inheritListener(fd, kind int) (net.Listener, error) {
	ln, err := inherit(fd, net.FileListener)
	if u, ok := ln.(*net.UnixListener); ok && kind == unix.SOCK_SEQPACKET {
		return inheritUnixpacketListener(u)
	}
	return ln, err
}

func inheritPacketConn(fd int) (net.PacketConn, error) {
	pc, err := inherit(fd, net.FilePacketConn)
	if p, ok := pc.(*net.IPConn); ok {
		return newIPConn(p), nil
	}
	return pc, err
}

// inherit makes a T of a copy of fd, which has close-on-exec set, and closes fd.
func inherit[T any](fd int, make func(*os.File) (T, error)) (T, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		var none T
		return none, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(copied), "fd")
	defer f.Close() // make has a copy of its own
	v, err := make(f)
	if err == nil && fd > 2 {
		unix.Close(fd) // it is gone in any case, close(2)
	}
	return v, err
}
