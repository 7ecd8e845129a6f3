package cause

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// The errors are those that real sockets give. names are the system's on Unix; ""
// is none.
func TestOfRealSockets(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(*testing.T) error
		word string
		unix string
		only string // the system where it can be made
	}{
		{"a closed port", dialClosed, "refused", "ECONNREFUSED", ""},
		{"a closed udp port", readClosedUDP, "refused", "ECONNREFUSED", "linux"},
		{"a peer that resets", readReset, "reset", "ECONNRESET", ""},
		{"a peer that ends", readEnd, "closed", "", ""},
		{"a write after a reset", writeBroken, "closed", "EPIPE", "linux"},
		{"a connection closed here", readClosedHere, "closed", "", ""},
		{"a deadline", readLate, "timed out", "", ""},
		{"a context's end", func(t *testing.T) error { return dialWith(t, expired) }, "timed out", "", ""},
		{"a context canceled", func(t *testing.T) error { return dialWith(t, canceled) }, "canceled", "", ""},
		{"a group by tcp", dialGroup, "unreachable", "ENETUNREACH", "linux"},
		{"a broadcast without leave", dialBroadcast, "denied", "EACCES", "linux"},
		{"a port that is taken", listenTwice, "in use", "EADDRINUSE", ""},
		{"an address of others", listenElsewhere, "no local address", "EADDRNOTAVAIL", ""},
		{"a datagram too long", writeLong, "too long", "EMSGSIZE", "linux"},
		{"no socket file", dialNoFile, "no such socket", "ENOENT", "linux"},
		{"a file that is no directory", dialUnderFile, "no such socket", "ENOTDIR", "linux"},
		{"a socket file that nobody holds", dialStale, "refused", "ECONNREFUSED", "linux"},
		{"a socket of another type", dialOtherType, "failed", "EPROTOTYPE", "linux"},
		{"no service of that name", lookupService, "no such name", "", ""},
		{"an unknown authority", func(t *testing.T) error { return shake(t, nil) }, "tls", "", ""},
		{"an alert", func(t *testing.T) error { return shake(t, oldClient) }, "tls", "", ""},
		{"no tls", shakeWithEcho, "tls", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.only != "" && runtime.GOOS != tt.only {
				t.Skip("made on " + tt.only + " only")
			}
			err := tt.make(t)
			if err == nil {
				t.Fatal("there was no error")
			}
			got := Of(err)
			if got.Word != tt.word {
				t.Errorf("Of(%v) is %q, want %q", err, got.Word, tt.word)
			}
			if (got.Number != 0) != (tt.unix != "") || (got.Name != "") != (tt.unix != "") {
				t.Errorf("Of(%v) = %+v, want the system's name: %t", err, got, tt.unix != "")
			}
			if runtime.GOOS != "windows" && got.Name != tt.unix {
				t.Errorf("Of(%v) is called %q, want %q", err, got.Name, tt.unix)
			}
		})
	}
}

func TestNumberIsTheSystems(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the number is Linux's")
	}
	if got := Of(dialClosed(t)); got != (Cause{"refused", "ECONNREFUSED", int(syscall.ECONNREFUSED)}) {
		t.Errorf("Of a refusal = %+v", got)
	}
}

func expired() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), time.Unix(0, 0))
}

func canceled() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}

func dialWith(t *testing.T, with func() (context.Context, context.CancelFunc)) error {
	ctx, cancel := with()
	defer cancel()
	return dial(ctx, "tcp://127.0.0.1:1")
}

func dial(ctx context.Context, where string) error {
	c, err := transport.Dial(ctx, endpoint.MustParse(where))
	if err == nil {
		c.Close()
	}
	return err
}

// closedPort is a port of network that was free a moment ago.
func closedPort(t *testing.T, scheme string) string {
	t.Helper()
	at := endpoint.MustParse(scheme + "://127.0.0.1:0")
	ln, pc, err := transport.Open(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	if ln != nil {
		defer ln.Close()
		return at.WithAddr(ln.Addr()).String()
	}
	defer pc.Close()
	return at.WithAddr(pc.LocalAddr()).String()
}

func dialClosed(t *testing.T) error { return dial(context.Background(), closedPort(t, "tcp")) }

func readClosedUDP(t *testing.T) error {
	c, err := transport.Dial(context.Background(), endpoint.MustParse(closedPort(t, "udp")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	c.SetDeadline(time.Now().Add(patience))
	_, err = c.Read(make([]byte, 1))
	return err
}

// pair is the two ends of a connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); a.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn), a.(*net.TCPConn)
}

func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

func readReset(t *testing.T) error {
	near, far := pair(t)
	reset(far)
	_, err := near.Read(make([]byte, 1))
	return err
}

func readEnd(t *testing.T) error {
	near, far := pair(t)
	far.Close()
	_, err := near.Read(make([]byte, 1))
	return err
}

func writeBroken(t *testing.T) error {
	near, far := pair(t)
	reset(far)
	near.Read(make([]byte, 1))
	_, err := near.Write([]byte("x"))
	return err
}

func readClosedHere(t *testing.T) error {
	near, _ := pair(t)
	near.Close()
	_, err := near.Read(make([]byte, 1))
	return err
}

func readLate(t *testing.T) error {
	near, _ := pair(t)
	near.SetDeadline(time.Unix(1, 0))
	_, err := near.Read(make([]byte, 1))
	return err
}

func dialGroup(*testing.T) error { return dial(context.Background(), "tcp://224.0.0.1:1") }

func dialBroadcast(*testing.T) error { return dial(context.Background(), "udp://255.255.255.255:9") }

func listenTwice(t *testing.T) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return listen(t, "tcp://"+ln.Addr().String())
}

func listenElsewhere(t *testing.T) error { return listen(t, "tcp://192.0.2.1:0") }

func listen(t *testing.T, where string) error {
	ln, err := transport.Listen(context.Background(), endpoint.MustParse(where))
	if err == nil {
		ln.Close()
	}
	return err
}

func writeLong(t *testing.T) error {
	c, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Write(make([]byte, 70000))
	return err
}

func dialNoFile(t *testing.T) error {
	return dial(context.Background(), "unix:"+filepath.Join(t.TempDir(), "no"))
}

func dialUnderFile(t *testing.T) error {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dial(context.Background(), "unix:"+file+"/x")
}

func dialStale(t *testing.T) error {
	path := filepath.Join(t.TempDir(), "x")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	return dial(context.Background(), "unix:"+path)
}

func dialOtherType(t *testing.T) error {
	path := filepath.Join(t.TempDir(), "x")
	pc, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	return dial(context.Background(), "unix:"+path)
}

func lookupService(*testing.T) error {
	return dial(context.Background(), "tcp://127.0.0.1:no-such-service")
}

// oldClient speaks nothing that a server of today does.
func oldClient(cfg *tls.Config) { cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }

// shake is the client's error against a server whose certificate is its own.
func shake(t *testing.T, change func(*tls.Config)) error {
	ln, err := transport.Listen(context.Background(), endpoint.MustParse("tls://127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go shakeOne(ln, done)
	defer func() { <-done }()
	defer ln.Close()
	if change == nil {
		return dial(context.Background(), "tls://"+ln.Addr().String())
	}
	cfg := &tls.Config{InsecureSkipVerify: true}
	change(cfg)
	c, err := tls.Dial("tcp", ln.Addr().String(), cfg)
	if err == nil {
		c.Close()
	}
	return err
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

// shakeWithEcho is the error of a TLS client whose peer says something else.
func shakeWithEcho(t *testing.T) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go greetOne(ln, done)
	defer func() { <-done }()
	defer ln.Close()
	return dial(context.Background(), "tls://"+ln.Addr().String())
}

// greetOne is a goroutine; it ends with its one connection, or with ln.
func greetOne(ln net.Listener, done chan<- struct{}) {
	defer close(done)
	c, err := ln.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, strings.Repeat("220 this is something else\r\n", 2))
	io.Copy(io.Discard, c)
}
