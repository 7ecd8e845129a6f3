package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// testHinter knows a machine of its own.
func testHinter(t *testing.T) *hinter {
	return &hinter{
		proc: t.TempDir(), pid: 77, executable: "/opt/my parley",
		addresses: func() ([]net.Addr, error) {
			return []net.Addr{&net.IPNet{IP: net.IPv4(127, 0, 0, 1)}, &net.IPNet{IP: net.ParseIP("fd00::2")}}, nil
		},
		interfaces: func() ([]net.Interface, error) { return []net.Interface{{Name: "lo"}, {Name: "eth0"}}, nil },
	}
}

func opFailed(op, at string, cause error) error {
	return &transport.OpError{Op: op, Endpoint: endpoint.MustParse(at), Err: cause}
}

func sys(call string, e syscall.Errno) error { return os.NewSyscallError(call, e) }

func TestHints(t *testing.T) {
	dir := t.TempDir()
	shut := filepath.Join(dir, "shut.sock")
	if err := os.WriteFile(shut, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expired := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(86400, 0)}
	for _, tt := range []struct {
		name string
		err  error
		want []string // a part of each hint
	}{
		{"nothing to say", errors.New("x"), nil},
		{"parse", &endpoint.ParseError{Reason: "x"}, nil},
		{"wrong host", opFailed("listen", "tcp://10.9.9.9:80", sys("bind", syscall.EADDRNOTAVAIL)), []string{"10.9.9.9 is no address of this machine, which has 127.0.0.1 fd00::2"}},
		{"wrong source", opFailed("dial", "tcp://127.0.0.1:80?source=10.9.9.9", sys("bind", syscall.EADDRNOTAVAIL)), []string{"source=10.9.9.9 is no address"}},
		{"no source", opFailed("dial", "tcp://127.0.0.1:80", sys("connect", syscall.EADDRNOTAVAIL)), nil},
		{"refused default", opFailed("dial", "tcp://127.0.0.1:21567", sys("connect", syscall.ECONNREFUSED)), []string{"nothing listens on tcp port 21567 there; `parley serve stamp`"}},
		{"refused udp default", opFailed("dial", "udp://127.0.0.1:50001", sys("read", syscall.ECONNREFUSED)), []string{"udp port 50001 there; `parley serve ack`"}},
		{"asked in vain", opFailed("ask", "udp://127.0.0.1:11123", sys("read", syscall.ECONNREFUSED)), []string{"udp port 11123 there; `parley serve ntp`"}},
		{"refused chat", opFailed("dial", "tcp://127.0.0.1:9527", sys("connect", syscall.ECONNREFUSED)), []string{"tcp port 9527 there; `parley serve chat`"}},
		{"refused other protocol", opFailed("dial", "udp://127.0.0.1:50000", sys("read", syscall.ECONNREFUSED)), []string{"nothing listens on udp port 50000 there: is"}},
		{"refused", opFailed("dial", "tls://127.0.0.1:9443", sys("connect", syscall.ECONNREFUSED)), []string{"nothing listens on tcp port 9443 there: is"}},
		{"refused deep", fmt.Errorf("after 3 tries: %w", errors.Join(opFailed("dial", "tcp://127.0.0.1:7019", sys("connect", syscall.ECONNREFUSED)))), []string{"`parley serve chargen`"}},
		{"unreachable", opFailed("dial", "tcp://10.0.0.1:1", sys("connect", syscall.ENETUNREACH)), []string{"no way leads from here to 10.0.0.1"}},
		{"out of time", opFailed("dial", "tcp://10.0.0.1:1", os.ErrDeadlineExceeded), []string{"10.0.0.1 does not answer"}},
		{"broadcast", opFailed("dial", "udp://10.255.255.255:1", sys("connect", syscall.EACCES)), []string{"broadcast=1"}},
		{"unknown host", opFailed("dial", "tcp://no.such:1", &net.DNSError{Name: "no.such", IsNotFound: true}), []string{"knows no no.such: check its spelling and its domain; `parley lookup tcp://no.such:1` shows"}},
		{"unknown host of lookup", &net.DNSError{Name: "no.such", IsNotFound: true}, []string{"knows no no.such"}},
		{"no resolver", opFailed("dial", "tcp://a.example:1", &net.DNSError{Name: "a.example", IsTimeout: true}), []string{"no name server gave an answer"}},
		{"unknown service", opFailed("dial", "tcp://a:nope", &net.DNSError{Name: "tcp/nope", IsNotFound: true}), []string{`no service is called "nope"`}},
		{"no directory", opFailed("listen", "unix:no/such/x.sock", sys("bind", syscall.ENOENT)), []string{"there is no directory no/such: mkdir -p no/such"}},
		{"directory of others", opFailed("listen", "unix:/x.sock", sys("bind", syscall.EACCES)), []string{"you may not make a file in /: choose a directory of yours"}},
		{"no socket file", opFailed("dial", "unix:/run/no.sock", sys("connect", syscall.ENOENT)), []string{"there is no /run/no.sock"}},
		{"stale socket file", opFailed("dial", "unix:/run/x.sock", sys("connect", syscall.ECONNREFUSED)), []string{"/run/x.sock is there but nobody listens"}},
		{"socket file of others", opFailed("dial", "unix:"+shut, sys("connect", syscall.EACCES)), []string{shut + " has mode 0600"}},
		{"directory of the socket", opFailed("dial", "unix:"+dir+"/no/x.sock", sys("connect", syscall.EACCES)), []string{"a directory on the way"}},
		{"a directory dialled", opFailed("dial", "unix:"+dir, sys("connect", syscall.ECONNREFUSED)), []string{dir + " is a directory and not a socket: is"}},
		{"a file dialled", opFailed("dial", "unix:"+shut, sys("connect", syscall.ECONNREFUSED)), []string{shut + " is a regular file and not a socket: is"}},
		{"a directory taken", opFailed("listen", "unix:"+dir, sys("bind", syscall.EADDRINUSE)), []string{dir + " is a directory and not a socket, and it is left alone: choose another path"}},
		{"a file taken", opFailed("listen", "unixgram:"+shut, sys("bind", syscall.EADDRINUSE)), []string{shut + " is a regular file and not a socket"}},
		{"link", opFailed("dial", "tcp://[fe80::1]:7", sys("connect", syscall.EINVAL)), []string{"fe80::1 is an address of one link: say which by an interface after %, as in 'tcp://[fe80::1%eth0]:7'; there are lo eth0"}},
		{"link of a listener", opFailed("listen", "udp://[fe80::1]:7", sys("bind", syscall.EINVAL)), []string{"there are lo eth0"}},
		{"link with its zone", opFailed("dial", "tcp://[fe80::1%eth0]:7", sys("connect", syscall.EINVAL)), nil},
		{"abstract", opFailed("dial", "unix:@x", sys("connect", syscall.ECONNREFUSED)), []string{"nothing listens on the abstract socket @x"}},
		{"certificate of another", opFailed("dial", "tls://a:1", x509.HostnameError{Host: "a", Certificate: &x509.Certificate{DNSNames: []string{"b.example", "c.example"}}}), []string{"the certificate is for b.example c.example"}},
		{"expired", opFailed("dial", "tls://a:1", x509.CertificateInvalidError{Cert: expired, Reason: x509.Expired}), []string{"valid from 1970-01-01 00:00 UTC to 1970-01-02 00:00 UTC"}},
		{"no TLS", opFailed("dial", "wss://a:1/x", tls.RecordHeaderError{Msg: "x"}), []string{"does not speak TLS: try ws://a:1/x"}},
		{"client certificate", opFailed("dial", "tls://a:1", tls.AlertError(116)), []string{"cert= and key="}},
		{"too many files", opFailed("listen", "tcp://:1", sys("socket", syscall.EMFILE)), []string{"ulimit -n"}},
		{"twice", errors.Join(opFailed("listen", "tcp://10.9.9.9:1", sys("bind", syscall.EADDRNOTAVAIL)), opFailed("listen", "udp://10.9.9.9:2", sys("bind", syscall.EADDRNOTAVAIL))), []string{"10.9.9.9 is no address"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.Contains(tt.name, "socket file of others") {
				t.Skip("no modes")
			}
			checkHints(t, testHinter(t).hints(tt.err), tt.want)
		})
	}
	if got := hintsFor(nil); got != nil {
		t.Errorf("hintsFor(nil) = %q", got)
	}
}

// checkHints fails unless each hint has its part of want, and is one line.
func checkHints(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.EqualFunc(got, want, strings.Contains) {
		t.Errorf("hints:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, hint := range got {
		if strings.Contains(hint, "\n") {
			t.Errorf("hint %q is not one line", hint)
		}
	}
}

// The hint on a certificate that is not known has the pin that trusts it.
func TestHintPin(t *testing.T) {
	ln, err := transport.Listen(context.Background(), endpoint.MustParse("tls://127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go shakeOne(ln, done)
	defer func() { <-done }()
	defer ln.Close()
	_, err = transport.Dial(context.Background(), endpoint.MustParse("tls://127.0.0.1:0").WithAddr(ln.Addr()))
	if err == nil {
		t.Fatal("dialled a listener whose key nobody knows")
	}
	pin := ln.(transport.Pinner).Pin()
	checkHints(t, testHinter(t).hints(err), []string{"ca=FILE", "pin=" + pin + " trusts the key that was seen", "insecure=1"})
}

// shakeOne is a goroutine; it ends with its one connection, or with ln.
func shakeOne(ln net.Listener, done chan<- struct{}) {
	defer close(done)
	c, err := ln.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.(transport.Handshaker).HandshakeContext(ctx)
}
