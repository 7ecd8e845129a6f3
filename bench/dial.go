package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"

	"parley/endpoint"
	"parley/transport"
)

// A dialer opens sessions. Its methods are safe for concurrent use.
type dialer struct {
	load Load

	// found is the address that a name turned out to have, so that it is
	// looked up once and every session goes to the same machine.
	found atomic.Pointer[endpoint.Endpoint]
}

// dial opens a session, handshakes included. ctx and the load's Timeout bound it.
func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.load.connectTimeout())
	defer cancel()
	e := d.load.Endpoint
	if found := d.found.Load(); found != nil {
		e = *found
	}
	c, err := transport.Dial(ctx, e)
	if err != nil {
		return nil, d.explain(err)
	}
	d.note(c.RemoteAddr())
	return c, nil
}

// note keeps the address of the first session. TLS and WebSocket tell the peer
// the name, so there it stays.
func (d *dialer) note(a net.Addr) {
	switch d.load.Endpoint.Scheme {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
		if d.found.Load() == nil {
			found := d.load.Endpoint.WithAddr(a)
			d.found.CompareAndSwap(nil, &found)
		}
	}
}

// explain adds to an error what the system's words for it leave open.
func (d *dialer) explain(err error) error {
	if d.load.Mode == Connects && errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("%w: no local port is left for this peer, sessions that were closed keep theirs for a minute (TIME_WAIT) unless they are closed with Reset", err)
	}
	return err
}

// lingerer is a TCP connection.
type lingerer interface{ SetLinger(seconds int) error }

// hangUp closes c, by a reset where the load says so.
func (d *dialer) hangUp(c net.Conn) {
	if tcp, ok := c.(lingerer); ok && d.load.Reset {
		tcp.SetLinger(0)
	}
	c.Close()
}
