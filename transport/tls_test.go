package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"parley/endpoint"
)

// startTLS listens on loopback as the options of a tls endpoint say.
func startTLS(t testing.TB, options string) net.Listener {
	t.Helper()
	o, err := tlsListenOptionsOf(endpoint.MustParse("tls://127.0.0.1:0" + options))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := listenTLS(raw, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connectTLS dials l as the options of a tls endpoint say. It returns both
// sides as far as they came, and each side's error of the handshake.
func connectTLS(t testing.TB, l net.Listener, options string) (client, server *tlsConn, cerr, serr error) {
	t.Helper()
	o, err := ReadTLSOptions(endpoint.MustParse("tls://127.0.0.1:1" + options))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server = nc.(*tlsConn)
	done := make(chan error, 1)
	go func() { done <- server.HandshakeContext(t.Context()) }() // ends with the client's side
	nc, cerr = dialTLS(t.Context(), raw, o)
	serr = <-done
	client, _ = nc.(*tlsConn)
	t.Cleanup(func() {
		if client != nil {
			client.Close()
		}
		server.Close()
	})
	return client, server, cerr, serr
}

// tlsPair returns both sides of a connection over TCP.
func tlsPair(t testing.TB) (client, server *tlsConn) {
	t.Helper()
	client, server, cerr, serr := connectTLS(t, startTLS(t, ""), "?insecure=1")
	if cerr != nil || serr != nil {
		t.Fatalf("handshake: client %v, server %v", cerr, serr)
	}
	return client, server
}

func TestTLSVerification(t *testing.T) {
	one, other := makeCertFiles(t, "one.test"), makeCertFiles(t, "other.test")
	ours, stranger := startTLS(t, "?cert="+one.cert+"&key="+one.key), pinOf(other.leaf).String()
	pinned := ours.(Pinner).Pin()
	tests := []struct {
		name, options, want string // want is in the error's text; "" is no error
	}{
		{"unknown authority", "?servername=one.test", "unknown authority"},
		{"ca", "?ca=" + one.cert + "&servername=one.test", ""},
		{"ca, wrong name", "?ca=" + one.cert + "&servername=two.test", "two.test"},
		{"ca, the address is not in the certificate", "?ca=" + one.cert, "127.0.0.1"},
		{"wrong ca", "?ca=" + other.cert + "&servername=one.test", "unknown authority"},
		{"pin in place of chain and name", "?pin=" + pinned, ""},
		{"wrong pin", "?pin=" + stranger, "not the pinned " + stranger},
		{"the error shows the real pin", "?pin=" + stranger, "the server's key is " + pinned},
		{"pin and ca", "?pin=" + pinned + "&ca=" + one.cert + "&servername=one.test", ""},
		{"pin and wrong ca", "?pin=" + pinned + "&ca=" + other.cert + "&servername=one.test", "unknown authority"},
		{"pin and ca, wrong name", "?pin=" + pinned + "&ca=" + one.cert, "127.0.0.1"},
		{"wrong pin and ca", "?pin=" + stranger + "&ca=" + one.cert + "&servername=one.test", "pinned"},
		{"insecure", "?insecure=1", ""},
		{"insecure and wrong pin", "?insecure=1&pin=" + stranger, "pinned"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, _, err, _ := connectTLS(t, ours, tt.options)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("dial with %s: %v, want no error", tt.options, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("dial with %s: %v, want an error with %q", tt.options, err, tt.want)
			case tt.want != "" && client != nil:
				t.Errorf("dial with %s: a connection beside the error", tt.options)
			}
		})
	}
}

func TestTLSClientCertificates(t *testing.T) {
	trusted, stranger := makeCertFiles(t, "client.test"), makeCertFiles(t, "stranger.test")
	l := startTLS(t, "?clientca="+trusted.cert)
	tests := []struct {
		name, options string
		ok            bool
	}{
		{"none", "?insecure=1", false},
		{"trusted", "?insecure=1&cert=" + trusted.cert + "&key=" + trusted.key, true},
		{"both in one file", "?insecure=1&cert=" + trusted.both, true},
		{"not trusted", "?insecure=1&cert=" + stranger.cert + "&key=" + stranger.key, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server, err, serr := connectTLS(t, l, tt.options)
			if (serr == nil) != tt.ok {
				t.Fatalf("server's handshake: %v, want success: %v", serr, tt.ok)
			}
			if err != nil || tt.ok {
				return
			}
			// In TLS 1.3 a client learns of its refusal by its first read.
			if _, err := client.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("the refused client's Read: %v, want the server's alert", err)
			}
			if again := server.HandshakeContext(t.Context()); again != serr {
				t.Errorf("HandshakeContext again: %v, want the same error %v", again, serr)
			}
		})
	}
}

func TestTLSALPN(t *testing.T) {
	l := startTLS(t, "?alpn=first,second")
	client, server, cerr, serr := connectTLS(t, l, "?insecure=1&alpn=other,second")
	if cerr != nil || serr != nil {
		t.Fatalf("handshake: client %v, server %v", cerr, serr)
	}
	for side, c := range map[string]*tlsConn{"client": client, "server": server} {
		if got, want := c.ConnectionState().NegotiatedProtocol, "second"; got != want {
			t.Errorf("%s: protocol %q, want %q", side, got, want)
		}
	}
	if _, _, cerr, serr = connectTLS(t, l, "?insecure=1&alpn=third"); cerr == nil || serr == nil {
		t.Errorf("no protocol in common: client %v, server %v; want errors", cerr, serr)
	}
}

// Every handshake of another version must fail on both sides of ours.
func TestTLSVersions(t *testing.T) {
	l := startTLS(t, "")
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		raw, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- nc.(Handshaker).HandshakeContext(t.Context()) }() // ends with the client's side
		client := tls.Client(raw, &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true})
		err = client.Handshake()
		if serr := <-done; (err == nil) != ok || (serr == nil) != ok {
			t.Errorf("%s: client %v, server %v; want success: %v", tls.VersionName(version), err, serr, ok)
		}
		raw.Close()
		nc.Close()
	}
}

func TestTLSSelfSigned(t *testing.T) {
	certificate, err := selfSigned("parley.test")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	for name, ok := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "parley.test": true, "other.test": false, "127.0.0.2": false,
	} {
		_, err := certificate.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if (err == nil) != ok {
			t.Errorf("verify the made certificate for %s: %v, want success: %v", name, err, ok)
		}
	}
	byAddress, err := selfSigned("192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	if err := byAddress.Leaf.VerifyHostname("192.0.2.7"); err != nil {
		t.Error(err)
	}
	if a, b := startTLS(t, "").(Pinner).Pin(), startTLS(t, "").(Pinner).Pin(); a == b {
		t.Errorf("two listeners have the same pin %s, want a key for each", a)
	}
}

// A peer that never says anything is found out by its own session only.
func TestTLSAcceptDoesNotWait(t *testing.T) {
	l := startTLS(t, "")
	silent, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, _, cerr, serr := connectTLS(t, l, "?insecure=1"); cerr != nil || serr != nil {
		t.Errorf("handshake beside a silent peer: client %v, server %v", cerr, serr)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := nc.(Handshaker).HandshakeContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("handshake with a silent peer: %v, want context.DeadlineExceeded", err)
	}
}

func TestTLSHandshakeCut(t *testing.T) {
	l := startTLS(t, "")
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	raw.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Read of a connection that ended before its handshake: %v, want io.ErrUnexpectedEOF", err)
	}
}

// A client that writes and closes without ever reading does not reset the
// connection: no session tickets lie unread in its socket. Where clients show
// certificates the tickets would come after the client's last handshake message,
// which is when no client has a reason to read.
func TestTLSWriteAndClose(t *testing.T) {
	files := makeCertFiles(t, "client.test")
	certificate, err := tls.LoadX509KeyPair(files.cert, files.key)
	if err != nil {
		t.Fatal(err)
	}
	l := startTLS(t, "?clientca="+files.cert)
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	done := make(chan error, 1)
	go func() { done <- nc.(*tlsConn).HandshakeContext(t.Context()) }() // ends with the client's side
	client := tls.Client(raw, &tls.Config{
		Certificates:       []tls.Certificate{certificate},
		ClientSessionCache: tls.NewLRUClientSessionCache(1), // asks for tickets
		InsecureSkipVerify: true,
	})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil { // tickets would be there now
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got, err := io.ReadAll(nc); string(got) != "bye" || err != nil {
		t.Errorf("the server read %q, %v; want bye, nil", got, err)
	}
	if n, err := nc.(*tlsConn).records.Conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("below TLS the connection ended with %d, %v; want 0, io.EOF", n, err)
	}
}
