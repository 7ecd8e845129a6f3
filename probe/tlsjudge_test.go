package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"parley/transport"
)

// TestUntrusted has a chain for each reason that package x509 says no more of than
// that an authority is unknown, or says in its own words.
func TestUntrusted(t *testing.T) {
	root := issue(t, nil, authority("root"))
	impostor := issue(t, nil, authority("root"))
	middle := issue(t, root, authority("middle"))
	plain := issue(t, root, func(c *x509.Certificate) { c.Subject.CommonName = "no authority" })
	client := issue(t, root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	narrow := issue(t, root, func(c *x509.Certificate) {
		authority("narrow")(c)
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.net"}, true
	})
	public := issue(t, middle, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example/middle.crt"} })
	leafOf := func(by *signer) *signer { return issue(t, by, func(*x509.Certificate) {}) }
	for name, test := range map[string]struct {
		chain []*signer
		want  string
	}{
		"a namesake of the authority":      {[]*signer{leafOf(impostor)}, `ca=ca.pem has an authority "root", but that one did not sign "leaf": the keys differ`},
		"a namesake that is presented":     {[]*signer{leafOf(impostor), middle, issue(t, nil, authority("stranger"))}, "the keys differ"},
		"no authority above":               {[]*signer{leafOf(plain), plain}, `"no authority"`},
		"not for servers":                  {[]*signer{client}, "not for servers"},
		"an authority for other names":     {[]*signer{leafOf(narrow), narrow}, "an authority above it may not vouch for its names"},
		"missing, and where it can be had": {[]*signer{public}, `"leaf" is signed by "middle", which the server did not present and which is not among the authorities in ca=ca.pem: an intermediate certificate is missing in what the server presents; it can be had from http://ca.example/middle.crt`},
		"an authority that is not known":   {[]*signer{leafOf(impostor), issue(t, nil, authority("other"))}, "the keys differ"},
		"with its own authority":           {[]*signer{leafOf(issue(t, nil, authority("lonely")))}, `signed by "lonely"`},
	} {
		var chain []*x509.Certificate
		for _, s := range test.chain {
			chain = append(chain, s.cert)
		}
		err := believing(root).judge(chain, today).err()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %s", name, err, test.want)
			continue
		}
		var failed *tls.CertificateVerificationError
		if !errors.As(err, &failed) || len(failed.UnverifiedCertificates) != len(chain) {
			t.Errorf("%s: the error does not have the chain", name)
		}
	}
	lonely := issue(t, nil, authority("lonely"))
	err := believing(root).judge([]*x509.Certificate{leafOf(lonely).cert, lonely.cert}, today).err()
	if err == nil || err.Error() != `it leads to the authority "lonely", and ca=ca.pem does not have it` {
		t.Errorf("with the unknown authority presented: %v", err)
	}
}

// TestWeakSignature has an authority that signs with SHA-1.
func TestWeakSignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: today.Add(-time.Hour), NotAfter: today.Add(time.Hour), BasicConstraintsValid: true}
	authority("old")(template)
	old := makeCertificate(t, template, template, &key.PublicKey, key)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := makeCertificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"example.org"}, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		SignatureAlgorithm: x509.SHA1WithRSA,
	}, old, &own.PublicKey, key)
	v := believing(&signer{cert: old}).judge([]*x509.Certificate{leaf, old}, today)
	if err := v.err(); err == nil || !strings.Contains(err.Error(), `"example.org" is signed with SHA1-RSA, which can be forged`) {
		t.Errorf("%v", err)
	}
	if len(v.notes) != 1 || !strings.Contains(v.notes[0], `the key of "old" is weak: RSA with 1024 bits`) {
		t.Errorf("notes %q", v.notes)
	}
}

func makeCertificate(t *testing.T, template, by *x509.Certificate, key any, signing any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by, key, signing)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNotes is about what is odd in a chain that is believed.
func TestNotes(t *testing.T) {
	root := issue(t, nil, authority("root"))
	upper := issue(t, root, authority("upper"))
	lower := issue(t, upper, authority("lower"))
	leaf := issue(t, lower, func(*x509.Certificate) {})
	past := issue(t, root, func(c *x509.Certificate) {
		authority("past")(c)
		c.NotBefore, c.NotAfter = today.Add(-48*time.Hour), today.Add(-2*time.Hour)
	})
	for name, test := range map[string]struct {
		chain []*signer
		want  []string
	}{
		"in order":     {[]*signer{leaf, lower, upper}, nil},
		"out of order": {[]*signer{leaf, upper, lower}, []string{"not in order"}},
		"twice":        {[]*signer{leaf, lower, upper, leaf}, []string{"1 of the 4 certificates that the server presents do not belong"}},
		"expired":      {[]*signer{leaf, lower, upper, past}, []string{"1 of the 4", `presented certificate "past" expired 2 hours ago`}},
	} {
		var chain []*x509.Certificate
		for _, s := range test.chain {
			chain = append(chain, s.cert)
		}
		v := believing(root).judge(chain, today)
		if err := v.err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		ok := len(v.notes) == len(test.want)
		for i := range min(len(v.notes), len(test.want)) {
			ok = ok && strings.Contains(v.notes[i], test.want[i])
		}
		if !ok {
			t.Errorf("%s: notes %q, want %q", name, v.notes, test.want)
		}
	}
	if got := daysLeft([]*x509.Certificate{leaf.cert, past.cert}, today); got != -1 {
		t.Errorf("daysLeft two hours after = %d, want -1", got)
	}
	if got := daysLeft([]*x509.Certificate{{NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}}, today); got < 2_900_000 {
		t.Errorf("daysLeft of a certificate without end = %d", got)
	}
}

// A pin and ca= must both hold.
func TestPinAndAuthority(t *testing.T) {
	root := issue(t, nil, authority("root"))
	leaf := issue(t, root, func(*x509.Certificate) {})
	alone := issue(t, nil, func(*x509.Certificate) {})
	for _, test := range []struct {
		leaf, pinned *signer
		want         string
	}{{leaf, leaf, ""}, {leaf, alone, "not the pinned"}, {alone, alone, "self-signed"}} {
		o := believing(root)
		o.Pin = transport.PinOf(test.pinned.cert)
		err := o.judge([]*x509.Certificate{test.leaf.cert}, today).err()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}
