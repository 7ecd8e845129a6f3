package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	coder "github.com/coder/websocket"

	"parley/endpoint"
)

// dialWS connects to e over the connection that raw makes, a TCP or TLS one. ctx
// bounds both and the opening handshake.
func dialWS(ctx context.Context, e endpoint.Endpoint, raw func(context.Context) (net.Conn, error)) (net.Conn, error) {
	nc, err := raw(ctx)
	if err != nil {
		return nil, err
	}
	return Upgrade(ctx, e, nc)
}

// Upgrade makes a WebSocket of nc, as its client: nc is connected to e, whose scheme is ws
// or wss, and has shaken hands where that is wss. ctx bounds the opening handshake (RFC
// 6455, section 4.1). The result owns nc; on an error nc is closed.
func Upgrade(ctx context.Context, e endpoint.Endpoint, nc net.Conn) (net.Conn, error) {
	c, err := upgrade(ctx, e, nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

func upgrade(ctx context.Context, e endpoint.Endpoint, nc net.Conn) (net.Conn, error) {
	target, err := wsURL(ctx, e)
	if err != nil {
		return nil, err
	}
	c := newWSConn(nc, e, nil)
	if value, ok := e.Option("maxmessage"); ok {
		if c.maxMessage, err = endpoint.ParseSize(value); err != nil {
			return nil, err
		}
	}
	ws, resp, err := coder.Dial(ctx, target, &coder.DialOptions{
		HTTPClient:     wsClient(c.out),
		OnPingReceived: c.ping,
	})
	if err != nil {
		return nil, wsDialError(ctx, resp, err)
	}
	c.establish(ws)
	return c, nil
}

// wsURL is e as an URL. A port by name is resolved, since URLs have numbers
// only, and that of the scheme is left out, as the Host header has it.
func wsURL(ctx context.Context, e endpoint.Endpoint) (string, error) {
	port, err := e.ResolvePort(ctx, nil)
	if err != nil {
		return "", err
	}
	host, _, _ := strings.Cut(e.Host, "%") // a zone means nothing to the peer
	if host == "" {
		host = "localhost"
	}
	at := net.JoinHostPort(host, strconv.Itoa(port))
	if e.Scheme == "ws" && port == 80 || e.Scheme == "wss" && port == 443 {
		at = strings.TrimSuffix(at, ":"+strconv.Itoa(port))
	}
	return (&url.URL{Scheme: e.Scheme, Host: at, Path: wsPath(e)}).String(), nil
}

// wsClient is an HTTP client whose only connection is nc: no proxy of the
// environment and no redirection leads elsewhere.
func wsClient(nc net.Conn) *http.Client {
	give := func(context.Context, string, string) (net.Conn, error) { return nc, nil }
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            give,
			DialTLSContext:         give,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: wsHeaderLimit,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// wsDialError is why there was no upgrade.
func wsDialError(ctx context.Context, resp *http.Response, err error) error {
	var wrapped *url.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return fmt.Errorf("the server answered %q and made no WebSocket of it", resp.Status)
	case errors.As(err, &wrapped):
		return cause(wrapped.Err)
	}
	return err
}
