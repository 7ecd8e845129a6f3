package transport

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/endpoint"
)

// certFiles are the PEM files of a certificate.
type certFiles struct {
	cert, key, both string
	leaf            *x509.Certificate
}

// makeCertFiles makes a certificate for name and loopback. Whoever trusts it as
// a root accepts it for servers; for clients it has no restriction to servers.
func makeCertFiles(t testing.TB, name string) certFiles {
	t.Helper()
	pair, err := newCertificate(clientAndServer(name))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return certFiles{
		cert: writeFile(t, "cert.pem", string(cert)),
		key:  writeFile(t, "key.pem", string(key)),
		both: writeFile(t, "both.pem", string(key)+string(cert)),
		leaf: pair.Leaf,
	}
}

func clientAndServer(name string) *x509.Certificate {
	template := certificateFor(name)
	template.IPAddresses = nil
	template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	return template
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTLSOptionFiles(t *testing.T) {
	one, other := makeCertFiles(t, "one.test"), makeCertFiles(t, "other.test")
	junk := writeFile(t, "junk.pem", "not PEM at all\n")
	missing := filepath.Join(t.TempDir(), "missing.pem")
	tests := []struct {
		options string
		name    string // of the option to blame, "" is no error
		file    string
		want    string // in the text
	}{
		{"", "", "", ""},
		{"?cert=" + one.cert + "&key=" + one.key, "", "", ""},
		{"?cert=" + one.both, "", "", ""},
		{"?cert=" + one.both + "&key=" + one.both, "", "", ""},
		{"?cert=" + one.cert, "cert", one.cert, "no PEM private key in it, and no key="},
		{"?key=" + one.key, "key", one.key, "no cert="},
		{"?cert=" + missing, "cert", missing, "file"},
		{"?cert=" + one.cert + "&key=" + missing, "key", missing, "file"},
		{"?cert=" + junk + "&key=" + one.key, "cert", junk, "no PEM certificate"},
		{"?cert=" + one.cert + "&key=" + junk, "key", junk, "no PEM private key"},
		{"?cert=" + one.cert + "&key=" + one.cert, "key", one.cert, "no PEM private key"},
		{"?cert=" + one.cert + "&key=" + other.key, "key", other.key, "does not match"},
	}
	for _, tt := range tests {
		e := endpoint.MustParse("tls://127.0.0.1:0" + tt.options)
		_, lerr := tlsListenOptionsOf(e)
		_, derr := ReadTLSOptions(e)
		checkFileError(t, lerr, tt.name, tt.file, tt.want)
		checkFileError(t, derr, tt.name, tt.file, tt.want)
	}
	_, err := tlsListenOptionsOf(endpoint.MustParse("tls://:0?clientca=" + junk))
	checkFileError(t, err, "clientca", junk, "no PEM certificate")
	_, err = ReadTLSOptions(endpoint.MustParse("tls://h:1?ca=" + missing))
	checkFileError(t, err, "ca", missing, "file")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not match fs.ErrNotExist", err)
	}
}

func checkFileError(t *testing.T, err error, name, file, want string) {
	t.Helper()
	if name == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	var option *OptionError
	if !errors.As(err, &option) || option.Name != name || option.Value != file {
		t.Errorf("got %v, want an *OptionError of %s=%s", err, name, file)
		return
	}
	if text := err.Error(); !strings.HasPrefix(text, "option "+name+"="+file+": ") || !strings.Contains(text, want) || strings.Contains(text, "\n") {
		t.Errorf("got %q, want one line that names option and file, with %q", text, want)
	}
}

func TestTLSServerName(t *testing.T) {
	for e, want := range map[string]string{
		"tls://:1":                          "localhost",
		"tls://host.test:1":                 "host.test",
		"tls://[fe80::1%25lo]:1":            "fe80::1",
		"tls://host.test:1?servername=name": "name",
	} {
		o, err := ReadTLSOptions(endpoint.MustParse(e))
		if o.ServerName != want || err != nil {
			t.Errorf("%s: server name %q, %v; want %q", e, o.ServerName, err, want)
		}
	}
}
