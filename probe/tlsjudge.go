package probe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/transport"
)

// A verdict is what is thought of a chain.
type verdict struct {
	problems []problem
	notes    []string
	pinned   bool // the key is that of pin=, or there is none
}

// A problem is one reason not to believe a certificate, in words. err is what
// packages tls and x509 say of it, or nil.
type problem struct {
	text string
	err  error
}

// problems is the error of a chain that was not verified.
type problems []problem

func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, one := range p {
		texts[i] = one.text
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives the errors of packages tls and x509.
func (p problems) Unwrap() []error {
	var errs []error
	for _, one := range p {
		if one.err != nil {
			errs = append(errs, one.err)
		}
	}
	return errs
}

// err is why the chain is not believed, or nil.
func (v verdict) err() error {
	if len(v.problems) == 0 {
		return nil
	}
	return problems(v.problems)
}

// judge says whether chain, as a server presented it, is to be believed at now. A
// pin without ca= takes the place of chain and name; what would be wrong with
// these is a note then.
func (o tlsOptions) judge(chain []*x509.Certificate, now time.Time) verdict {
	if len(chain) == 0 {
		return verdict{problems: []problem{{text: "the server showed no certificate"}}}
	}
	v := verdict{notes: o.notes(chain, now)}
	found := slices.Concat(timeProblems(chain[0], now), nameProblems(chain[0], o.ServerName), o.chainProblems(chain, now))
	for i := range found { // as package tls has it, with the whole chain
		found[i].err = &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: found[i].err}
	}
	got := transport.PinOf(chain[0])
	v.pinned = o.Pin == "" || got == o.Pin
	if o.Pin == "" {
		v.problems = found
		return v
	}
	if !v.pinned {
		v.problems = append(v.problems, problem{text: fmt.Sprintf("the server's key is %s, not the pinned %s", got, o.Pin)})
	}
	switch {
	case o.Roots != nil:
		v.problems = append(v.problems, found...)
	case len(found) > 0 && v.problems == nil:
		v.notes = append(v.notes, "believed for its pin alone, as without it: "+problems(found).Error())
	}
	return v
}

// timeProblems is about the dates of the server's own certificate.
func timeProblems(c *x509.Certificate, now time.Time) []problem {
	if text := outsideText(c, now); text != "" {
		return []problem{{"it " + text, x509.CertificateInvalidError{Cert: c, Reason: x509.Expired, Detail: text}}}
	}
	return nil
}

// outsideText says when c expired or will be valid, or is "" while it is valid.
func outsideText(c *x509.Certificate, now time.Time) string {
	switch {
	case now.After(c.NotAfter):
		return fmt.Sprintf("expired %s ago, on %s", spanText(now.Sub(c.NotAfter)), dateText(c.NotAfter))
	case now.Before(c.NotBefore):
		return fmt.Sprintf("is not valid yet: it will be in %s, from %s; is the clock of this machine right? it says %s",
			spanText(c.NotBefore.Sub(now)), dateText(c.NotBefore), dateText(now))
	}
	return ""
}

func dateText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// spanText is a span of time in its largest unit.
func spanText(d time.Duration) string {
	for _, unit := range []struct {
		d    time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := d / unit.d; {
		case n == 1:
			return "1 " + unit.name
		case n > 1:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "less than a minute"
}

// nameProblems is about whom the certificate is for.
func nameProblems(c *x509.Certificate, name string) []problem {
	err := c.VerifyHostname(name)
	if err == nil {
		return nil
	}
	names := namesOf(c)
	text := fmt.Sprintf("it is for %s, not for %s", shortList(names), name)
	switch {
	case len(names) == 0 && c.Subject.CommonName != "":
		text = fmt.Sprintf("it is for no name at all: it has %q as its common name only, which is not looked at any more, and should have %s as a subject alternative name",
			c.Subject.CommonName, name)
	case len(names) == 0:
		text = fmt.Sprintf("it is for no name at all, so not for %s", name)
	}
	return []problem{{text, err}}
}

// shortList is at most eight words of a list.
func shortList(words []string) string {
	if len(words) > 8 {
		words = append(slices.Clone(words[:8]), fmt.Sprintf("%d more", len(words)-8))
	}
	return strings.Join(words, ", ")
}

// chainProblems is about who vouches for the server's certificate, at a time when
// that is valid: what is wrong otherwise is better known than that it expired.
func (o tlsOptions) chainProblems(chain []*x509.Certificate, now time.Time) []problem {
	leaf, at := chain[0], now
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	} else if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	_, err := o.verify(chain, at)
	if err == nil {
		return nil
	}
	if late, ok := o.lateSigner(chain, at, now); ok {
		return []problem{late}
	}
	return []problem{{o.untrustedText(chain, at, err), err}}
}

func (o tlsOptions) verify(chain []*x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	rest := x509.NewCertPool()
	for _, c := range chain[1:] {
		rest.AddCert(c)
	}
	return chain[0].Verify(x509.VerifyOptions{Roots: o.Roots, Intermediates: rest, CurrentTime: at})
}

// lateSigner is about a certificate above the leaf that is all that is wrong with
// the chain at a time, since it is not valid then. Package x509 says of it only
// that the authority is unknown.
func (o tlsOptions) lateSigner(chain []*x509.Certificate, at, now time.Time) (problem, bool) {
	for _, c := range chain {
		for _, moment := range []time.Time{c.NotBefore, c.NotAfter} {
			good, err := o.verify(chain, moment)
			if err != nil {
				continue
			}
			for _, signer := range good[0][1:] {
				text := outsideText(signer, now)
				if outsideText(signer, at) != "" && text != "" {
					return problem{fmt.Sprintf("the certificate %s above it %s", nameOf(signer), text),
						x509.CertificateInvalidError{Cert: signer, Reason: x509.Expired, Detail: text}}, true
				}
			}
		}
	}
	return problem{}, false
}
