package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"time"

	"parley/endpoint"
)

// fileError is what is wrong with the file that an option names.
type fileError struct {
	option OptionError
	err    error
}

func newFileError(name, file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the file is named already
	}
	return &fileError{
		option: OptionError{Name: name, Value: file, Reason: "option " + name + "=" + file + ": " + err.Error()},
		err:    err,
	}
}

func (e *fileError) Error() string   { return e.option.Reason }
func (e *fileError) Unwrap() []error { return []error{&e.option, e.err} }

// keyPairOption loads the options cert and key, nil when there are none. The
// file of cert may hold the key as well.
func keyPairOption(e endpoint.Endpoint) (*tls.Certificate, error) {
	certFile, keyFile := textOption(e, "cert"), textOption(e, "key")
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "":
		return nil, newFileError("key", keyFile, errors.New("there is no cert= that it is the key of"))
	}
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, newFileError("cert", certFile, err)
	}
	keyPEM := certPEM
	if keyFile != "" {
		if keyPEM, err = os.ReadFile(keyFile); err != nil {
			return nil, newFileError("key", keyFile, err)
		}
	}
	return keyPair(certFile, keyFile, certPEM, keyPEM)
}

// keyPair joins a certificate and its key, and finds out which of the two files
// is to blame when that fails.
func keyPair(certFile, keyFile string, certPEM, keyPEM []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return &pair, nil
	case !hasPEM(certPEM, isCertificate):
		return nil, newFileError("cert", certFile, errors.New("no PEM certificate in it"))
	case !hasPEM(keyPEM, isPrivateKey) && keyFile == "":
		return nil, newFileError("cert", certFile, errors.New("no PEM private key in it, and no key= that names one"))
	case !hasPEM(keyPEM, isPrivateKey):
		return nil, newFileError("key", keyFile, errors.New("no PEM private key in it"))
	case keyFile == "":
		return nil, newFileError("cert", certFile, err)
	}
	return nil, newFileError("key", keyFile, err)
}

// poolOption loads the certificates in the file that the option names, nil when
// there is no such option. What else is in the file is left out.
func poolOption(e endpoint.Endpoint, name string) (list []*x509.Certificate, pool *x509.CertPool, err error) {
	file := textOption(e, name)
	if file == "" {
		return nil, nil, nil
	}
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, newFileError(name, file, err)
	}
	pool = x509.NewCertPool()
	for block := new(pem.Block); ; {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && isCertificate(block.Type) {
			list = append(list, c)
			pool.AddCert(c)
		}
	}
	if list == nil {
		return nil, nil, newFileError(name, file, errors.New("no PEM certificate in it"))
	}
	return list, pool, nil
}

// selfSignedLife is how long a made certificate is valid: longer than a process
// runs.
const selfSignedLife = 10 * 365 * 24 * time.Hour

// selfSigned makes a key and a certificate for this machine's loopback names
// and for host, unless that is "".
func selfSigned(host string) (*tls.Certificate, error) {
	return newCertificate(certificateFor(host))
}

// certificateFor is what selfSigned certifies.
func certificateFor(host string) *x509.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "parley, made for this run"},
		NotBefore:   time.Now().Add(-time.Hour), // clocks differ
		NotAfter:    time.Now().Add(selfSignedLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else if host != "" {
		template.DNSNames = append(template.DNSNames, host)
	}
	return template
}

// newCertificate makes a P-256 key, and a certificate that it signs itself.
func newCertificate(template *x509.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// No serial number is set: one that is random is made.
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
