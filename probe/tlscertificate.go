package probe

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"parley/transport"
)

// newTLS describes what a handshake has come to, which may not be its end. The
// verdict on the chain is left out.
func newTLS(state tls.ConnectionState, now time.Time) *TLS {
	t := &TLS{ALPN: state.NegotiatedProtocol, OCSP: len(state.OCSPResponse) > 0}
	if state.Version != 0 {
		t.Version = tls.VersionName(state.Version)
	}
	if state.CipherSuite != 0 {
		t.Cipher = tls.CipherSuiteName(state.CipherSuite)
		t.KeyExchange = keyExchange(state)
	}
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return t
	}
	for _, c := range chain {
		t.Chain = append(t.Chain, describe(c))
	}
	t.Names = namesOf(chain[0])
	t.Days = daysLeft(chain, now)
	t.Pin = transport.PinOf(chain[0])
	return t
}

// keyExchange names the group in which the keys were agreed on.
func keyExchange(state tls.ConnectionState) string {
	switch state.CurveID {
	case 0:
		if strings.HasPrefix(tls.CipherSuiteName(state.CipherSuite), "TLS_RSA_") {
			return "RSA" // the client chose the keys alone, without any forward secrecy
		}
		return "" // not agreed on yet
	case tls.CurveP256:
		return "P-256"
	case tls.CurveP384:
		return "P-384"
	case tls.CurveP521:
		return "P-521"
	}
	return state.CurveID.String()
}

func describe(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	return Certificate{
		Subject:   c.Subject.String(),
		Issuer:    c.Issuer.String(),
		NotBefore: c.NotBefore,
		NotAfter:  c.NotAfter,
		Key:       keyText(c),
		Signature: c.SignatureAlgorithm.String(),
		SHA256:    hex.EncodeToString(sum[:]),
		CA:        c.BasicConstraintsValid && c.IsCA,
	}
}

func keyText(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}

// namesOf are the names and addresses that c is for, as clients look at them: the
// subject is not.
func namesOf(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// daysLeft is how many whole days are left until the first certificate of a chain
// expires; less than a day ago is -1.
func daysLeft(chain []*x509.Certificate, now time.Time) int {
	first := chain[0].NotAfter
	for _, c := range chain {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	// In seconds: a year 9999, which means never, is no time.Duration away.
	return int(math.Floor(float64(first.Unix()-now.Unix()) / (24 * 60 * 60)))
}
