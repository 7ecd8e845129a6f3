package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"parley/endpoint"
)

// secure looks at tls and wss: it connects, shakes hands with whoever answers, and judges
// what was shown afterwards, so that a certificate that is not believed is described too.
func (l *looker) secure(ctx context.Context, r *Result) {
	e := r.Target.Endpoint
	o, err := readTLSOptions(e)
	if err != nil {
		r.fail(opError("dial", e, err))
		return
	}
	within, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	a := l.connect(within, overTCP(e))
	r.Address, r.Time = a.address, a.took
	if a.err != nil {
		r.fail(a.err)
		return
	}
	defer a.conn.Close()
	within, cancel = context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	h := newHandshake(o, a.conn)
	err = h.shake(within)
	r.TLS = h.facts(o, time.Now())
	switch {
	case err != nil:
		r.fail(opError("handshake", e, err))
		r.State = Failed // it was connected
	case r.TLS.VerifyError != "" && !o.insecure:
		r.fail(opError("handshake", e, h.verdict.err()))
		r.State = Open // and not up
	default:
		r.State, r.Up = Open, true
		if e.Scheme == "wss" {
			l.upgradeSecure(within, r, h.conn)
		}
	}
}

// upgradeSecure makes a WebSocket of a conn that has shaken hands.
func (l *looker) upgradeSecure(ctx context.Context, r *Result, c net.Conn) {
	plain := r.Target.Endpoint
	plain.Scheme = "ws" // TLS is done
	if err := upgrade(ctx, plain, c); err != nil {
		r.fail(opError("handshake", r.Target.Endpoint, err))
		r.State = Failed
	}
}

// overTCP is what e connects to before TLS.
func overTCP(e endpoint.Endpoint) endpoint.Endpoint {
	e = e.Without("cert", "key", "ca", "servername", "pin", "insecure", "alpn", "maxmessage")
	if e.Port == "" {
		e.Port = "443"
	}
	e.Scheme, e.Path = "tcp", ""
	return e
}

// A handshake is one with a server.
type handshake struct {
	conn   *tls.Conn
	first  *firstBytes
	took   time.Duration
	state  tls.ConnectionState // as far as it came
	wanted bool                // a client certificate was asked for

	verdict verdict
}

func newHandshake(o tlsOptions, c net.Conn) *handshake {
	h := &handshake{first: &firstBytes{Conn: c}}
	config := &tls.Config{
		ServerName:         o.serverName,
		NextProtos:         o.alpn,
		MinVersion:         tls.VersionTLS10, // what is there is told, and judged by a note
		InsecureSkipVerify: true,             // judged afterwards
		VerifyConnection: func(s tls.ConnectionState) error {
			h.state = s
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			h.wanted = true
			if o.certificate != nil {
				return o.certificate, nil
			}
			return new(tls.Certificate), nil
		},
	}
	h.conn = tls.Client(h.first, config)
	return h
}

// shake shakes hands. The error says what the server did instead.
func (h *handshake) shake(ctx context.Context) error {
	begun := time.Now()
	err := h.conn.HandshakeContext(ctx)
	h.took = time.Since(begun)
	if err == nil {
		h.state = h.conn.ConnectionState()
		if h.wanted {
			err = h.refusal()
		}
	}
	return h.explain(ctx, err)
}

// refusalWait is how long a server is listened to that has asked for a client certificate:
// in TLS 1.3 it looks at that only when the client is done.
const refusalWait = 500 * time.Millisecond

func (h *handshake) refusal() error {
	h.conn.SetReadDeadline(time.Now().Add(refusalWait))
	defer h.conn.SetReadDeadline(time.Time{})
	_, err := h.conn.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// explain says in words why a handshake failed.
func (h *handshake) explain(ctx context.Context, err error) error {
	var remote *net.OpError // with the text of an alert, whose type package tls does not export
	var record tls.RecordHeaderError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &record) && len(h.first.bytes) > 0:
		return fmt.Errorf("it answers, but not in TLS: it begins with %q", h.first.bytes)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server ended the connection in the handshake%s: %w", h.certificateText(), io.ErrUnexpectedEOF)
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the server reset the connection in the handshake%s: %w", h.certificateText(), syscall.ECONNRESET)
	case ctx.Err() == context.DeadlineExceeded || errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("connected, but the handshake was not answered in time: %w", os.ErrDeadlineExceeded)
	case errors.As(err, &remote) && remote.Op == "remote error":
		return fmt.Errorf("the server refuses with the alert %q%s", strings.TrimPrefix(remote.Err.Error(), "tls: "), h.certificateText())
	}
	return inner(err)
}

// certificateText says that a client certificate was wanted, where that may be why.
func (h *handshake) certificateText() string {
	if h.wanted {
		return ", having asked for a client certificate (cert= key=)"
	}
	return ""
}

// facts is what is known of the server at now.
func (h *handshake) facts(o tlsOptions, now time.Time) *TLS {
	t := newTLS(h.state, now)
	t.ServerName, t.Handshake = o.serverName, h.took
	if len(h.state.PeerCertificates) == 0 {
		return t
	}
	h.verdict = o.judge(h.state.PeerCertificates, now)
	t.Notes = h.verdict.notes
	if err := h.verdict.err(); err != nil {
		t.VerifyError = err.Error()
	}
	t.Verified = t.VerifyError == ""
	if wantsStaple(h.state.PeerCertificates[0]) && !t.OCSP {
		t.Notes = append(t.Notes, "its certificate is to come with an OCSP response (must-staple), and did not")
	}
	if h.wanted {
		t.Notes = append(t.Notes, "it asks for a client certificate")
	}
	if h.state.Version != 0 && h.state.Version < tls.VersionTLS12 {
		t.Notes = append(t.Notes, tls.VersionName(h.state.Version)+" is out of date (RFC 8996), and most clients refuse it")
	}
	return t
}

// firstBytes keeps the first bytes that arrive, for a server that does not speak TLS.
type firstBytes struct {
	net.Conn
	bytes []byte
}

const firstKept = 32

func (c *firstBytes) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if room := firstKept - len(c.bytes); room > 0 {
		c.bytes = append(c.bytes, b[:min(n, room)]...)
	}
	return n, err
}
