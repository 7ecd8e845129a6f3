package transport

import (
	"context"
	"net"

	"parley/endpoint"
	"parley/internal/memnet"
)

// memory is the one network of all mem endpoints of this process. It is
// package state because an endpoint is only a name: mem:a must mean the same
// listener wherever the process listens on it and dials it, exactly as tcp
// ports mean one namespace in the kernel. Nothing outlives its listener in it,
// so tests do not see each other as long as they do not share names.
var memory memnet.Network

// listenMem listens on the name e.Path; an empty one picks a fresh name, which
// the listener's address gives.
func listenMem(_ context.Context, e endpoint.Endpoint) (net.Listener, error) {
	l, err := memory.Listen(e.Path)
	if err != nil {
		return nil, err // a nil *memnet.Listener is no nil net.Listener
	}
	return l, nil
}

// dialMem connects to the listener on the name e.Path.
func dialMem(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return memory.DialContext(ctx, e.Path)
}
