package probe

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// untrustedText says why nobody who is trusted vouches for chain, which package
// x509 has found out at that time and calls err.
func (o tlsOptions) untrustedText(chain []*x509.Certificate, at time.Time, err error) string {
	var invalid x509.CertificateInvalidError
	var critical x509.UnhandledCriticalExtension
	var system x509.SystemRootsError
	switch {
	case errors.As(err, &invalid):
		return invalidText(invalid)
	case errors.As(err, &critical):
		return "it has a critical extension that is not known here"
	case errors.As(err, &system):
		return "the authorities that this machine trusts cannot be read: " + system.Error()
	}
	return o.unknownText(chain, at, err)
}

// invalidText is for the reasons that can be told in other words than those of
// package x509.
func invalidText(e x509.CertificateInvalidError) string {
	switch e.Reason {
	case x509.IncompatibleUsage:
		return "it is not for servers: its extended key usage does not say server authentication"
	case x509.NotAuthorizedToSign:
		return fmt.Sprintf("%s signed another certificate and is no authority", nameOf(e.Cert))
	case x509.TooManyIntermediates:
		return fmt.Sprintf("%s may not be so far above the server's certificate: its path length is limited", nameOf(e.Cert))
	case x509.CANotAuthorizedForThisName:
		return "an authority above it may not vouch for its names: " + e.Detail
	}
	return e.Error()
}

// unknownText is for a chain that leads to nobody known.
func (o tlsOptions) unknownText(chain []*x509.Certificate, at time.Time, err error) string {
	path := pathOf(chain)
	top := path[len(path)-1]
	weak := slices.IndexFunc(path, weaklySigned)
	switch {
	case weak >= 0:
		return fmt.Sprintf("%s is signed with %v, which can be forged and is not believed any more", nameOf(path[weak]), path[weak].SignatureAlgorithm)
	case o.knows(top, at):
		return fmt.Sprintf("%s is trusted, but the chain below it breaks a rule: %v", nameOf(top), err)
	case selfIssued(top) && len(path) == 1:
		return "it is self-signed: nobody but itself vouches for it, and " + o.notTrusted()
	case selfIssued(top):
		return fmt.Sprintf("it leads to the authority %s, and %s", nameOf(top), o.notTrusted())
	case o.namesake(top):
		return fmt.Sprintf("%s has an authority %s, but that one did not sign %s: the keys differ", o.whose(), issuerOf(top), nameOf(top))
	case o.presentedNamesake(chain, top):
		return fmt.Sprintf("the server presents an authority %s, but that one did not sign %s, or may not", issuerOf(top), nameOf(top))
	}
	return o.missingText(top)
}

// missingText is for a chain that ends before it gets to an authority that signed
// itself: servers need not present that one, but all that are between.
func (o tlsOptions) missingText(top *x509.Certificate) string {
	text := fmt.Sprintf("%s is signed by %s, which the server did not present and which is not among the authorities %s",
		nameOf(top), issuerOf(top), o.trusted())
	if len(top.IssuingCertificateURL) > 0 {
		return text + ": an intermediate certificate is missing in what the server presents; it can be had from " + top.IssuingCertificateURL[0]
	}
	return text + ": an intermediate certificate is missing in what the server presents, or the authority is a private one"
}

func (o tlsOptions) whose() string {
	if o.file != "" {
		return "ca=" + o.file
	}
	return "this machine"
}

func (o tlsOptions) trusted() string {
	if o.file != "" {
		return "in ca=" + o.file
	}
	return "that this machine trusts"
}

func (o tlsOptions) notTrusted() string {
	if o.file != "" {
		return "ca=" + o.file + " does not have it"
	}
	return "this machine does not trust it"
}

// knows reports whether a certificate is an authority that is trusted, by itself.
func (o tlsOptions) knows(c *x509.Certificate, at time.Time) bool {
	_, err := c.Verify(x509.VerifyOptions{Roots: o.Roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// namesake reports whether ca= has an authority with the name of c's issuer. It
// did not sign c, or the chain would be good.
func (o tlsOptions) namesake(c *x509.Certificate) bool {
	return slices.ContainsFunc(o.CAs, func(known *x509.Certificate) bool { return named(known, c) })
}

func (o tlsOptions) presentedNamesake(chain []*x509.Certificate, c *x509.Certificate) bool {
	return slices.ContainsFunc(chain, func(other *x509.Certificate) bool { return other != c && named(other, c) })
}

// named reports whether signer has the name of c's issuer.
func named(signer, c *x509.Certificate) bool { return bytes.Equal(signer.RawSubject, c.RawIssuer) }

func selfIssued(c *x509.Certificate) bool { return named(c, c) }

// pathOf is what of chain leads from its first certificate upwards, in order.
func pathOf(chain []*x509.Certificate) []*x509.Certificate {
	path := []*x509.Certificate{chain[0]}
	for {
		c := path[len(path)-1]
		i := slices.IndexFunc(chain, func(signer *x509.Certificate) bool {
			return !slices.Contains(path, signer) && !selfIssued(c) && signed(signer, c)
		})
		if i < 0 {
			return path
		}
		path = append(path, chain[i])
	}
}

// signed reports whether signer signed c. Of a signature that is too weak to be
// checked the names are believed.
func signed(signer, c *x509.Certificate) bool {
	return named(signer, c) && (isWeak(c.SignatureAlgorithm) || signer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil)
}

func weaklySigned(c *x509.Certificate) bool { return !selfIssued(c) && isWeak(c.SignatureAlgorithm) }

func isWeak(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return true
	}
	return false
}

// nameOf is what to call a certificate: its common name, in quotes, or what else
// it has.
func nameOf(c *x509.Certificate) string {
	text := called(c.Subject)
	if names := namesOf(c); text == "" && len(names) > 0 {
		text = names[0]
	}
	if text == "" {
		return "a certificate without a name"
	}
	return fmt.Sprintf("%q", text)
}

func issuerOf(c *x509.Certificate) string { return fmt.Sprintf("%q", called(c.Issuer)) }

func called(name pkix.Name) string {
	if name.CommonName != "" {
		return name.CommonName
	}
	return name.String()
}

// mustStaple is the extension TLS feature (RFC 7633).
var mustStaple = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

// notes is what is odd about a chain, whether it is believed or not.
func (o tlsOptions) notes(chain []*x509.Certificate, now time.Time) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	path := pathOf(chain)
	for _, c := range path {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
			note("the key of %s is weak: RSA with %d bits, fewer than 2048", nameOf(c), key.N.BitLen())
		}
	}
	if extra := len(chain) - len(path); extra > 0 {
		note("%d of the %d certificates that the server presents do not belong to the chain", extra, len(chain))
	} else if !slices.Equal(path, chain) {
		note("the certificates are not in order: each should be followed by its signer")
	}
	for _, c := range chain[1:] {
		if text := outsideText(c, now); text != "" {
			note("the presented certificate %s %s", nameOf(c), text)
		}
	}
	return notes
}

// wantsStaple reports whether a certificate is to come with an OCSP response.
func wantsStaple(c *x509.Certificate) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(mustStaple) })
}
