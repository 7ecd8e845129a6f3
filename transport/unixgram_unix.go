//go:build unix

package transport

import (
	"context"
	"net"
	"sync"

	"parley/endpoint"
)

// listenUnixgram returns a socket that is not connected, a *unixgramListener.
func listenUnixgram(ctx context.Context, e endpoint.Endpoint) (net.PacketConn, error) {
	name, err := unixName(e)
	if err != nil {
		return nil, err
	}
	var conn *net.UnixConn
	bind := func(ctx context.Context, control control) (closer, error) {
		lc := net.ListenConfig{Control: control}
		pc, err := lc.ListenPacket(ctx, "unixgram", name)
		if err != nil {
			return nil, err
		}
		conn = pc.(*net.UnixConn)
		return conn, nil
	}
	file, err := claim(ctx, name, modeOf(e), bind)
	if err != nil {
		return nil, err
	}
	return &unixgramListener{UnixConn: conn, file: file}, nil
}

// unixgramListener removes its file when it is closed, as unixListener does. A
// sender without a name has the address nil and cannot be answered.
type unixgramListener struct {
	*net.UnixConn
	file *socketFile // nil for an abstract name
	once sync.Once
}

func (l *unixgramListener) Close() error {
	l.once.Do(l.file.remove)
	return l.UnixConn.Close()
}
