package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"parley/endpoint"
)

// mustListen listens on the endpoint that text is, until the test ends, and
// returns the endpoint at its real address, without options.
func mustListen(t testing.TB, text string) (net.Listener, endpoint.Endpoint) {
	t.Helper()
	e := endpoint.MustParse(text)
	ln, err := Listen(context.Background(), e)
	if err != nil {
		t.Fatalf("Listen(%s): %v", text, err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, e.WithAddr(ln.Addr()).Bare()
}

func mustDial(t testing.TB, e endpoint.Endpoint) net.Conn {
	t.Helper()
	c, err := Dial(context.Background(), e)
	if err != nil {
		t.Fatalf("Dial(%v): %v", e, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// portOf is the port of a listener on TCP or UDP.
func portOf(e endpoint.Endpoint) string { return e.Port }

// pair makes a connection to ln.
func pair(ln net.Listener, e endpoint.Endpoint) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		if c1, err = Dial(context.Background(), e); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = ln.Accept(); err != nil {
			c1.Close()
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	}
}

func TestTCPConn(t *testing.T) {
	ln, e := mustListen(t, "tcp://127.0.0.1:0")
	nettest.TestConn(t, pair(ln, e))
}

// closedPort is a port of 127.0.0.1 that nothing listens on.
func closedPort(t testing.TB) string {
	t.Helper()
	ln, e := mustListen(t, "tcp://:0")
	ln.Close()
	return portOf(e)
}

func TestTCPFamilies(t *testing.T) {
	if !nettest.SupportsIPv6() {
		t.Skip("the system has no IPv6 loopback")
	}
	tests := []struct {
		listen string
		v4, v6 bool // who can connect
	}{
		{"tcp://:0", true, true},
		{"tcp://[::]:0", true, true},
		{"tcp://0.0.0.0:0", true, false},
		{"tcp4://:0", true, false},
		{"tcp6://:0", false, true},
		{"tcp://127.0.0.1:0", true, false},
		{"tcp://[::1]:0", false, true},
	}
	for _, tt := range tests {
		_, e := mustListen(t, tt.listen)
		for host, want := range map[string]bool{"127.0.0.1": tt.v4, "[::1]": tt.v6} {
			to := endpoint.MustParse("tcp://" + host + ":" + portOf(e))
			c, err := Dial(t.Context(), to)
			if err == nil {
				c.Close()
			}
			if (err == nil) != want {
				t.Errorf("%s, Dial(%v): got %v, want connected %v", tt.listen, to, err, want)
			}
			if !want && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s, Dial(%v): got %v, want ECONNREFUSED", tt.listen, to, err)
			}
		}
	}
}

// A dialled endpoint without a host is this machine.
func TestTCPDialNoHost(t *testing.T) {
	for _, listen := range []string{"tcp://:0", "tcp4://:0", "tcp://127.0.0.1:0"} {
		_, e := mustListen(t, listen)
		mustDial(t, endpoint.Endpoint{Scheme: "tcp", Port: portOf(e)})
	}
	if _, err := Dial(t.Context(), endpoint.Endpoint{Scheme: "tcp4", Host: "::1", Port: "1"}); err == nil {
		t.Error("Dial(tcp4://[::1]:1): no error")
	}
}

// Everything that listens on one address can be named by one address: that of
// the listener, whose endpoint listens and dials the same.
func TestTCPRealAddress(t *testing.T) {
	ln, e := mustListen(t, "tcp://:0")
	mustDial(t, e)
	ln.Close()
	again, err := Listen(t.Context(), e)
	if err != nil {
		t.Fatalf("Listen(%v) again: %v", e, err)
	}
	defer again.Close()
	if got, want := again.Addr().String(), ln.Addr().String(); got != want {
		t.Errorf("address: got %s, want %s", got, want)
	}
}

func TestTCPErrorTexts(t *testing.T) {
	port := closedPort(t)
	_, held := mustListen(t, "tcp://127.0.0.1:0")
	tests := []struct {
		op, in string
		want   string
		is     error
	}{
		{"dial", "tcp://127.0.0.1:" + port, "connect: connection refused", syscall.ECONNREFUSED},
		{"dial", "tcp://:" + port, "[::1]:" + port + ": connection refused; 127.0.0.1:" + port + ": connection refused", syscall.ECONNREFUSED},
		{"dial", "tcp4://:" + port, "127.0.0.1:" + port + ": connection refused", syscall.ECONNREFUSED},
		{"listen", held.String(), "bind: address already in use", syscall.EADDRINUSE},
		{"listen", "tcp://192.0.2.77:0", "bind: cannot assign requested address", syscall.EADDRNOTAVAIL},
		{"listen", "udp://127.0.0.1:0", "datagrams, where a stream is wanted", errDatagrams},
	}
	for _, tt := range tests {
		if strings.Contains(tt.want, "::1") && !nettest.SupportsIPv6() {
			continue
		}
		e := endpoint.MustParse(tt.in)
		var err error
		if tt.op == "dial" {
			_, err = Dial(t.Context(), e)
		} else {
			_, err = Listen(t.Context(), e)
		}
		if want := tt.op + " " + tt.in + ": " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s %s:\ngot  %v\nwant %s", tt.op, tt.in, err, want)
		}
		if !errors.Is(err, tt.is) {
			t.Errorf("%s %s: %v does not match %v", tt.op, tt.in, err, tt.is)
		}
	}
}

func TestListenPacketStream(t *testing.T) {
	_, err := ListenPacket(t.Context(), endpoint.MustParse("tcp://127.0.0.1:0"))
	if !errors.Is(err, errStreams) {
		t.Errorf("ListenPacket of tcp: got %v, want %v", err, errStreams)
	}
}

func TestOpen(t *testing.T) {
	ln, pc, err := Open(t.Context(), endpoint.MustParse("tcp://127.0.0.1:0"))
	if err != nil || ln == nil || pc != nil {
		t.Fatalf("Open of tcp: got %v, %v, %v; want a listener alone", ln, pc, err)
	}
	ln.Close()
	ln, pc, err = Open(t.Context(), endpoint.MustParse("udp://127.0.0.1:0"))
	if err != nil || ln != nil || pc == nil {
		t.Fatalf("Open of udp: got %v, %v, %v; want a packet connection alone", ln, pc, err)
	}
	pc.Close()
}

// The option connect= ends a dial that nothing answers: the listener's queue is
// full and the system drops what comes.
func TestConnectTimeout(t *testing.T) {
	ln, e := mustListen(t, "tcp://127.0.0.1:0?backlog=1")
	_ = ln // never accepts
	e = e.With("connect", "50ms")
	var err error
	for range 20 { // how many fit is the system's
		var c net.Conn
		if c, err = Dial(t.Context(), e); err != nil {
			break
		}
		defer c.Close()
	}
	if err == nil {
		t.Skip("the system queues more connections than backlog=1")
	}
	if want := fmt.Sprintf("dial %v: gave up after connect=50ms: i/o timeout", e.Bare()); err.Error() != want {
		t.Errorf("Dial:\ngot  %v\nwant %s", err, want)
	}
	var op *OpError
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &op) || !op.Timeout() {
		t.Errorf("%v is no timeout", err)
	}
}

func TestDialCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Dial(ctx, endpoint.MustParse("tcp://:1?connect=5s"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Dial with a cancelled context: got %v, want %v", err, context.Canceled)
	}
}

// A server that closed its connections first can listen again at once.
func TestTCPRestart(t *testing.T) {
	ln, e := mustListen(t, "tcp://127.0.0.1:0")
	c := mustDial(t, e)
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	c.Close()
	ln.Close()
	if _, err := Listen(t.Context(), e); err != nil {
		t.Errorf("Listen(%v) after a restart: %v", e, err)
	} else if ln, err := Listen(t.Context(), e); err == nil {
		ln.Close()
		t.Errorf("Listen(%v) twice at once: no error", e)
	}
}

func TestTCPSource(t *testing.T) {
	_, e := mustListen(t, "tcp://:0")
	to := endpoint.Endpoint{Scheme: "tcp", Host: "127.0.0.1", Port: portOf(e)}
	c := mustDial(t, to.With("source", "127.0.0.9"))
	if got := c.LocalAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.9" {
		t.Errorf("local address: got %s, want 127.0.0.9", got)
	}
	// With a name, the source decides about the family.
	to.Host = ""
	c = mustDial(t, to.With("source", "127.0.0.9"))
	if got := c.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.1" {
		t.Errorf("remote address: got %s, want 127.0.0.1", got)
	}
	port := closedPort(t)
	c = mustDial(t, to.With("source", ":"+port))
	if _, got, _ := net.SplitHostPort(c.LocalAddr().String()); got != port {
		t.Errorf("local port: got %s, want %s", got, port)
	}
}

func TestTCPHalfClose(t *testing.T) {
	ln, e := mustListen(t, "tcp://127.0.0.1:0")
	c1, c2, stop, err := pair(ln, e)()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := c1.(HalfCloser).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := c2.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read after the peer's CloseWrite: got %v, want EOF", err)
	}
	if _, err := c2.Write([]byte("late")); err != nil {
		t.Error(err)
	}
	c2.Close()
	if got, err := io.ReadAll(c1); string(got) != "late" || err != nil {
		t.Errorf("ReadAll: got %q, %v; want late", got, err)
	}
}

// An address in a zone reaches a listener in it.
func TestIPv6Zone(t *testing.T) {
	zone, ok := linkLocal()
	if !ok {
		t.Skip("no interface has a link-local IPv6 address")
	}
	for _, scheme := range []string{"tcp", "udp"} {
		e := endpoint.Endpoint{Scheme: scheme, Host: zone, Port: "0"}
		ln, pc, err := Open(t.Context(), e)
		if err != nil {
			t.Fatalf("Open(%v): %v", e, err)
		}
		if ln != nil {
			t.Cleanup(func() { ln.Close() })
			e = e.WithAddr(ln.Addr())
		} else {
			t.Cleanup(func() { pc.Close() })
			e = e.WithAddr(pc.LocalAddr())
		}
		if e.Host != zone {
			t.Errorf("%s address: got %s, want %s", scheme, e.Host, zone)
		}
		mustDial(t, e.With("connect", "5s"))
	}
}

// linkLocal is a link-local address of this machine with its zone.
func linkLocal() (string, bool) {
	all, _ := net.Interfaces()
	for _, ifi := range all {
		addrs, _ := ifi.Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() && ifi.Flags&net.FlagUp != 0 {
				return n.IP.String() + "%" + ifi.Name, true
			}
		}
	}
	return "", false
}

func TestInterfaceMissing(t *testing.T) {
	e := endpoint.MustParse("tcp://127.0.0.1:0?iface=nosuch0")
	_, err := Listen(t.Context(), e)
	var bad *OptionError
	if !errors.As(err, &bad) || bad.Name != "iface" {
		t.Errorf("Listen(%v): got %v, want an *OptionError for iface", e, err)
	}
}

// answerOne accepts one connection, sends back its first read and waits for its
// end. It is a goroutine of a test that receives from done.
func answerOne(accept func() (net.Conn, error), done chan<- error) {
	c, err := accept()
	if err != nil {
		done <- err
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	b := make([]byte, 100)
	n, err := c.Read(b)
	if err == nil {
		_, err = c.Write(b[:n])
	}
	if err == nil {
		if _, err = c.Read(b); err == io.EOF {
			err = nil
		}
	}
	done <- err
}

func TestFamiliesOf(t *testing.T) {
	tests := []struct {
		in   string
		want families
	}{
		{"tcp://a.test:7", families{v4: true, v6: true}},
		{"tcp4://a.test:7", families{v4: true}},
		{"udp6://a.test:7", families{v6: true}},
		{"tls://a.test:7?source=127.0.0.1", families{v4: true}},
		{"tcp://a.test:7?source=[::1]:5", families{v6: true}},
		{"tcp://a.test:7?source=:5", families{v4: true, v6: true}},
	}
	for _, tt := range tests {
		if got := familiesOf(endpoint.MustParse(tt.in)); got != tt.want {
			t.Errorf("familiesOf(%s): got %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func TestPreferIPv4(t *testing.T) {
	six, four := endpoint.MustParse("tcp://[::1]:7"), endpoint.MustParse("tcp://127.0.0.1:7")
	if got := preferIPv4([]endpoint.Endpoint{six, four}); got != four {
		t.Errorf("preferIPv4(%v, %v): got %v", six, four, got)
	}
	if got := preferIPv4([]endpoint.Endpoint{six}); got != six {
		t.Errorf("preferIPv4(%v): got %v", six, got)
	}
}
