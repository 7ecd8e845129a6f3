package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// A handshake is one with a server. It is used once.
type handshake struct {
	o      tlsOptions
	config *tls.Config

	// After shake.
	conn   *tls.Conn
	first  *firstBytes
	took   time.Duration
	state  tls.ConnectionState // as far as it came
	wanted bool                // a client certificate was asked for
	mute   bool                // and ours, if we have one, is none that it takes
	asking bool                // whether the server takes it is waited for
	raw    error               // as package tls has it
	err    error               // the same in words

	verdict verdict // after facts
}

// newHandshake is a handshake as package transport has it, but that whatever is
// shown is believed, and judged afterwards.
func newHandshake(o tlsOptions) *handshake {
	h := &handshake{o: o}
	h.config = &tls.Config{
		ServerName:           o.ServerName,
		NextProtos:           o.ALPN,
		MinVersion:           tls.VersionTLS12,
		InsecureSkipVerify:   true,
		GetClientCertificate: h.clientCertificate,
		ClientSessionCache:   h,
	}
	return h
}

// newOldHandshake is one that takes what is not safe any more, to know it by name.
func newOldHandshake(o tlsOptions) *handshake {
	h := newHandshake(o)
	h.config.MinVersion = tls.VersionTLS10
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		h.config.CipherSuites = append(h.config.CipherSuites, suite.ID)
	}
	return h
}

// clientCertificate shows ours, if the server takes such.
func (h *handshake) clientCertificate(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	h.wanted = true
	if h.o.Certificate != nil && asked.SupportsCertificate(h.o.Certificate) == nil {
		return h.o.Certificate, nil
	}
	h.mute = true
	return new(tls.Certificate), nil
}

// Get and Put make h a tls.ClientSessionCache, which remembers nothing. A ticket
// comes from a server that is content, in TLS 1.3 after the handshake.
func (h *handshake) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func (h *handshake) Put(string, *tls.ClientSessionState) {
	if h.asking {
		h.first.SetReadDeadline(time.Unix(1, 0)) // no need to wait
	}
}

// shake shakes hands over c, which it owns then. connected is how long it took to
// connect.
func (h *handshake) shake(ctx context.Context, c net.Conn, connected time.Duration) {
	h.first = &firstBytes{Conn: c}
	h.conn = tls.Client(h.first, h.config)
	begun := time.Now()
	err := h.conn.HandshakeContext(ctx)
	h.took = time.Since(begun)
	h.state = h.conn.ConnectionState() // a server that turns us away has shown its certificate
	if err == nil && h.wanted && h.state.Version == tls.VersionTLS13 {
		err = h.refusal(ctx, refusalWait+2*connected)
	}
	h.raw, h.err = err, h.explain(ctx, err)
}

// refusalWait is how long a server is listened to, beside the way there and back,
// that has asked for a client certificate: in TLS 1.3 it looks at that only when the
// client is done. One that sends no ticket, and is content, costs this much.
const refusalWait = 250 * time.Millisecond

// refusal is what comes of the client certificate.
func (h *handshake) refusal(ctx context.Context, wait time.Duration) error {
	h.asking = true
	h.conn.SetReadDeadline(time.Now().Add(wait))
	stop := context.AfterFunc(ctx, func() { h.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		h.asking = false
		h.conn.SetReadDeadline(time.Time{})
	}()
	_, err := h.conn.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// mayBeOld reports whether the handshake failed as one does with a server that
// speaks only what is not safe any more.
func (h *handshake) mayBeOld() bool {
	var record tls.RecordHeaderError
	if h.raw == nil || len(h.state.PeerCertificates) > 0 || len(h.first.bytes) == 0 || echoes(h.first.bytes) || errors.As(h.raw, &record) || errors.Is(h.raw, os.ErrDeadlineExceeded) {
		return false
	}
	a, ok := alertOf(h.raw)
	return !ok || slices.Contains([]tls.AlertError{handshakeFailure, illegalParameter, protocolVersion, insufficientSecurity, internalError}, a)
}

// instead is h with the right error, where it could shake hands and before could not;
// else it is before.
func (h *handshake) instead(before *handshake) *handshake {
	switch {
	case h.raw != nil && len(h.state.PeerCertificates) == 0:
		return before
	case h.state.Version < tls.VersionTLS12:
		h.err = worded(before.raw, fmt.Sprintf("it speaks nothing newer than %s, which is not safe any more (RFC 8996); TLS 1.2 is wanted", tls.VersionName(h.state.Version)))
	case h.raw == nil && !slices.ContainsFunc(tls.InsecureCipherSuites(), func(s *tls.CipherSuite) bool { return s.ID == h.state.CipherSuite }):
		return before // it could have shaken hands with us the first time
	case h.raw == nil:
		h.err = worded(before.raw, fmt.Sprintf("it takes no cipher that is safe, only such as %s", tls.CipherSuiteName(h.state.CipherSuite)))
	}
	return h
}

// explain says in words why a handshake failed.
func (h *handshake) explain(ctx context.Context, err error) error {
	var record tls.RecordHeaderError
	silent := len(h.first.bytes) == 0
	alert, refused := alertOf(err)
	switch {
	case err == nil:
		return nil
	case echoes(h.first.bytes):
		return errors.New("it answers, but not in TLS: it sends back what it is sent, as an echo server does")
	case errors.As(err, &record) && !silent:
		return worded(err, "it answers, but not in TLS: "+notTLS(h.first.bytes))
	case refused:
		return worded(alert, fmt.Sprintf("the server refuses with the alert %s%s", alertText(alert), h.certificateText()))
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return worded(io.ErrUnexpectedEOF, "the server ended the connection in the handshake"+h.silenceText(silent)+h.certificateText())
	case errors.Is(err, syscall.ECONNRESET):
		return worded(syscall.ECONNRESET, "the server reset the connection in the handshake"+h.silenceText(silent)+h.certificateText())
	case ctx.Err() == context.DeadlineExceeded || errors.Is(err, os.ErrDeadlineExceeded):
		return worded(os.ErrDeadlineExceeded, "connected, but the handshake was not answered in time"+h.silenceText(silent))
	}
	return inner(err)
}

func (h *handshake) silenceText(silent bool) string {
	if silent {
		return ", not with one byte: does it speak TLS?"
	}
	return ""
}

// certificateText says that a client certificate was wanted, where that may be why.
func (h *handshake) certificateText() string {
	switch {
	case !h.wanted:
		return ""
	case h.mute && h.o.Certificate != nil:
		return ", having asked for a client certificate; that of cert= is none that it takes, so it was not shown"
	case h.mute:
		return ", having asked for a client certificate (cert= key=)"
	}
	return ", having been shown the client certificate of cert="
}

// facts is what is known of the server at now, and sets the verdict.
func (h *handshake) facts(now time.Time) *TLS {
	t := newTLS(h.state, now)
	t.ServerName, t.Handshake = h.o.ServerName, h.took
	if len(h.state.PeerCertificates) == 0 {
		return t
	}
	h.verdict = h.o.judge(h.state.PeerCertificates, now)
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
	return t
}
