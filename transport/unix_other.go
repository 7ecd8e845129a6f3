//go:build !unix

package transport

import (
	"context"
	"io/fs"
	"net"
	"syscall"

	"parley/endpoint"
)

// Lost here: unixgram and unixpacket; the file's mode (the directory's access
// rules decide); and the lock between two programs that start at once.

const probeNetwork = "unix"

// errRefused is how a socket file that no socket is bound to answers:
// WSAECONNREFUSED. The constant of package syscall is an invention on Windows.
const errRefused = syscall.Errno(10061)

// isSocket takes what is neither a directory nor a plain file with contents: a
// socket is a reparse point on Windows, which has no mode bit in common with
// Unix on every version of Go.
func isSocket(info fs.FileInfo) bool {
	return !info.IsDir() && (!info.Mode().IsRegular() || info.Size() == 0)
}

func lockDir(context.Context, string) (func(), error) { return func() {}, nil }

func listenUnixgram(_ context.Context, e endpoint.Endpoint) (net.PacketConn, error) {
	return nil, notHere(e)
}

func dialUnixgram(_ context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return nil, notHere(e)
}

func listenUnixpacket(_ context.Context, e endpoint.Endpoint) (net.Listener, error) {
	return nil, notHere(e)
}

func dialUnixpacket(_ context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return nil, notHere(e)
}
