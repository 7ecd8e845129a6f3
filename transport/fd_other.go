//go:build !unix

package transport

import (
	"context"
	"errors"
	"net"

	"parley/endpoint"
)

// Lost: sockets the process was started with. Windows passes none by number.
var errNoFD = errors.New("fd: not on this system")

func openFD(_ context.Context, e endpoint.Endpoint) (net.Listener, net.PacketConn, error) {
	if _, err := descriptorOf(e); err != nil {
		return nil, nil, err
	}
	return nil, nil, errNoFD
}

func dialFD(_ context.Context, e endpoint.Endpoint) (net.Conn, error) {
	if _, err := descriptorOf(e); err != nil {
		return nil, err
	}
	return nil, errNoFD
}
