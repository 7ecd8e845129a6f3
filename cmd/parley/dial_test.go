package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Rule 1: the end of input is passed on, and what comes late is still received.
func TestDialLateReply(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {
		b, _ := io.ReadAll(c) // returns at the half-close only
		time.Sleep(time.Second)
		fmt.Fprintf(c, "late %s", b)
	})
	p := startParley(t, nil, nil, "dial", at)
	p.feed("question")
	p.expect(0)
	if got, want := p.stdout.String(), "late question"; got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
	if got := p.stderr.String(); got != "" {
		t.Errorf("stderr %q, want nothing", got)
	}
}

// Rule 2, stdin is a pipe: sending goes on after the peer's half-close.
func TestDialSendsAfterPeerEnd(t *testing.T) {
	got := make(chan string, 1)
	ended := make(chan struct{})
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "all I have")
		c.CloseWrite()
		close(ended)
		b, _ := io.ReadAll(c)
		got <- string(b)
	})
	p := startParley(t, nil, nil, "dial", "--stats", at)
	<-ended
	p.stdout.await(t, "all I have")
	time.Sleep(200 * time.Millisecond) // until dial has seen the end, of which it says nothing
	p.feed("and this is for you")
	p.expect(0)
	if g, want := <-got, "and this is for you"; g != want {
		t.Errorf("the peer received %q, want %q", g, want)
	}
	if g, want := p.stderr.String(), "the peer ended first"; !strings.Contains(g, want) {
		t.Errorf("stderr %q, want %q in it", g, want)
	}
}

// --peer-eof exit ends with the peer though stdin is open.
func TestDialPeerEOFExit(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "bye")
		c.CloseWrite()
		io.ReadAll(c)
	})
	p := startParley(t, nil, nil, "dial", "--peer-eof", "exit", at)
	p.expect(0)
	if got := p.stdout.String(); got != "bye" {
		t.Errorf("stdout %q, want bye", got)
	}
}

// Rule 5: a reset is one line with the counts of both directions.
func TestDialReset(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 5))
		io.WriteString(c, "abc")
		c.SetLinger(0)
	})
	p := startParley(t, nil, nil, "dial", at)
	io.WriteString(p.stdin, "hello")
	p.expect(1)
	want := "parley: error: dial " + at + ": reset by peer after 5 bytes sent, 3 received\n"
	if got := p.stderr.String(); got != want && !strings.HasPrefix(got, want+"parley: hint: ") {
		t.Errorf("stderr %q, want %q", got, want)
	}
	if got := p.errors(); len(got) != 1 {
		t.Errorf("error lines %q, want one", got)
	}
	if got := p.stdout.String(); got != "abc" {
		t.Errorf("stdout %q, want abc", got)
	}
}

// Rule 5: input that the peer did not take is a failure that says how much.
func TestDialUnsent(t *testing.T) {
	at := server(t, func(c *net.TCPConn) { c.CloseWrite() }) // and closes at once
	p := startParley(t, nil, nil, "dial", "--stats", at)
	go writeUntilRefused(p.stdin) // ends with the process
	p.expect(1)
	got := p.errors()
	if len(got) != 1 || !strings.Contains(got[0], "by peer after ") || !strings.Contains(got[0], "of our input not sent") {
		t.Errorf("error lines %q, want one of a peer that closed, with input not sent", got)
	}
}

func writeUntilRefused(w io.Writer) {
	b := make([]byte, 32<<10)
	for {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// Rule 5: the last bytes, which the system took and the peer answered with a
// reset, are known to be lost.
func TestDialLastBytesLost(t *testing.T) {
	if _, err := os.Stat("/proc/net"); err != nil {
		t.Skip("only Linux tells what became of the last bytes")
	}
	at := server(t, func(c *net.TCPConn) {}) // closes both directions
	p := startParley(t, nil, nil, "dial", "--stats", "-v", at)
	time.Sleep(200 * time.Millisecond) // until dial has seen the end, of which it says nothing
	p.feed("too late")
	p.expect(1)
	if got := p.errors(); len(got) != 1 || !strings.Contains(got[0], "closed by peer after 8 bytes sent, 0 received") {
		t.Errorf("error lines %q, want one: closed by peer after 8 bytes sent, 0 received", got)
	}
}

// Rule 6: a stdout that nobody reads ends it at once, though nothing is written.
func TestDialStdoutClosed(t *testing.T) {
	accepted, seen := make(chan struct{}), make(chan error, 1)
	at := server(t, func(c *net.TCPConn) {
		close(accepted)
		_, err := io.ReadAll(c)
		seen <- err
	})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := startParley(t, nil, w, "dial", at)
	w.Close()
	<-accepted // or dial may find that nobody reads before it connects
	r.Close()
	p.expect(141)
	if err := <-seen; err != nil {
		t.Errorf("the peer read: %v, want an end in order", err)
	}
	if got := p.stderr.String(); got != "" {
		t.Errorf("stderr %q, want nothing", got)
	}
}

// Rule 6, as a pipe to head has it: while the peer sends.
func TestDialStdoutClosedWhileReceiving(t *testing.T) {
	at := server(t, func(c *net.TCPConn) { writeUntilRefused(c) })
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := startParley(t, nil, w, "dial", at)
	w.Close()
	io.ReadFull(r, make([]byte, 1))
	r.Close()
	p.expect(141)
}

// A stdout that cannot be written is a failure of ours, whatever the verb.
func TestStdoutFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no full device: %v", err)
	}
	defer full.Close()
	s := startParley(t, nil, nil, "serve", "-q", "time@tcp://127.0.0.1:0")
	at := s.stdout.await(t, `(?m)^listening time@(\S+)$`)
	for _, args := range [][]string{
		{"dial", at},
		{"lookup", at},
		{"man"},
		{"probe", at},
		{"probe", "--json", at},
		{"serve", "-q", "echo@tcp://127.0.0.1:0"},
		{"time", "-q", "time@" + at},
		{"time", "--json", "time@" + at},
		{"time", "compare", "time@" + at},
		{"bench", "--connect", "--time", "10ms", at},
	} {
		p := startParley(t, nil, full, args...)
		p.expect(2)
		if got, want := p.stderr.String(), "parley: error: write standard output: no space left on device\n"; got != want {
			t.Errorf("%q: stderr %q, want %q", args, got, want)
		}
	}
	s.signal(syscall.SIGTERM)
	s.expect(statusOK)
}

// Rule 6: a signal closes in order; what was read of stdin is sent.
func TestDialSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		got := make(chan string, 1)
		at := server(t, func(c *net.TCPConn) {
			io.WriteString(c, "hello\n")
			b, err := io.ReadAll(c)
			got <- fmt.Sprintf("%s %v", b, err)
		})
		p := startParley(t, nil, nil, "dial", "--hex", at)
		p.stdout.await(t, "hello\n")
		io.WriteString(p.stdin, "input")
		p.stderr.await(t, "> 5 bytes") // of --hex
		p.signal(sig)
		p.expect(128 + int(sig))
		if g := <-got; g != "input <nil>" {
			t.Errorf("after %v the peer got %q, want the input and an end in order", sig, g)
		}
	}
}

// Rule 4: the reply to a datagram that comes after the end of input arrives.
func TestDialDatagramLateReply(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	pc.SetDeadline(time.Now().Add(testPatience))
	p := startParley(t, nil, nil, "dial", "--stats", "-v", "udp://"+pc.LocalAddr().String())
	p.feed("ping")
	b := make([]byte, 100)
	n, from, err := pc.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	pc.WriteTo(append([]byte("re: "), b[:n]...), from)
	p.expect(0)
	if got, want := p.stdout.String(), "re: ping"; got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
	for _, want := range []string{"waiting for replies until 1s after the last", "1 datagram (4 bytes) sent, 1 (8 bytes) received"} {
		if got := p.stderr.String(); !strings.Contains(got, want) {
			t.Errorf("stderr %q, want %q in it", got, want)
		}
	}
}

// Rule 5: an input that ends within a message is a failure that says how much of
// it was not sent, after the replies to what was.
func TestDialUnfinishedFrame(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	at := "udp://" + pc.LocalAddr().String()
	p := startParley(t, nil, nil, "dial", "--frame", "fixed:2", "--linger", "500ms", at)
	p.feed("abc")
	b := make([]byte, 100)
	pc.SetDeadline(time.Now().Add(testPatience))
	n, from, err := pc.ReadFrom(b)
	if err != nil || string(b[:n]) != "ab" {
		t.Fatalf("received %q, %v, want ab", b[:n], err)
	}
	pc.WriteTo([]byte("AB"), from)
	p.expect(1)
	want := "parley: error: dial " + at + ": our input ended within a message of --frame fixed:2 after 1 datagram (2 bytes) sent, 1 (2 bytes) received; 1 byte of our input not sent"
	if got := p.errors(); len(got) != 1 || got[0] != want {
		t.Errorf("error lines %q, want %q", got, want)
	}
	if got := p.stdout.String(); got != "AB" {
		t.Errorf("stdout %q, want AB", got)
	}
}

// Rule 5: an ICMP refusal of a datagram is a failure.
func TestDialDatagramRefused(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "udp://" + pc.LocalAddr().String()
	pc.Close()
	p := startParley(t, nil, nil, "dial", at)
	p.feed("ping")
	p.expect(1)
	want := "parley: error: dial " + at + ": connection refused after 1 datagram (4 bytes) sent, 0 (0 bytes) received"
	if got := p.errors(); len(got) != 1 || got[0] != want {
		t.Errorf("error lines %q, want %q", got, want)
	}
}

// Rule 8: how input is cut into datagrams.
func TestDialDatagramCuts(t *testing.T) {
	tests := []struct {
		args  []string
		input string
		sizes []int
	}{
		{nil, "hello\nworld\n", []int{12}},
		{nil, strings.Repeat("x", 3000), []int{1400, 1400, 200}},
		{[]string{"--frame", "line"}, "hello\nworld!\n", []int{5, 6}},
		{[]string{"--frame", "fixed:4"}, "12345678", []int{4, 4}},
	}
	for _, tt := range tests {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		pc.SetDeadline(time.Now().Add(testPatience))
		file := filepath.Join(t.TempDir(), "in")
		os.WriteFile(file, []byte(tt.input), 0o666)
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		p := startParley(t, in, nil, append([]string{"dial", "--linger", "0", "udp://" + pc.LocalAddr().String()}, tt.args...)...)
		p.expect(0)
		b := make([]byte, 70000)
		for i, want := range tt.sizes {
			if n, _, err := pc.ReadFrom(b); n != want || err != nil {
				t.Errorf("%v: datagram %d has %d bytes, %v, want %d", tt.args, i, n, err, want)
			}
		}
		in.Close()
		pc.Close()
	}
}

// Rule 3: idle and total are failures, idle with --idle-ok is not.
func TestDialTimers(t *testing.T) {
	tests := []struct {
		args   []string
		status int
		text   string
	}{
		{[]string{"--idle", "100ms"}, 1, "nothing sent or received for 100ms after 0 bytes sent, 2 received"},
		{[]string{"--idle", "100ms", "--idle-ok"}, 0, ""},
		{[]string{"--total", "100ms"}, 1, "ended by --total 100ms after 0 bytes sent, 2 received"},
	}
	for _, tt := range tests {
		at := server(t, func(c *net.TCPConn) {
			io.WriteString(c, "hi")
			io.ReadAll(c)
		})
		p := startParley(t, nil, nil, append([]string{"dial", at}, tt.args...)...)
		p.expect(tt.status)
		if got := strings.Join(p.errors(), "\n"); !strings.Contains(got, tt.text) || tt.text == "" && got != "" {
			t.Errorf("%v: error lines %q, want %q", tt.args, got, tt.text)
		}
	}
}

// --eof: what our end of input does.
func TestDialEOF(t *testing.T) {
	t.Run("close", func(t *testing.T) {
		got := make(chan string, 1)
		release := make(chan struct{})
		at := server(t, func(c *net.TCPConn) {
			b, err := io.ReadAll(c)
			got <- fmt.Sprintf("%s %v", b, err)
			<-release // does not end its side by itself
		})
		defer close(release)
		p := startParley(t, nil, nil, "dial", "--eof", "close", at)
		p.feed("all")
		p.expect(0)
		if g := <-got; g != "all <nil>" {
			t.Errorf("the peer got %q, want the input and an end in order", g)
		}
	})
	t.Run("ignore", func(t *testing.T) {
		at := server(t, func(c *net.TCPConn) {
			c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			_, err := io.ReadAll(c)
			fmt.Fprintf(c, "%v", err)
		})
		p := startParley(t, nil, nil, "dial", "--eof", "ignore", at)
		p.feed("all")
		p.expect(0)
		if g := p.stdout.String(); !strings.Contains(g, "i/o timeout") {
			t.Errorf("the peer's read ended with %q, want a timeout: no half-close", g)
		}
	})
}

// --linger bounds the wait on a stream, and only when it is given.
func TestDialLingerOnStream(t *testing.T) {
	release := make(chan struct{})
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "part")
		io.Copy(io.Discard, c)
		<-release
	})
	defer close(release)
	p := startParley(t, nil, nil, "dial", "--linger", "100ms", at)
	p.feed("x")
	p.expect(0)
	if got := p.stdout.String(); got != "part" {
		t.Errorf("stdout %q, want part", got)
	}
}

// Rule 9: --crlf keeps its state over reads, and converts our direction alone.
func TestDialCRLF(t *testing.T) {
	got := make(chan string, 1)
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "x\ny\r\n")
		b, _ := io.ReadAll(c)
		got <- string(b)
	})
	p := startParley(t, nil, nil, "dial", "--crlf", "--hex", at)
	io.WriteString(p.stdin, "a\nb\r")
	p.stderr.await(t, "> 5 bytes")
	p.feed("\nc")
	p.expect(0)
	if g, want := <-got, "a\r\nb\r\nc"; g != want {
		t.Errorf("the peer received %q, want %q", g, want)
	}
	if g, want := p.stdout.String(), "x\ny\r\n"; g != want {
		t.Errorf("stdout %q, want %q", g, want)
	}
}

// 3 MB each way at once arrive whole.
func TestDialBothWays(t *testing.T) {
	sent, received := randomBytes(3<<20), randomBytes(3<<20)
	got := make(chan []byte, 1)
	at := server(t, func(c *net.TCPConn) {
		done := make(chan struct{})
		go func() { // ends when all is written
			defer close(done)
			c.Write(received)
			c.CloseWrite()
		}()
		b, _ := io.ReadAll(c)
		got <- b
		<-done
	})
	p := startParley(t, nil, nil, "dial", at)
	p.feed(string(sent))
	p.expect(0)
	if g := <-got; !bytes.Equal(g, sent) {
		t.Errorf("the peer received %d bytes, want the %d sent", len(g), len(sent))
	}
	if p.stdout.String() != string(received) {
		t.Errorf("received %d bytes, want the %d of the peer", len(p.stdout.String()), len(received))
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// --reconnect goes on with the same input, and ends when it has ended.
func TestDialReconnect(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "tcp://" + ln.Addr().String()
	ln.Close() // refused at first
	p := startParley(t, nil, nil, "dial", "--reconnect", at)
	p.stderr.await(t, "connection refused; attempt 2 in ")
	ln, err = net.Listen("tcp", strings.TrimPrefix(at, "tcp://"))
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer ln.Close()
	ln.(*net.TCPListener).SetDeadline(time.Now().Add(testPatience))
	for i, end := range []func(*net.TCPConn){
		func(c *net.TCPConn) { c.Close() },
		func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
	} {
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(p.stdin, "line %d\n", i)
		b := make([]byte, 7)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != fmt.Sprintf("line %d\n", i) {
			t.Errorf("connection %d got %q, %v", i, b, err)
		}
		end(c.(*net.TCPConn))
		p.stderr.await(t, []string{"peer closed; attempt", "reset by peer after 7 bytes sent, 0 received; attempt"}[i])
	}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.feed("last")
	b, err := io.ReadAll(c)
	if string(b) != "last" || err != nil {
		t.Errorf("the last connection got %q, %v, want last", b, err)
	}
	c.Close()
	p.expect(0)
}
