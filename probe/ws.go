package probe

import (
	"context"
	"fmt"
	"net"

	"parley/endpoint"
	"parley/transport"
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
	ws, err := transport.Upgrade(ctx, e, c)
	switch {
	case err == nil:
		c.Close() // at once: a closing handshake is not looked at
		ws.Close()
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("connected, but the upgrade was not answered: %w", ctx.Err())
	}
	return err
}
