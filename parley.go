package parley

import (
	"context"
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
// caller closes the listener. A TLS or WebSocket conn that it accepts has not
// shaken hands yet; see [transport.Handshaker].
func Listen(ctx context.Context, at string) (net.Listener, error) {
	e, err := endpoint.Parse(at)
	if err != nil {
		return nil, err
	}
	return transport.Listen(ctx, e)
}

// ListenPacket listens at a datagram endpoint: "udp://:7". The caller closes it.
func ListenPacket(ctx context.Context, at string) (net.PacketConn, error) {
	e, err := endpoint.Parse(at)
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
