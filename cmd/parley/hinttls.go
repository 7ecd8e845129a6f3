package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// aboutName is about names of hosts and services.
func (h *hinter) aboutName(f failure) []string {
	var dns *net.DNSError
	if !errors.As(f.err, &dns) {
		return nil
	}
	if _, service, ok := strings.Cut(dns.Name, "/"); ok { // no host has a slash
		return []string{fmt.Sprintf("no service is called %q here (/etc/services lists them): use the number of the port", service)}
	}
	look := ""
	if f.at.Host != "" {
		look = fmt.Sprintf("; `parley lookup %s` shows what the resolver says", quoted(f.at.Bare().String()))
	}
	if dns.IsNotFound {
		return []string{fmt.Sprintf("the resolver knows no %s: check its spelling and its domain%s", dns.Name, look)}
	}
	return []string{"no name server gave an answer: is the network up, and /etc/resolv.conf right? an address needs none" + look}
}

// aboutTLS is about certificates, and peers that do not speak TLS.
func (h *hinter) aboutTLS(f failure) []string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(f.err, &unknown):
		return untrusted(leafOf(f.err, unknown.Cert))
	case errors.As(f.err, &name):
		return []string{fmt.Sprintf("the certificate is for %s: dial that name, or check it by servername=", namesOf(name.Certificate))}
	case errors.As(f.err, &invalid) && invalid.Reason == x509.Expired:
		return []string{fmt.Sprintf("the certificate is valid from %s to %s, and the clock of this machine says %s",
			day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter), day(time.Now()))}
	case errors.As(f.err, &record):
		return []string{fmt.Sprintf("what listens there does not speak TLS: try %s", plain(f))}
	case errors.As(f.err, &alert) && alert == 116: // certificate_required, RFC 8446 section 6.2
		return []string{"the server wants a certificate of yours: cert= and key= name its files"}
	}
	return nil
}

// leafOf is the peer's own certificate, which the verification may not have got
// to.
func leafOf(err error, seen *x509.Certificate) *x509.Certificate {
	var failed *tls.CertificateVerificationError
	if errors.As(err, &failed) && len(failed.UnverifiedCertificates) > 0 {
		return failed.UnverifiedCertificates[0]
	}
	return seen
}

// untrusted says how to trust a certificate whose signer is unknown.
func untrusted(leaf *x509.Certificate) []string {
	hints := []string{"ca=FILE trusts the authority that signed its certificate"}
	if leaf != nil {
		sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
		hints = append(hints, fmt.Sprintf("pin=sha256:%x trusts the key that was seen: take it if the server printed the same", sum))
	}
	return append(hints, "insecure=1 takes any certificate, also that of somebody in between")
}

func namesOf(c *x509.Certificate) string {
	if c == nil {
		return "another name"
	}
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	if len(names) > 8 {
		names = append(names[:8:8], "...")
	}
	return strings.Join(names, " ")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// plain is the endpoint of f without TLS.
func plain(f failure) string {
	e := f.at.Bare()
	e.Scheme = map[string]string{"wss": "ws"}[e.Scheme]
	if e.Scheme == "" {
		e.Scheme = "tcp"
	}
	return e.String()
}
