package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coder "github.com/coder/websocket"

	"parley/endpoint"
	"parley/transport"
)

// A signer has made a certificate, and can make others below it.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// issue makes a certificate that by vouches for; nil is itself.
func issue(t testing.TB, by *signer, change func(*x509.Certificate)) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: []string{"example.org"},
		NotBefore: today.Add(-24 * time.Hour), NotAfter: today.Add(10 * 24 * time.Hour), BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(c)
	if by == nil {
		by = &signer{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{made, key}
}

func authority(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames, c.IsCA, c.KeyUsage = name, nil, true, x509.KeyUsageCertSign
	}
}

// believing are options that trust roots and ask for example.org.
func believing(roots ...*signer) tlsOptions {
	o := tlsOptions{transport.TLSOptions{ServerName: "example.org", Roots: x509.NewCertPool()}, "ca.pem"}
	for _, r := range roots {
		o.Roots.AddCert(r.cert)
		o.CAs = append(o.CAs, r.cert)
	}
	return o
}

func TestJudge(t *testing.T) {
	root := issue(t, nil, authority("root"))
	middle := issue(t, root, authority("middle"))
	leaf := issue(t, middle, func(*x509.Certificate) {})
	direct := issue(t, root, func(*x509.Certificate) {})
	alone := issue(t, nil, func(*x509.Certificate) {})
	stranger := issue(t, issue(t, nil, authority("stranger")), func(*x509.Certificate) {})
	late := issue(t, root, func(c *x509.Certificate) {
		c.NotAfter = today.Add(-3 * 24 * time.Hour)
		c.NotBefore = today.Add(-99 * 24 * time.Hour)
	})
	early := issue(t, root, func(c *x509.Certificate) { c.NotBefore = today.Add(2 * 24 * time.Hour) })
	lateMiddle := issue(t, root, func(c *x509.Certificate) {
		authority("late middle")(c)
		c.NotAfter = today.Add(-24 * time.Hour)
		c.NotBefore = today.Add(-99 * 24 * time.Hour)
	})
	below := issue(t, lateMiddle, func(c *x509.Certificate) { c.NotBefore = today.Add(-50 * 24 * time.Hour) })
	other := issue(t, root, func(c *x509.Certificate) { c.DNSNames = []string{"example.net", "www.example.net"} })
	nameless := issue(t, root, func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, "example.org" })
	pinned := tlsOptions{transport.TLSOptions{ServerName: "example.org", Pin: transport.PinOf(alone.cert)}, ""}
	renamed := believing(root)
	renamed.ServerName = "x.org"
	mispinned := believing(root)
	mispinned.Pin = "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		o     tlsOptions
		chain []*signer
		want  []string // in the error; none: it is believed
	}{
		"good":                     {believing(root), []*signer{leaf, middle}, nil},
		"good, with its root":      {believing(root), []*signer{leaf, middle, root}, nil},
		"no certificate":           {believing(root), nil, []string{"no certificate"}},
		"a missing intermediate":   {believing(root), []*signer{leaf}, []string{"middle"}},
		"self-signed":              {believing(root), []*signer{alone}, []string{"self-signed"}},
		"an unknown authority":     {believing(root), []*signer{stranger}, []string{"stranger"}},
		"expired":                  {believing(root), []*signer{late}, []string{"expired 3 days ago", "2026-11-17"}},
		"not valid yet":            {believing(root), []*signer{early}, []string{"not valid yet", "2 days", "clock of this machine"}},
		"expired above":            {believing(root), []*signer{below, lateMiddle}, []string{"late middle", "expired 1 day ago"}},
		"another name":             {believing(root), []*signer{other}, []string{"example.net, www.example.net, not for example.org"}},
		"a common name only":       {believing(root), []*signer{nameless}, []string{"common name only", "example.org"}},
		"expired and another name": {renamed, []*signer{late}, []string{"expired", "not for x.org"}},
		"pinned, nothing else":     {pinned, []*signer{alone}, nil},
		"pinned, another key":      {mispinned, []*signer{direct}, []string{"not the pinned sha256:0000"}},
	} {
		var chain []*x509.Certificate
		for _, s := range test.chain {
			chain = append(chain, s.cert)
		}
		v := test.o.judge(chain, today)
		err := v.err()
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, word := range test.want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", name, err, word)
			}
		}
	}
}

func TestFactsOfAChain(t *testing.T) {
	root := issue(t, nil, func(c *x509.Certificate) { authority("root")(c); c.NotAfter = today.Add(5*24*time.Hour + time.Hour) })
	leaf := issue(t, root, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} })
	got := newTLS(tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.X25519, PeerCertificates: []*x509.Certificate{leaf.cert, root.cert}}, today)
	if got.Version != "TLS 1.3" || got.Cipher != "TLS_AES_128_GCM_SHA256" || got.KeyExchange != "X25519" || got.Days != 5 || !slices.Equal(got.Names, []string{"example.org", "192.0.2.1"}) {
		t.Errorf("%+v; want 5 days, of the first of the chain that expires", got)
	}
	if len(got.Chain) != 2 || got.Chain[0].Key != "ECDSA P-256" || got.Chain[0].CA || !got.Chain[1].CA || len(got.Chain[0].SHA256) != 64 {
		t.Errorf("chain %+v", got.Chain)
	}
}

// serveTLS accepts, and has each connection handled, until the end of the test.
func serveTLS(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(10 * time.Second))
			handle(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String()
}

// shaking is a handler that shakes hands as config says, and waits for the peer's end.
func shaking(config *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			io.Copy(io.Discard, s)
		}
	}
}

func lookTLS(t *testing.T, at string) Result {
	t.Helper()
	e, err := endpoint.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return newLooker(Options{Timeout: 5 * time.Second}).look(context.Background(), Target{Endpoint: e})
}

// TestSecure looks at servers of every kind.
func TestSecure(t *testing.T) {
	now := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(240*time.Hour)
	}
	root := issue(t, nil, func(c *x509.Certificate) { authority("root")(c); now(c) })
	leaf := issue(t, root, func(c *x509.Certificate) { now(c); c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}}}
		change(c)
		return c
	}
	plain := config(func(*tls.Config) {})
	strict := func(version uint16) *tls.Config {
		return config(func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, version })
	}
	for name, test := range map[string]struct {
		handle  func(net.Conn)
		options string
		up      bool
		words   string // of the error
		check   func(r *TLS) bool
	}{
		"good": {shaking(plain), "?ca=" + ca, true, "", func(r *TLS) bool {
			return r.Verified && r.Version == "TLS 1.3" && r.Handshake > 0 && (r.Days == 9 || r.Days == 10)
		}},
		"alpn":         {shaking(config(func(c *tls.Config) { c.NextProtos = []string{"h2"} })), "?alpn=h2&ca=" + ca, true, "", func(r *TLS) bool { return r.ALPN == "h2" }},
		"not believed": {shaking(plain), "", false, "root", func(r *TLS) bool { return !r.Verified && r.Pin == transport.PinOf(leaf.cert) && len(r.Chain) == 1 }},
		"pinned":       {shaking(plain), "?pin=" + transport.PinOf(leaf.cert), true, "", func(r *TLS) bool { return r.Verified }},
		"insecure":     {shaking(plain), "?insecure=1", true, "", func(r *TLS) bool { return !r.Verified && r.VerifyError != "" }},
		"another name": {shaking(plain), "?servername=example.net&ca=" + ca, false, "not for example.net", func(r *TLS) bool { return !r.Verified }},
		"TLS 1.0":      {shaking(config(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 })), "?ca=" + ca, false, "nothing newer than TLS 1.0", func(r *TLS) bool { return r.Version == "TLS 1.0" && r.Verified }},
		"weak ciphers": {shaking(config(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}
		})), "?ca=" + ca, false, "no cipher that is safe, only such as TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", func(r *TLS) bool { return r.Cipher != "" && r.Verified }},
		"no such protocol":             {shaking(config(func(c *tls.Config) { c.NextProtos = []string{"h2"} })), "?alpn=ntske/1&ca=" + ca, false, "no_application_protocol (120)", nil},
		"no TLS":                       {func(c net.Conn) { io.WriteString(c, "220 mail.example.org ESMTP\r\n"); io.Copy(io.Discard, c) }, "", false, `not in TLS: it begins with "220 mail.example.org ESMTP\r\n", which is SMTP`, nil},
		"an echo server":               {func(c net.Conn) { io.Copy(c, c) }, "", false, "sends back what it is sent", nil},
		"ends at once":                 {func(c net.Conn) { io.ReadFull(c, make([]byte, 5)) }, "", false, "in the handshake, not with one byte", nil},
		"wants a certificate":          {shaking(strict(tls.VersionTLS13)), "?ca=" + ca, false, "certificate_required (116): it lets nobody in without a client certificate, having asked for a client certificate (cert= key=)", func(r *TLS) bool { return r.Verified }},
		"wants a certificate, TLS 1.2": {shaking(strict(tls.VersionTLS12)), "?ca=" + ca, false, "having asked for a client certificate", func(r *TLS) bool { return r.Verified }},
		"asks for a certificate": {shaking(config(func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert })), "?ca=" + ca, true, "", func(r *TLS) bool {
			return strings.Contains(strings.Join(r.Notes, " "), "asks for a client certificate")
		}},
	} {
		r := lookTLS(t, "tls://"+serveTLS(t, test.handle)+test.options)
		if r.Up != test.up || (r.Err == nil) != test.up {
			t.Errorf("%s: %s, up %v, %v", name, r.State, r.Up, r.Err)
			continue
		}
		if r.Err != nil && !strings.Contains(r.Err.Error(), test.words) {
			t.Errorf("%s: %q does not say %q", name, r.Err, test.words)
		}
		if r.TLS == nil || test.check != nil && !test.check(r.TLS) {
			t.Errorf("%s: %+v", name, r.TLS)
		}
	}
	if r := lookTLS(t, "tls://127.0.0.1:1"); r.State != Refused || r.TLS != nil {
		t.Errorf("refused: %+v", r)
	}
	if r := lookTLS(t, "tls://127.0.0.1:1?ca=/no/such/file"); r.State != Failed || !strings.Contains(r.Err.Error(), "/no/such/file") {
		t.Errorf("a file that is not there: %+v", r)
	}
}

// TestSecureIsSilent has a server that never answers: the look ends in its time.
func TestSecureIsSilent(t *testing.T) {
	at := serveTLS(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	e := endpoint.MustParse("tls://" + at)
	r := newLooker(Options{Timeout: 50 * time.Millisecond}).look(context.Background(), Target{Endpoint: e})
	if r.Up || !errors.Is(r.Err, os.ErrDeadlineExceeded) || !strings.Contains(r.Err.Error(), "not answered in time") {
		t.Errorf("%+v", r)
	}
}

// TestSecureWebSocket looks at wss: a server that upgrades, and one that does not.
func TestSecureWebSocket(t *testing.T) {
	leaf := issue(t, nil, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter, c.IPAddresses = time.Now().Add(-time.Hour), time.Now().Add(time.Hour), []net.IP{net.IPv4(127, 0, 0, 1)}
	})
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key}}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		if c, err := coder.Accept(w, r, nil); err == nil {
			c.CloseNow()
		}
	})
	s := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { s.Serve(ln); close(done) }()
	defer func() { s.Close(); <-done }()
	pin := "?pin=" + transport.PinOf(leaf.cert)
	if r := lookTLS(t, "wss://"+ln.Addr().String()+"/ws"+pin); !r.Up || r.TLS == nil || !r.TLS.Verified {
		t.Errorf("/ws: %+v", r)
	}
	if r := lookTLS(t, "wss://"+ln.Addr().String()+"/no"+pin); r.Up || r.TLS == nil || !strings.Contains(r.Err.Error(), "404") {
		t.Errorf("/no: %+v", r)
	}
}

// shakes is a TLS server with the chain of p.
func shakes(t *testing.T, p papers, change func(*tls.Config)) string {
	pair, err := tls.LoadX509KeyPair(p.chain, p.key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}}
	change(cfg)
	e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) { s := tls.Server(c, cfg); s.Handshake(); silent(s) })
	return "tls://127.0.0.1:" + e.Port
}

// Without chain and name a pin is still looked at, as package transport has it.
func TestInsecureKeepsPin(t *testing.T) {
	at := shakes(t, writePapers(t), func(*tls.Config) {})
	r := lookAt(t, t.Context(), newLooker(Options{}), at+"?insecure=1")
	if !r.Up {
		t.Fatalf("%s: %v", r.State, r.Err)
	}
	if right := lookAt(t, t.Context(), newLooker(Options{}), at+"?insecure=1&pin="+r.TLS.Pin); !right.Up {
		t.Errorf("the right pin: %s, %v", right.State, right.Err)
	}
	if wrong := lookAt(t, t.Context(), newLooker(Options{}), at+"?insecure=1&pin=sha256:"+strings.Repeat("0", 64)); wrong.Up || wrong.State != Open {
		t.Errorf("another pin: %s, up %t", wrong.State, wrong.Up)
	}
}

// A server that fails once is not one that takes no safe cipher.
func TestFailsOnce(t *testing.T) {
	var n atomic.Int32
	at := shakes(t, writePapers(t), func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if n.Add(1) == 1 {
				return nil, errors.New("not now")
			}
			return nil, nil
		}
	})
	r := lookAt(t, t.Context(), newLooker(Options{}), at)
	if r.State != Failed || !strings.Contains(r.Err.Error(), "internal_error") {
		t.Errorf("%s: %v", r.State, r.Err)
	}
	if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), `"days"`) {
		t.Errorf("days of no certificate: %s, %v", text, err)
	}
}

// What comes of a client certificate is waited for while somebody wants to know.
func TestRefusalEndsWithContext(t *testing.T) {
	at := shakes(t, writePapers(t), func(c *tls.Config) { c.ClientAuth, c.SessionTicketsDisabled = tls.RequestClientCert, true })
	c, err := net.Dial("tcp", strings.TrimPrefix(at, "tls://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	late := time.AfterFunc(patience, func() { c.Close() })
	newHandshake(tlsOptions{}).shake(ctx, c, time.Hour)
	if !late.Stop() {
		t.Error("it went on")
	}
}
