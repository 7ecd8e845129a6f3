package probe

import (
	"context"
	"net"
	"time"

	"parley/endpoint"
)

// secure looks at tls and wss: it connects, shakes hands with whoever answers, and
// judges what was shown afterwards, so that a certificate that is not believed is
// described too.
func (l *looker) secure(ctx context.Context, r *Result) {
	e := r.Target.Endpoint
	o, err := l.tlsOptions(e)
	if err != nil {
		r.fail(opError("dial", e, err))
		return
	}
	h, a := l.shake(ctx, e, newHandshake(o))
	r.Address, r.Time = a.address, a.took
	if a.err != nil {
		r.fail(a.err)
		return
	}
	defer h.conn.Close()
	if h.mayBeOld() {
		h.conn.Close() // one descriptor at a time
		if old, again := l.shake(ctx, e, newOldHandshake(o)); again.err == nil {
			defer old.conn.Close()
			h = old.instead(h)
		}
	}
	r.TLS = h.facts(time.Now())
	switch {
	case h.err != nil:
		r.fail(opError("handshake", e, h.err))
		r.State = Failed // it was connected
	case r.TLS.VerifyError != "" && !(o.Insecure && h.verdict.pinned):
		r.fail(opError("handshake", e, h.verdict.err()))
		r.State = Open // and not up
	default:
		r.State, r.Up = Open, true
		if e.Scheme == "wss" {
			l.upgradeSecure(ctx, r, h.conn)
		}
	}
}

// shake connects to e and has h shake hands, each within the time for a target. The
// attempt's error is that of connecting; without one the caller closes h's conn.
func (l *looker) shake(ctx context.Context, e endpoint.Endpoint, h *handshake) (*handshake, attempt) {
	within, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	a := l.connect(within, overTCP(e))
	if a.err != nil {
		return h, a
	}
	shaking, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	h.shake(shaking, a.conn, a.took)
	return h, a
}

// upgradeSecure makes a WebSocket of a conn that has shaken hands.
func (l *looker) upgradeSecure(ctx context.Context, r *Result, c net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	if err := upgrade(ctx, r.Target.Endpoint, c); err != nil {
		r.fail(opError("handshake", r.Target.Endpoint, err))
		r.State = Failed
	}
}

// overTCP is what e connects to before TLS.
func overTCP(e endpoint.Endpoint) endpoint.Endpoint {
	e = e.Without("cert", "key", "ca", "servername", "pin", "insecure", "alpn", "maxmessage")
	e.Scheme, e.Path = "tcp", ""
	return e
}
