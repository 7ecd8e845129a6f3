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
	if o.clientCAs, err = poolOption(e, "clientca"); err != nil {
		return tlsListenOptions{}, err
	}
	return o, nil
}

// tlsDialOptions is how a dial does TLS. It is not modified after dialTLS.
type tlsDialOptions struct {
	certificate *tls.Certificate // nil: none is shown
	roots       *x509.CertPool   // nil: the system's
	serverName  string           // that the certificate must be for, and that the server is told
	alpn        []string         // protocols, in the order preferred
	pin         *pin             // of the server's key; nil: none
	insecure    bool             // neither chain nor name is verified
}

// tlsDialOptionsOf is tlsListenOptionsOf for dialling.
func tlsDialOptionsOf(e endpoint.Endpoint) (tlsDialOptions, error) {
	o := tlsDialOptions{
		serverName: textOption(e, "servername"),
		alpn:       listOption(e, "alpn"),
		insecure:   boolOption(e, "insecure", false),
	}
	if o.serverName == "" {
		o.serverName = withoutZone(e.Host)
	}
	if o.serverName == "" {
		o.serverName = "localhost" // which is what dialling no host reaches
	}
	var err error
	if o.certificate, err = keyPairOption(e); err != nil {
		return tlsDialOptions{}, err
	}
	if o.roots, err = poolOption(e, "ca"); err != nil {
		return tlsDialOptions{}, err
	}
	if value, ok := e.Option("pin"); ok {
		p, err := parsePin(value)
		if err != nil {
			return tlsDialOptions{}, optionErrorf("pin", value, "option pin=%s: %v", value, err)
		}
		o.pin = &p
	}
	return o, nil
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
func dialTLS(ctx context.Context, nc net.Conn, o tlsDialOptions) (net.Conn, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         o.serverName,
		RootCAs:            o.roots,
		NextProtos:         o.alpn,
		InsecureSkipVerify: o.insecure || o.pin != nil && o.roots == nil,
	}
	if o.certificate != nil {
		config.Certificates = []tls.Certificate{*o.certificate}
	}
	if o.pin != nil {
		config.VerifyConnection = o.pin.verify
	}
	c := newTLSConn(nc, config, tls.Client)
	if err := c.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}
