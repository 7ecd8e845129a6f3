package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"

	"parley/endpoint"
)

// tlsListenOptions is how a listener does TLS. It is not modified after
// listenTLS.
type tlsListenOptions struct {
	certificate *tls.Certificate // nil: one is made for this run
	clientCAs   *x509.CertPool   // nil: clients are not asked for a certificate
	alpn        []string         // protocols, in the order preferred
	host        string           // a name or address that the made certificate is for as well
}

// tlsListenOptionsOf reads e's options and the files they name. The error says
// which option and file, and wraps an *OptionError.
func tlsListenOptionsOf(e endpoint.Endpoint) (tlsListenOptions, error) {
	o := tlsListenOptions{host: withoutZone(e.Host), alpn: listOption(e, "alpn")}
	var err error
	if o.certificate, err = keyPairOption(e); err != nil {
		return tlsListenOptions{}, err
	}
	if _, o.clientCAs, err = poolOption(e, "clientca"); err != nil {
		return tlsListenOptions{}, err
	}
	return o, nil
}

// TLSOptions are what the options of an endpoint say about dialling TLS. They are not
// modified once they were read.
type TLSOptions struct {
	Certificate *tls.Certificate    // of cert= and key=; nil: none is shown
	CAs         []*x509.Certificate // of ca=
	Roots       *x509.CertPool      // the same; nil: the system's
	ServerName  string              // that the certificate must be for, and that the server is told
	ALPN        []string            // protocols, in the order preferred
	Pin         string              // of the server's key, as Pinner has it; "": none
	Insecure    bool                // neither chain nor name is verified
}

// ReadTLSOptions reads the options of e, and the files they name. The error says which
// option and file, and wraps an *OptionError.
func ReadTLSOptions(e endpoint.Endpoint) (TLSOptions, error) {
	o := TLSOptions{
		ServerName: textOption(e, "servername"),
		ALPN:       listOption(e, "alpn"),
		Insecure:   boolOption(e, "insecure", false),
	}
	if o.ServerName == "" {
		o.ServerName = withoutZone(e.Host)
	}
	if o.ServerName == "" {
		o.ServerName = "localhost" // which is what dialling no host reaches
	}
	var err error
	if o.Certificate, err = keyPairOption(e); err != nil {
		return TLSOptions{}, err
	}
	if o.CAs, o.Roots, err = poolOption(e, "ca"); err != nil {
		return TLSOptions{}, err
	}
	if value, ok := e.Option("pin"); ok {
		p, err := parsePin(value)
		if err != nil {
			return TLSOptions{}, optionErrorf("pin", value, "option pin=%s: %v", value, err)
		}
		o.Pin = p.String()
	}
	return o, nil
}

// CheckFiles reports what Dial would say of the files of certificates and keys that e, which
// CheckDial passes, names. The error wraps an *OptionError.
func CheckFiles(e endpoint.Endpoint) error {
	_, err := ReadTLSOptions(e)
	return opError("dial", e, err)
}

func withoutZone(host string) string {
	host, _, _ = strings.Cut(host, "%")
	return host
}

// listOption is the elements of a list, none when e does not have it.
func listOption(e endpoint.Endpoint, name string) []string {
	if value := textOption(e, name); value != "" {
		return strings.Split(value, ",")
	}
	return nil
}

// A tlsListener is a Pinner whose connections are *tlsConn.
type tlsListener struct {
	net.Listener
	config *tls.Config
	pin    pin
}

// listenTLS makes l's connections TLS 1.2 or 1.3 ones. The result owns l. Accept
// does not run the handshake: the connection is a Handshaker.
func listenTLS(l net.Listener, o tlsListenOptions) (net.Listener, error) {
	certificate := o.certificate
	if certificate == nil {
		var err error
		if certificate, err = selfSigned(o.host); err != nil {
			return nil, err
		}
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{*certificate},
		NextProtos:   o.alpn,
		// A client that writes and closes never reads the tickets that a TLS 1.3
		// server sends unasked, and closing a TCP socket with unread data resets
		// it: the client's last bytes would be lost.
		SessionTicketsDisabled: true,
	}
	if o.clientCAs != nil {
		config.ClientCAs = o.clientCAs
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return &tlsListener{Listener: l, config: config, pin: pinOf(certificate.Leaf)}, nil
}

// Accept waits for the next connection, whose handshake has not been run.
func (l *tlsListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newTLSConn(nc, l.config, tls.Server), nil
}

// Pin is of the certificate's key, which is another one each run when the
// endpoint names no certificate.
func (l *tlsListener) Pin() string { return l.pin.String() }

// dialTLS runs the client's handshake on nc, bounded by ctx. The result owns nc;
// on an error nc is closed.
//
// The chain and the name of the server's certificate are verified. With a pin
// and no roots the pin takes their place, as the certificates that listeners
// make for themselves have no chain; with a pin and roots both must hold. With
// insecure only a pin, if there is one, is looked at.
func dialTLS(ctx context.Context, nc net.Conn, o TLSOptions) (net.Conn, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         o.ServerName,
		RootCAs:            o.Roots,
		NextProtos:         o.ALPN,
		InsecureSkipVerify: o.Insecure || o.Pin != "" && o.Roots == nil,
	}
	if o.Certificate != nil {
		config.Certificates = []tls.Certificate{*o.Certificate}
	}
	if o.Pin != "" {
		config.VerifyConnection = verifyPin(o.Pin)
	}
	c := newTLSConn(nc, config, tls.Client)
	if err := c.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}
