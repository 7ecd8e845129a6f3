package parley

import (
	"context"
	"fmt"
	"net"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// DrainTime is how long Serve waits for sessions to end when its ctx does.
const DrainTime = 5 * time.Second

// Serve serves svc at every endpoint until ctx ends, then drains for at most
// [DrainTime]. The limits are the default ones. The error is never nil: what
// kept it from listening, or [ErrServerClosed].
func Serve(ctx context.Context, svc Service, endpoints ...string) error {
	var s Server
	if err := s.Listen(ctx, svc, endpoints...); err != nil {
		return err
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		limit, cancel := context.WithTimeout(context.Background(), DrainTime)
		defer cancel()
		s.Shutdown(limit)
	})
	err := s.Serve()
	if !stop() {
		<-drained
	}
	return err
}

// Listen listens at a stream endpoint: "tcp://:7", "unix:/run/x.sock". The
// caller closes the listener. Options that a [Server] heeds (limits, allow, deny,
// frame) are errors here. A TLS or WebSocket conn that it accepts has not
// shaken hands yet; see [transport.Handshaker].
func Listen(ctx context.Context, at string) (net.Listener, error) {
	e, err := bareListen(at)
	if err != nil {
		return nil, err
	}
	return transport.Listen(ctx, e)
}

// serverOptions are the options that a Server heeds, not a listener.
var serverOptions = []string{"allow", "deny", "frame", "idle", "maxmessage", "maxsessions", "peraddr", "total"}

// bareListen parses an endpoint to listen at without a Server: an option that
// only a server heeds, an access list above all, must not be lost in silence.
func bareListen(at string) (endpoint.Endpoint, error) {
	e, err := endpoint.Parse(at)
	if err != nil {
		return e, err
	}
	for _, name := range serverOptions {
		if _, ok := e.Option(name); ok {
			return e, &OpError{Op: "listen", Endpoint: e, Err: fmt.Errorf("option %s is a server's: give the endpoint to Server.Listen", name)}
		}
	}
	return e, nil
}

// ListenPacket listens at a datagram endpoint: "udp://:7". The caller closes it.
func ListenPacket(ctx context.Context, at string) (net.PacketConn, error) {
	e, err := bareListen(at)
	if err != nil {
		return nil, err
	}
	return transport.ListenPacket(ctx, e)
}

// Dial connects to an endpoint. On datagrams each Write sends one and each Read
// receives one. ctx bounds the dialling only, and the caller closes the conn. The
// error is an [*OpError]: errors.Is(err, syscall.ECONNREFUSED) tells a port
// that nobody listens on.
func Dial(ctx context.Context, to string) (net.Conn, error) {
	e, err := endpoint.Parse(to)
	if err != nil {
		return nil, err
	}
	return transport.Dial(ctx, e)
}
