package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"strings"

	"parley/endpoint"
	"parley/transport"
)

// tlsOptions is what the options of an endpoint say about TLS; they mean what
// they mean to package transport. It is not modified once it was read.
type tlsOptions struct {
	certificate *tls.Certificate // nil: none is shown
	authorities trust
	serverName  string
	alpn        []string
	pin         string // as TLS.Pin has it, or ""
	insecure    bool
}

// trust is whom to believe that a certificate is good: the authorities of ca=, or
// with the zero value those of the system.
type trust struct {
	file  string
	known []*x509.Certificate
	pool  *x509.CertPool
}

// readTLSOptions reads the options of e, which transport.CheckDial has passed, and
// the files they name. The error is a *transport.OptionError.
func readTLSOptions(e endpoint.Endpoint) (tlsOptions, error) {
	o := tlsOptions{serverName: serverName(e)}
	if value, ok := e.Option("insecure"); ok {
		o.insecure, _ = endpoint.ParseBool(value)
	}
	if value, ok := e.Option("alpn"); ok {
		o.alpn = strings.Split(value, ",")
	}
	if value, ok := e.Option("pin"); ok {
		o.pin = canonicalPin(value)
	}
	var err error
	if o.certificate, err = readKeyPair(e); err != nil {
		return tlsOptions{}, err
	}
	o.authorities, err = readTrust(e)
	return o, err
}

// serverName is the name that the certificate must be for.
func serverName(e endpoint.Endpoint) string {
	if name, _ := e.Option("servername"); name != "" {
		return name
	}
	host, _, _ := strings.Cut(e.Host, "%") // a zone means nothing to the peer
	if host == "" {
		return "localhost"
	}
	return host
}

// canonicalPin is a pin in hex, as pinText writes it. It may be in base64 of
// either alphabet.
func canonicalPin(value string) string {
	digits := strings.TrimPrefix(value, "sha256:")
	if len(digits) == hex.EncodedLen(sha256.Size) {
		return "sha256:" + strings.ToLower(digits)
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSuffix(digits, "="))
	sum, _ := base64.RawStdEncoding.DecodeString(standard)
	return "sha256:" + hex.EncodeToString(sum)
}

// pinText is the pin of a certificate's key.
func pinText(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// readKeyPair reads the files of cert= and key=; that of cert= may hold both.
func readKeyPair(e endpoint.Endpoint) (*tls.Certificate, error) {
	certFile, _ := e.Option("cert")
	if certFile == "" {
		return nil, nil
	}
	certificate, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fileError("cert", certFile, err)
	}
	key, keyFile := certificate, certFile
	if named, _ := e.Option("key"); named != "" {
		if key, err = os.ReadFile(named); err != nil {
			return nil, fileError("key", named, err)
		}
		keyFile = named
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		if keyFile != certFile {
			certFile += " with key=" + keyFile
		}
		return nil, fileError("cert", certFile, err)
	}
	return &pair, nil
}

// readTrust reads the file of ca=. What is in it besides certificates is left
// out.
func readTrust(e endpoint.Endpoint) (trust, error) {
	file, _ := e.Option("ca")
	if file == "" {
		return trust{}, nil
	}
	rest, err := os.ReadFile(file)
	if err != nil {
		return trust{}, fileError("ca", file, err)
	}
	t := trust{file: file, pool: x509.NewCertPool()}
	for block := new(pem.Block); ; {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			t.known = append(t.known, c)
			t.pool.AddCert(c)
		}
	}
	if t.known == nil {
		return trust{}, fileError("ca", file, errors.New("no PEM certificate in it"))
	}
	return t, nil
}

func fileError(option, file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the file is named already
	}
	return &transport.OptionError{Name: option, Value: file, Reason: "option " + option + "=" + file + ": " + err.Error()}
}
