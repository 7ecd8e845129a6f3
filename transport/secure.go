package transport

import (
	"context"
	"net"

	"parley/endpoint"
)

// The schemes over TCP that are put together from others.

// listenSecure listens for tls. The files that e names are read before the
// socket is opened.
func listenSecure(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	cfg, err := tlsListenOptionsOf(e)
	if err != nil {
		return nil, err
	}
	raw, err := listenTCP(ctx, e)
	if err != nil {
		return nil, err
	}
	ln, err := listenTLS(raw, cfg)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return ln, nil
}

// dialSecure dials tls, handshake included.
func dialSecure(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	cfg, err := ReadTLSOptions(e)
	if err != nil {
		return nil, err
	}
	raw, err := dialTCP(ctx, e)
	if err != nil {
		return nil, err
	}
	c, err := dialTLS(ctx, raw, cfg) // closes raw on an error
	if err != nil {
		return nil, opError("handshake", e, err)
	}
	return c, nil
}

// listenWebSocket listens for ws.
func listenWebSocket(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	raw, err := listenTCP(ctx, e)
	if err != nil {
		return nil, err
	}
	return listenWS(raw, e), nil
}

// listenSecureWebSocket listens for wss.
func listenSecureWebSocket(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	raw, err := listenSecure(ctx, e)
	if err != nil {
		return nil, err
	}
	return listenWS(raw, e), nil
}

// dialWebSocket dials ws, handshake included.
func dialWebSocket(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return dialWS(ctx, e, func(ctx context.Context) (net.Conn, error) { return dialTCP(ctx, e) })
}

// dialSecureWebSocket dials wss, handshakes included.
func dialSecureWebSocket(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return dialWS(ctx, e, func(ctx context.Context) (net.Conn, error) { return dialSecure(ctx, e) })
}
