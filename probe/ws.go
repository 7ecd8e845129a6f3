package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	coder "github.com/coder/websocket"

	"parley/endpoint"
)

// webSocket looks at a WebSocket without TLS. Its time is that of the TCP
// connection; a server that makes no WebSocket of it is no open one.
func (l *looker) webSocket(ctx context.Context, r *Result) {
	ctx, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	e := r.Target.Endpoint
	tcp := e.Without("maxmessage")
	tcp.Scheme, tcp.Path = "tcp", ""
	a := l.connect(ctx, tcp)
	r.Address, r.Time = a.address, a.took
	if a.err != nil {
		r.fail(a.err)
		return
	}
	defer a.conn.Close()
	if err := upgrade(ctx, e, a.conn); err != nil {
		r.fail(opError("handshake", e, err))
		r.State = Failed // it was connected
		return
	}
	r.State, r.Up = Open, true
}

// upgrade makes a WebSocket of c, as the client. It closes it in any case.
func upgrade(ctx context.Context, e endpoint.Endpoint, c net.Conn) error {
	give := func(context.Context, string, string) (net.Conn, error) { return c, nil }
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:            give, // no proxy and no redirection leads elsewhere
			DialTLSContext:         give, // of wss, whose TLS is done
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ws, resp, err := coder.Dial(ctx, wsURL(e), &coder.DialOptions{HTTPClient: client})
	var wrapped *url.Error
	switch {
	case err == nil:
		return ws.CloseNow()
	case ctx.Err() != nil:
		return fmt.Errorf("connected, but the upgrade was not answered: %w", ctx.Err())
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return fmt.Errorf("the server answered %q and made no WebSocket of it", resp.Status)
	case errors.As(err, &wrapped):
		return wrapped.Err
	}
	return err
}

// wsURL is e as an URL, without what means nothing to the peer: a zone, and the
// port that is the scheme's.
func wsURL(e endpoint.Endpoint) string {
	host, _, _ := strings.Cut(e.Host, "%")
	if host == "" {
		host = "localhost"
	}
	where := net.JoinHostPort(host, e.Port)
	if e.Port == "" || e.Scheme == "ws" && e.Port == "80" || e.Scheme == "wss" && e.Port == "443" {
		where = strings.TrimSuffix(where, ":"+e.Port)
	}
	return (&url.URL{Scheme: e.Scheme, Host: where, Path: e.Path}).String()
}
