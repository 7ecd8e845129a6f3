package transport

import (
	"context"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// dialUnixgram returns a connected *net.UnixConn. It has an abstract name of
// the system's choice, so that answers can reach it; the name is gone with the
// socket.
func dialUnixgram(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	name, err := unixName(e)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error {
			return os.NewSyscallError("bind", unix.Bind(int(s), &unix.SockaddrUnix{})) // unix(7), autobind
		})
	}}
	return d.DialContext(ctx, "unixgram", name)
}
