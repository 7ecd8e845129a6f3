package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// 3 MB into a listener whose stdin is /dev/null arrive whole, from any client
// that does not give up at a half-close.
func TestListenReceivesAll(t *testing.T) {
	data := randomBytes(3 << 20)
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args func(host, port string) []string
	}{
		{"parley", func(h, p string) []string { return []string{"parley", "dial", h + ":" + p} }},
		{"nc", func(h, p string) []string { return []string{"nc", "-N", h, p} }},
		{"socat", func(h, p string) []string { return []string{"socat", "-u", "-", "TCP:" + h + ":" + p} }},
		{"ncat", func(h, p string) []string { return []string{"ncat", "--send-only", h, p} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.name); err != nil {
				t.Skipf("%s is not installed", tt.name)
			}
			p := startParley(t, devNull(t), nil, "listen", "tcp://127.0.0.1:0")
			host, port, _ := net.SplitHostPort(strings.TrimPrefix(p.listening(), "tcp://"))
			in, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			args := tt.args(host, port)
			client := exec.Command(args[0], args[1:]...)
			client.Stdin = in
			if out, err := client.CombinedOutput(); err != nil {
				t.Errorf("%v: %v, %s", args, err, out)
			}
			p.expect(0)
			if got := []byte(p.stdout.String()); !bytes.Equal(got, data) {
				t.Errorf("received %d bytes, want the %d sent", len(got), len(data))
			}
		})
	}
}

// A conversation both ways with each of the usual clients. The client's reply
// to our half-close, and ours to its, arrive.
func TestListenCounterparts(t *testing.T) {
	tests := []struct {
		name string
		args func(host, port string) []string
	}{
		{"nc", func(h, p string) []string { return []string{"nc", "-N", h, p} }},
		{"ncat", func(h, p string) []string { return []string{"ncat", h, p} }},
		{"socat", func(h, p string) []string { return []string{"socat", "-t5", "-", "TCP:" + h + ":" + p} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.name); err != nil {
				t.Skipf("%s is not installed", tt.name)
			}
			p := startParley(t, nil, nil, "listen", "tcp://127.0.0.1:0")
			host, port, _ := net.SplitHostPort(strings.TrimPrefix(p.listening(), "tcp://"))
			args := tt.args(host, port)
			client := exec.Command(args[0], args[1:]...)
			client.Stdin = strings.NewReader("from the client")
			var out bytes.Buffer
			client.Stdout = &out
			if err := client.Start(); err != nil {
				t.Fatal(err)
			}
			p.stdout.await(t, "from the client")
			p.feed("late answer")
			p.expect(0)
			if err := client.Wait(); err != nil || out.String() != "late answer" {
				t.Errorf("%v got %q, %v, want the late answer", args, out.String(), err)
			}
		})
	}
}

// dial against the usual servers.
func TestDialCounterparts(t *testing.T) {
	tests := []struct {
		name string
		args func(path string) []string
	}{
		{"nc", func(path string) []string { return []string{"nc", "-l", "-N", "-U", path} }},
		{"ncat", func(path string) []string { return []string{"ncat", "-l", "-U", path} }},
		{"socat", func(path string) []string { return []string{"socat", "-t5", "-", "UNIX-LISTEN:" + path} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.name); err != nil {
				t.Skipf("%s is not installed", tt.name)
			}
			path := filepath.Join(t.TempDir(), "s")
			args := tt.args(path)
			server := exec.Command(args[0], args[1:]...)
			server.Stdin = strings.NewReader("from the server")
			var out bytes.Buffer
			server.Stdout = &out
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			awaitUnixListener(t, path)
			p := startParley(t, nil, nil, "dial", "unix:"+path)
			p.feed("from us")
			p.expect(0)
			if got := p.stdout.String(); got != "from the server" {
				t.Errorf("received %q, want from the server", got)
			}
			if err := server.Wait(); err != nil || out.String() != "from us" {
				t.Errorf("%v got %q, %v, want from us", args, out.String(), err)
			}
		})
	}
}

// awaitUnixListener waits until a program of another make listens at path, which
// it gives no other sign of.
func awaitUnixListener(t *testing.T, path string) {
	t.Helper()
	const listens = " 00010000 " // the flag __SO_ACCEPTCON of /proc/net/unix
	for end := time.Now().Add(testPatience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		table, err := os.ReadFile("/proc/net/unix")
		if err != nil {
			t.Skipf("no way to tell when the server listens: %v", err)
		}
		for line := range strings.Lines(string(table)) {
			if strings.HasSuffix(line, " "+path+"\n") && strings.Contains(line, listens) {
				return
			}
		}
	}
	t.Fatalf("nobody listens at %s", path)
}

// Without --keep a second peer is refused from the beginning of the conversation.
func TestListenOne(t *testing.T) {
	p := startParley(t, nil, nil, "listen", "tcp://127.0.0.1:0")
	at := p.listening()
	c := dialTCP(t, at)
	io.WriteString(c, "first")
	p.stdout.await(t, "first")
	if second, err := net.Dial("tcp", strings.TrimPrefix(at, "tcp://")); err == nil {
		second.Close()
		t.Error("a second peer was taken, want it refused")
	}
	c.CloseWrite()
	p.feed("answer")
	if b, err := io.ReadAll(c); string(b) != "answer" || err != nil {
		t.Errorf("the peer read %q, %v, want answer", b, err)
	}
	p.expect(0)
}

// With --keep the next peer is served, a failed one does not end it, and stdin
// at its end stays there.
func TestListenKeep(t *testing.T) {
	p := startParley(t, nil, nil, "listen", "--keep", "tcp://127.0.0.1:0")
	at := p.listening()
	c := dialTCP(t, at)
	io.WriteString(c, "one")
	p.stdout.await(t, "one")
	c.SetLinger(0)
	c.Close()
	p.stderr.await(t, "error: listen "+at+": 127.0.0.1:[0-9]+: reset by peer after 0 bytes sent, 3 received")

	c = dialTCP(t, at)
	io.WriteString(c, " two")
	p.feed("for the second")
	c.CloseWrite()
	if b, err := io.ReadAll(c); string(b) != "for the second" || err != nil {
		t.Errorf("the second peer read %q, %v", b, err)
	}

	c = dialTCP(t, at)
	if b, err := io.ReadAll(c); len(b) != 0 || err != nil {
		t.Errorf("the third peer read %q, %v, want the end at once", b, err)
	}
	io.WriteString(c, " three")
	c.CloseWrite()
	p.stdout.await(t, "^one two three$")
	p.signal(syscall.SIGTERM)
	p.expect(128 + int(syscall.SIGTERM))
}

// A TLS peer that says nothing, and one that speaks no TLS, do not keep the next
// one from its conversation.
func TestListenSilentTLSPeer(t *testing.T) {
	p := startParley(t, nil, nil, "listen", "-v", "tls://127.0.0.1:0")
	at := p.listening()
	address := strings.TrimPrefix(at, "tls://")
	dialTCP(t, "tcp://"+address) // silent
	bad := dialTCP(t, "tcp://"+address)
	io.WriteString(bad, "this is no ClientHello\n")
	p.stderr.await(t, `note: handshake with .*waiting for the next peer`)

	pin := p.stderr.await(t, `parley dial '(tls://\S+\?pin=sha256:[0-9a-f]+)'`)
	client := startParley(t, nil, nil, "dial", pin)
	client.feed("secret")
	p.stdout.await(t, "secret")
	p.feed("answer")
	p.expect(0)
	client.expect(0)
	if got := client.stdout.String(); got != "answer" {
		t.Errorf("the TLS peer received %q, want answer", got)
	}
	if got := p.stderr.String(); strings.Contains(got, "not done within") {
		t.Errorf("stderr %q: the conversation has waited for the silent peer", got)
	}
}

// A handshake that fails is said in one line, which names the peer once, and the
// next peer is taken.
func TestListenFailedHandshake(t *testing.T) {
	p := startParley(t, devNull(t), nil, "listen", "ws://127.0.0.1:0/chat")
	at := p.listening()
	startParley(t, devNull(t), nil, "dial", strings.TrimSuffix(at, "chat")+"nope").expect(1)
	p.stderr.await(t, `(?m)^parley: note: handshake with 127\.0\.0\.1:[0-9]+: the peer asked for "/nope", here is "/chat"; waiting for the next peer$`)
	startParley(t, devNull(t), nil, "dial", "--linger", "0", at).expect(0)
	p.expect(0)
}

// Data that is cut off, without TLS' own end, is no end in order.
func TestListenTLSCutOff(t *testing.T) {
	p := startParley(t, nil, nil, "listen", "tls://127.0.0.1:0")
	raw := dialTCP(t, "tcp://"+strings.TrimPrefix(p.listening(), "tls://"))
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	io.WriteString(c, "half a")
	p.stdout.await(t, "half a")
	raw.CloseWrite()
	p.expect(1)
	if got := p.errors(); len(got) != 1 || !strings.Contains(got[0], "after 0 bytes sent, 6 received") {
		t.Errorf("error lines %q, want one with the counts", got)
	}
}

// Datagrams: the first peer is the conversation; it ends after linger once stdin
// has ended, never before the first datagram; others are said.
func TestListenDatagrams(t *testing.T) {
	p := startParley(t, nil, nil, "listen", "--linger", "300ms", "udp://127.0.0.1:0")
	address := strings.TrimPrefix(p.listening(), "udp://")
	p.feed("answer")
	select {
	case <-p.done:
		t.Fatal("ended before the first datagram")
	case <-time.After(600 * time.Millisecond):
	}
	first, second := dialUDP(t, address), dialUDP(t, address)
	io.WriteString(first, "one")
	p.stdout.await(t, "one")
	io.WriteString(second, "other")
	io.WriteString(first, "two")
	b := make([]byte, 100)
	if n, err := first.Read(b); string(b[:n]) != "answer" || err != nil {
		t.Errorf("the first peer read %q, %v, want answer", b[:n], err)
	}
	p.expect(0)
	if got := p.stdout.String(); got != "onetwo" {
		t.Errorf("stdout %q, want onetwo", got)
	}
	want := fmt.Sprintf("note: 1 datagram from %v not taken", second.LocalAddr())
	if got := p.stderr.String(); !strings.Contains(got, want) {
		t.Errorf("stderr %q, want %q in it", got, want)
	}
}

// With --keep the other peer's datagrams are the next conversation.
func TestListenDatagramsKeep(t *testing.T) {
	p := startParley(t, devNull(t), nil, "listen", "--keep", "--frame", "line", "--linger", "100ms", "udp://127.0.0.1:0")
	address := strings.TrimPrefix(p.listening(), "udp://")
	first, second := dialUDP(t, address), dialUDP(t, address)
	io.WriteString(first, "one")
	p.stdout.await(t, "one\n")
	io.WriteString(second, "two")
	p.stdout.await(t, "one\ntwo\n")
	p.signal(syscall.SIGINT)
	p.expect(128 + int(syscall.SIGINT))
}

func dialUDP(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(testPatience))
	t.Cleanup(func() { c.Close() })
	return c
}

// An address that may not come does not end the listener.
func TestListenDeny(t *testing.T) {
	p := startParley(t, nil, nil, "listen", "tcp://127.0.0.1:0?deny=127.0.0.2&allow=127.0.0.0/8")
	at := p.listening()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c, err := d.Dial("tcp", strings.TrimPrefix(at, "tcp://"))
	if err != nil {
		t.Skipf("no second loopback address: %v", err)
	}
	defer c.Close()
	p.stderr.await(t, "note: 127.0.0.2:[0-9]+ is not an address that may come")
	good := dialTCP(t, at)
	io.WriteString(good, "hi")
	good.CloseWrite()
	p.feed("")
	p.expect(0)
	if got := p.stdout.String(); got != "hi" {
		t.Errorf("stdout %q, want hi", got)
	}
}

// A signal ends a listener that waits.
func TestListenSignalWhileWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	p := startParley(t, nil, nil, "listen", "unix:"+path)
	p.listening()
	p.signal(syscall.SIGTERM)
	p.expect(128 + int(syscall.SIGTERM))
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket file is still there: %v", err)
	}
}
