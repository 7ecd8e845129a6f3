package probe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
)

// Alerts that are looked at (RFC 8446 section 6).
const (
	handshakeFailure     tls.AlertError = 40
	illegalParameter     tls.AlertError = 47
	protocolVersion      tls.AlertError = 70
	insufficientSecurity tls.AlertError = 71
	internalError        tls.AlertError = 80
)

// alertOf finds the alert that the peer sent. Package tls gives it a type that it
// does not export and that does not match tls.AlertError (Go 1.26).
func alertOf(err error) (tls.AlertError, bool) {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(remote.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return tls.AlertError(v.Uint()), true
}

// alerts says what alerts mean that servers send to a client in the handshake, with
// the names of RFC 8446. Constant.
var alerts = map[tls.AlertError]struct{ name, meaning string }{
	handshakeFailure:     {"handshake_failure", "no version, cipher or key exchange is common to both, or it serves no such name, or it wants a client certificate"},
	42:                   {"bad_certificate", "it does not take the client certificate"},
	43:                   {"unsupported_certificate", "it does not take client certificates of this kind"},
	44:                   {"certificate_revoked", "the client certificate was revoked"},
	45:                   {"certificate_expired", "the client certificate has expired"},
	46:                   {"certificate_unknown", "it does not take the client certificate"},
	illegalParameter:     {"illegal_parameter", "something in our hello is not to its liking"},
	48:                   {"unknown_ca", "it does not know who signed the client certificate"},
	49:                   {"access_denied", "it does not let this client certificate in"},
	50:                   {"decode_error", "it could not read our message"},
	51:                   {"decrypt_error", "a signature or a key did not fit"},
	protocolVersion:      {"protocol_version", "it speaks none of our versions of TLS"},
	insufficientSecurity: {"insufficient_security", "it wants stronger ciphers"},
	internalError:        {"internal_error", "it could not go on, for a reason of its own, such as a certificate that it lacks"},
	90:                   {"user_canceled", "it does not want to go on"},
	112:                  {"unrecognized_name", "it serves nothing of the name that it was asked for (servername=)"},
	116:                  {"certificate_required", "it lets nobody in without a client certificate"},
	120:                  {"no_application_protocol", "it speaks none of the protocols of alpn="},
}

// alertText is the name, number and meaning of an alert.
func alertText(a tls.AlertError) string {
	if known, ok := alerts[a]; ok {
		return fmt.Sprintf("%s (%d): %s", known.name, uint8(a), known.meaning)
	}
	return fmt.Sprintf("%d: %s", uint8(a), strings.TrimPrefix(a.Error(), "tls: "))
}

// greetings are what servers begin with that do not speak TLS, or not yet.
// Constant.
var greetings = []struct{ prefix, speaks string }{
	{"HTTP/", "HTTP without TLS"},
	{"SSH-", "SSH"},
	{"220", "SMTP or FTP, which begin TLS later, if at all (STARTTLS)"},
	{"554", "SMTP, and turns us away"},
	{"* OK", "IMAP, which begins TLS later, if at all (STARTTLS)"},
	{"+OK", "POP3, which begins TLS later, if at all (STLS)"},
	{"RFB ", "VNC"},
	{"-ERR", "Redis or POP3 without TLS"},
}

// notTLS describes the first bytes of a server that does not speak TLS.
func notTLS(first []byte) string {
	text := fmt.Sprintf("it begins with %q", first)
	for _, g := range greetings {
		if bytes.HasPrefix(first, []byte(g.prefix)) {
			return text + ", which is " + g.speaks
		}
	}
	return text
}

// echoes reports whether the first bytes are a ClientHello, which only clients send:
// ours, sent back.
func echoes(first []byte) bool {
	const handshakeRecord, clientHello = 22, 1 // RFC 8446 sections 5.1 and 4
	return len(first) > 5 && first[0] == handshakeRecord && first[5] == clientHello
}

// firstBytes keeps the first bytes that arrive, for a server that does not speak
// TLS.
type firstBytes struct {
	net.Conn
	bytes []byte
}

const firstKept = 48

func (c *firstBytes) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if room := firstKept - len(c.bytes); room > 0 {
		c.bytes = append(c.bytes, b[:min(n, room)]...)
	}
	return n, err
}
