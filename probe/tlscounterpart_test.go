package probe

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/transport"
)

// papers are files that other programs read.
type papers struct {
	dir                   string
	ca                    string // an authority
	leaf, key             string // of a server, with an intermediate in between
	above, chain          string // that intermediate, and both
	rsaLeaf, rsaKey       string // of a server, with nobody in between
	clientCert, clientKey string
	server                *x509.Certificate // that of leaf
}

// nowValid makes a certificate valid today, for 127.0.0.1.
func nowValid(days int) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Duration(days)*24*time.Hour+time.Hour)
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
}

func writePapers(t *testing.T) papers {
	t.Helper()
	p := papers{dir: t.TempDir()}
	root := issue(t, nil, func(c *x509.Certificate) {
		authority("root")(c)
		nowValid(300)(c)
		c.IPAddresses, c.ExtKeyUsage = nil, nil
	})
	middle := issue(t, root, func(c *x509.Certificate) { authority("middle")(c); nowValid(7)(c); c.IPAddresses = nil })
	leaf := issue(t, middle, nowValid(30))
	client := issue(t, root, func(c *x509.Certificate) {
		nowValid(30)(c)
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(99), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	nowValid(30)(template)
	der, err := x509.CreateCertificate(rand.Reader, template, root.cert, &key.PublicKey, root.key)
	if err != nil {
		t.Fatal(err)
	}
	p.server = leaf.cert
	p.ca = p.write(t, "ca.pem", "CERTIFICATE", root.cert.Raw)
	p.chain = p.write(t, "chain.pem", "CERTIFICATE", leaf.cert.Raw, middle.cert.Raw)
	p.above = p.write(t, "above.pem", "CERTIFICATE", middle.cert.Raw)
	p.leaf = p.write(t, "leaf.pem", "CERTIFICATE", leaf.cert.Raw)
	p.key = p.writeKey(t, "leaf.key", leaf.key)
	p.clientCert = p.write(t, "client.pem", "CERTIFICATE", client.cert.Raw)
	p.clientKey = p.writeKey(t, "client.key", client.key)
	p.rsaLeaf = p.write(t, "rsa.pem", "CERTIFICATE", der)
	p.rsaKey = p.write(t, "rsa.key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	return p
}

func (p papers) write(t *testing.T, name, kind string, all ...[]byte) string {
	t.Helper()
	var text []byte
	for _, der := range all {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p papers) writeKey(t *testing.T, name string, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return p.write(t, name, "EC PRIVATE KEY", der)
}

// opensslServer runs openssl s_server until the end of the test and returns where it
// listens.
func opensslServer(t *testing.T, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl to talk to: ", err)
	}
	cmd := exec.Command(program, append([]string{"s_server", "-accept", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe() // at whose end it would end
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	done := make(chan struct{})
	go findAccept(out, found, done) // ends with openssl
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
		in.Close()
	})
	select {
	case where := <-found:
		if where == "" {
			cmd.Wait()
			t.Fatalf("openssl s_server %q ended: %s", args, said.String())
		}
		return where
	case <-time.After(patience):
		t.Fatal("openssl s_server does not say where it listens")
	}
	return ""
}

// findAccept reads what openssl says: ACCEPT 127.0.0.1:40123.
func findAccept(out io.Reader, found chan<- string, done chan<- struct{}) {
	defer close(done)
	where := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if at, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok && where == "" {
			where = at
			found <- where
		}
	}
	if where == "" {
		found <- ""
	}
}

// TestOpenSSL looks at servers of another make.
func TestOpenSSL(t *testing.T) {
	p := writePapers(t)
	ours := []string{"-cert", p.leaf, "-key", p.key, "-cert_chain", p.above}
	theirs := []string{"-cert", p.rsaLeaf, "-key", p.rsaKey}
	trust := "?ca=" + p.ca
	for _, test := range []struct {
		name    string
		args    []string
		options string
		up      bool
		words   string // of the error
		check   func(*TLS) bool
	}{
		{"a chain", append(ours, "-alpn", "h2"), trust + "&alpn=h2,http/1.1", true, "", func(r *TLS) bool {
			return r.Verified && len(r.Chain) >= 2 && r.Days == 7 && r.ALPN == "h2" && r.KeyExchange != "" && r.Chain[0].Key == "ECDSA P-256"
		}},
		{"without its intermediate", []string{"-cert", p.leaf, "-key", p.key}, trust, false, "an intermediate certificate is missing", func(r *TLS) bool {
			return !r.Verified && len(r.Chain) == 1 && r.Days == 30
		}},
		{"another name", ours, trust + "&servername=bank.example", false, "it is for example.org, 127.0.0.1, not for bank.example", nil},
		{"an authority of its own", ours, "", false, `"root"`, nil},
		{"a pin", ours, "?pin=" + transport.PinOf(p.server), true, "", func(r *TLS) bool {
			return r.Verified && strings.Contains(strings.Join(r.Notes, "; "), "for its pin alone")
		}},
		{"keys that RSA carries", append(theirs, "-tls1_2", "-cipher", "AES128-SHA"), trust, false, "only such as TLS_RSA_WITH_AES_128_CBC_SHA", func(r *TLS) bool {
			return r.Verified && r.KeyExchange == "RSA" && r.Chain[0].Key == "RSA 2048"
		}},
		{"TLS 1.1", append(theirs, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), trust, false, "nothing newer than TLS 1.1", func(r *TLS) bool { return r.Version == "TLS 1.1" && r.Verified }},
		{"TLS 1.2", append(theirs, "-tls1_2", "-curves", "P-256"), trust, true, "", func(r *TLS) bool { return r.Version == "TLS 1.2" && r.KeyExchange == "P-256" }},
		{"a client certificate", append(ours, "-Verify", "1", "-verify_return_error", "-CAfile", p.ca), trust, false, "(116)", func(r *TLS) bool { return r.Verified && len(r.Notes) == 1 }},
		{"a client certificate, TLS 1.2", append(ours, "-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", p.ca), trust, false, "having asked for a client certificate", func(r *TLS) bool { return r.Verified }},
		{"a client certificate that we have", append(ours, "-Verify", "1", "-verify_return_error", "-CAfile", p.ca), trust + "&cert=" + p.clientCert + "&key=" + p.clientKey, true, "", nil},
		{"one that it does not take", append(ours, "-Verify", "1", "-verify_return_error", "-CAfile", p.rsaLeaf), trust + "&cert=" + p.leaf + "&key=" + p.key, false, "that of cert= is none that it takes", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			begun := time.Now()
			r := lookTLS(t, "tls://"+opensslServer(t, slices.Clone(test.args)...)+test.options)
			if r.Up != test.up || (r.Err == nil) != test.up || r.TLS == nil {
				t.Fatalf("%s, up %v, %v, %+v", r.State, r.Up, r.Err, r.TLS)
			}
			if r.Err != nil && !strings.Contains(r.Err.Error(), test.words) {
				t.Errorf("%q does not say %q", r.Err, test.words)
			}
			if test.check != nil && !test.check(r.TLS) {
				t.Errorf("%+v", r.TLS)
			}
			t.Logf("%v after %v: %+v", r.Err, time.Since(begun), *r.TLS)
		})
	}
}

// TestNginx looks at the ports of one nginx: TLS with HTTP/2, and HTTP without TLS.
func TestNginx(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("no nginx to talk to: ", err)
	}
	p := writePapers(t)
	dir := t.TempDir()
	secure, plain := freePort(t), freePort(t)
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
	server { listen 127.0.0.1:%[2]d ssl http2; ssl_certificate %[4]s; ssl_certificate_key %[5]s; ssl_protocols TLSv1.3; }
	server { listen 127.0.0.1:%[3]d; }
}
`, dir, secure, plain, p.chain, p.key)
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", file, "-p", dir)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	ready := func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", plain))
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen: %s", said.String())
		}
	}
	r := lookTLS(t, fmt.Sprintf("tls://127.0.0.1:%d?ca=%s&alpn=h2", secure, p.ca))
	if !r.Up || r.TLS.Version != "TLS 1.3" || r.TLS.ALPN != "h2" || r.TLS.Days != 7 || len(r.TLS.Chain) != 2 {
		t.Errorf("%+v, %+v", r, r.TLS)
	}
	r = lookTLS(t, fmt.Sprintf("tls://127.0.0.1:%d", plain))
	if r.Up || r.State != Failed || !strings.Contains(r.Err.Error(), `it begins with "HTTP/1.1 400 Bad Request`) || !strings.Contains(r.Err.Error(), "which is HTTP without TLS") {
		t.Errorf("%+v", r)
	}
	r = lookTLS(t, fmt.Sprintf("wss://127.0.0.1:%d/chat?ca=%s", secure, p.ca))
	if r.Up || r.TLS == nil || !r.TLS.Verified || !strings.Contains(r.Err.Error(), "404") {
		t.Errorf("%+v", r)
	}
}

// freePort is one that nothing listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// TestStaple has servers that staple, and one that should and does not.
func TestStaple(t *testing.T) {
	root := issue(t, nil, func(c *x509.Certificate) { authority("root")(c); nowValid(300)(c) })
	must := issue(t, root, func(c *x509.Certificate) {
		nowValid(30)(c)
		c.ExtraExtensions = []pkix.Extension{{Id: mustStaple, Value: []byte{0x30, 3, 2, 1, 5}}}
	})
	look := func(staple []byte) *TLS {
		at := serveTLS(t, shaking(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{must.cert.Raw}, PrivateKey: must.key, OCSPStaple: staple}}}))
		return lookTLS(t, "tls://"+at+"?pin="+transport.PinOf(must.cert)).TLS
	}
	noted := func(r *TLS) bool { return strings.Contains(strings.Join(r.Notes, "; "), "must-staple") }
	if r := look([]byte("a response")); !r.OCSP || noted(r) {
		t.Errorf("stapled: %+v", r)
	}
	if r := look(nil); r.OCSP || !noted(r) {
		t.Errorf("not stapled: %+v", r)
	}
}
