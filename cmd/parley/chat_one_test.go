package main

import (
	"bufio"
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

// hostOne starts parley chat --host --one and returns it, and where it listens.
func hostOne(t *testing.T, at string) (*process, string) {
	t.Helper()
	p := startParley(t, nil, nil, "chat", "--host", "--one", at)
	return p, p.listening()
}

// oneTransports are those that a conversation of two is tested over.
func oneTransports(t *testing.T) map[string]string {
	dir := t.TempDir()
	return map[string]string{
		"tcp": "tcp://127.0.0.1:0", "udp": "udp://127.0.0.1:0", "tls": "tls://127.0.0.1:0", "ws": "ws://127.0.0.1:0/chat",
		"unix": "unix:" + filepath.Join(dir, "s"), "unixpacket": "unixpacket:" + filepath.Join(dir, "p"),
	}
}

// Both read what the other types, at any time, and a q of either side ends both
// with 0.
func TestChatOne(t *testing.T) {
	for name, at := range oneTransports(t) {
		for _, quits := range []string{"host", "guest"} {
			t.Run(name+" "+quits, func(t *testing.T) {
				host, at := hostOne(t, at)
				if name == "tls" {
					at += "?insecure=1"
				}
				guest := startParley(t, nil, nil, "chat", "--one", at)
				io.WriteString(guest.stdin, "hello\nthere\n")
				host.stdout.await(t, "^hello\nthere\n$")
				io.WriteString(host.stdin, "gr\u00fc\u00df\n")
				guest.stdout.await(t, "^gr\u00fc\u00df\n$")
				io.WriteString(host.stdin, "two\nin a row\n")
				guest.stdout.await(t, "two\nin a row\n$")
				first, other := host, guest
				if quits == "guest" {
					first, other = guest, host
				}
				io.WriteString(first.stdin, "q\n")
				first.expect(0)
				other.expect(0)
				if got := other.stderr.String(); !strings.Contains(got, "parley: note: peer quit\n") {
					t.Errorf("stderr %q, want a note that the peer quit", got)
				}
			})
		}
	}
}

// Two files arrive whole, each on the other side, and both programs end with them.
func TestChatOnePipes(t *testing.T) {
	big := strings.Repeat("a line of some length\n", 100_000)
	host, at := hostOne(t, "tcp://127.0.0.1:0")
	guest := startParley(t, nil, nil, "chat", "--one", at)
	go func() { // ends with the pipe
		io.WriteString(guest.stdin, big)
		guest.stdin.Close()
	}()
	host.feed(big)
	host.expect(0)
	guest.expect(0)
	if host.stdout.String() != big || guest.stdout.String() != big {
		t.Errorf("received %d and %d bytes, want %d", len(host.stdout.String()), len(guest.stdout.String()), len(big))
	}
}

// A bare program sends UTF-8 without line ends, in pieces that cut characters, and
// gets lines.
func TestChatOneBareStream(t *testing.T) {
	host, at := hostOne(t, "tcp://127.0.0.1:0")
	c := dialTCP(t, at)
	io.WriteString(c, "hello \xc3")
	host.stdout.await(t, "^hello \n$")
	io.WriteString(c, "\xbc")
	host.stdout.await(t, "\n\u00fc\n$")
	io.WriteString(host.stdin, "answer\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "answer\n" || err != nil {
		t.Errorf("the bare peer got %q, %v", line, err)
	}
	io.WriteString(c, "\x1b]0;x\x07\xff\xfb\x01bad \x9b1m\r\n")
	host.stdout.await(t, "\n\u241b]0;x\u2407bad \ufffd1m\n$")
	io.WriteString(c, "Q")
	host.expect(0)
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		t.Errorf("the bare peer read %q, %v, want the end", b, err)
	}
}

// The q of parley is told to a bare program.
func TestChatOneTellsQuit(t *testing.T) {
	got := make(chan string, 1)
	at := server(t, func(c *net.TCPConn) {
		b, err := io.ReadAll(c)
		if err != nil {
			b = []byte(err.Error())
		}
		got <- string(b)
	})
	guest := startParley(t, nil, nil, "chat", "--one", at)
	io.WriteString(guest.stdin, "hi\nQ\nnot this\n")
	guest.expect(0)
	if g := <-got; g != "hi\nQ\n" {
		t.Errorf("the bare peer got %q, want hi and Q", g)
	}
}

// An end without a q is noted; a reset is a failure.
func TestChatOnePeerEnds(t *testing.T) {
	for _, reset := range []bool{false, true} {
		at := server(t, func(c *net.TCPConn) {
			io.WriteString(c, "bye")
			if reset {
				bufio.NewReader(c).ReadString('\n')
				c.SetLinger(0)
			}
		})
		guest := startParley(t, nil, nil, "chat", "--one", at)
		guest.stdout.await(t, "^bye\n$")
		if !reset {
			guest.expect(0)
			guest.stderr.await(t, "^parley: note: peer closed\n$")
			continue
		}
		io.WriteString(guest.stdin, "x\n")
		guest.expect(1)
		if got := guest.errors(); len(got) != 1 || !strings.Contains(got[0], "chat "+at+": reset by peer after 2 bytes sent, 3 received") {
			t.Errorf("error lines %q, want a reset", got)
		}
	}
}

// What the peer did not take is a failure.
func TestChatOneUnsent(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {})
	guest := startParley(t, nil, nil, "chat", "--one", at)
	io.WriteString(guest.stdin, "too late\n")
	time.Sleep(300 * time.Millisecond) // until the system knows of the reset
	io.WriteString(guest.stdin, "still\n")
	guest.expect(1)
}

// Exactly two: a third is told so, and the conversation goes on.
func TestChatOneBusy(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		t.Run(network, func(t *testing.T) {
			host, at := hostOne(t, network+"://127.0.0.1:0")
			guest := startParley(t, nil, nil, "chat", "--one", at)
			io.WriteString(guest.stdin, "first\n")
			host.stdout.await(t, "^first\n$")
			third, err := net.Dial(network, strings.TrimPrefix(at, network+"://"))
			if err != nil {
				t.Fatal(err)
			}
			defer third.Close()
			third.SetDeadline(time.Now().Add(testPatience))
			io.WriteString(third, "me too\n")
			b := make([]byte, 100)
			if n, err := third.Read(b); string(b[:n]) != "busy\n" || err != nil {
				t.Errorf("the third got %q, %v", b[:n], err)
			}
			if network == "udp" { // told once
				for range 3 {
					time.Sleep(50 * time.Millisecond) // until the host is done with the one before
					io.WriteString(third, "me too\n")
				}
				third.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
				if n, err := third.Read(b); !isTimeout(err) {
					t.Errorf("the third got %q, %v again", b[:n], err)
				}
			} else {
				fourth := startParley(t, nil, nil, "chat", "--one", at)
				fourth.expect(1)
				fourth.stderr.await(t, "the other side has a conversation with somebody else")
			}
			io.WriteString(guest.stdin, "second\nq\n")
			host.stdout.await(t, "^first\nsecond\n$")
			host.expect(0)
			guest.expect(0)
		})
	}
}

// A host of datagrams keeps what is typed until somebody comes; a bare program's q
// has no line end, and the end of it is told by a q.
func TestChatOneBareDatagrams(t *testing.T) {
	host, at := hostOne(t, "udp://127.0.0.1:0")
	io.WriteString(host.stdin, "early\n")
	host.stderr.await(t, "nobody is here yet")
	c, err := net.Dial("udp", strings.TrimPrefix(at, "udp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testPatience))
	io.WriteString(c, "hello")
	host.stdout.await(t, "^hello\n$")
	b := make([]byte, 100)
	if n, err := c.Read(b); string(b[:n]) != "early\n" || err != nil {
		t.Errorf("the bare peer got %q, %v", b[:n], err)
	}
	io.WriteString(c, "Q")
	host.expect(0)

	host, at = hostOne(t, "udp://127.0.0.1:0")
	if c, err = net.Dial("udp", strings.TrimPrefix(at, "udp://")); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testPatience))
	io.WriteString(c, "hello")
	host.stdout.await(t, "^hello\n$")
	host.feed("q")
	if n, err := c.Read(b); string(b[:n]) != "q\n" || err != nil {
		t.Errorf("the bare peer got %q, %v, want q", b[:n], err)
	}
	host.expect(0)
}

// A host that nobody came to ends with q, and by a signal.
func TestChatOneNobody(t *testing.T) {
	host, _ := hostOne(t, "tcp://127.0.0.1:0")
	io.WriteString(host.stdin, "q\n")
	host.expect(0)
	host, _ = hostOne(t, "tcp://127.0.0.1:0")
	host.signal(syscall.SIGINT)
	host.expect(130)
}

// A signal ends in order on both sides.
func TestChatOneSignal(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		host, at := hostOne(t, network+"://127.0.0.1:0")
		guest := startParley(t, nil, nil, "chat", "--one", at)
		io.WriteString(guest.stdin, "hi\n")
		host.stdout.await(t, "^hi\n$")
		guest.signal(syscall.SIGINT)
		guest.expect(130)
		host.expect(0)
	}
}

// Bare programs as people have them.
func TestChatOneForeign(t *testing.T) {
	const python = `
import socket, sys
kind, host, port, word = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
s.connect((host, int(port)))
s.sendall("grüß gott".encode())
print(s.recv(4096).decode().strip(), flush=True)
s.sendall(word.encode())
if word != "q":
    while s.recv(4096).decode().strip() not in ("q", "Q"):
        pass
`
	for _, tt := range []struct {
		network string
		program []string
		greets  bool // sends grüß gott by itself
	}{
		{"tcp", []string{"python3", "-c", python, "tcp", "HOST", "PORT", "q"}, true},
		{"tcp", []string{"python3", "-c", python, "tcp", "HOST", "PORT", "more"}, true},
		{"udp", []string{"python3", "-c", python, "udp", "HOST", "PORT", "q"}, true},
		{"udp", []string{"python3", "-c", python, "udp", "HOST", "PORT", "more"}, true},
		{"tcp", []string{"ncat", "HOST", "PORT"}, false},
		{"udp", []string{"ncat", "-u", "HOST", "PORT"}, false},
		{"tcp", []string{"nc", "HOST", "PORT"}, false},
		{"udp", []string{"nc", "-u", "HOST", "PORT"}, false},
	} {
		t.Run(tt.network+" "+tt.program[0]+" "+tt.program[len(tt.program)-1], func(t *testing.T) {
			if _, err := exec.LookPath(tt.program[0]); err != nil {
				t.Skipf("no %s here", tt.program[0])
			}
			host, at := hostOne(t, tt.network+"://127.0.0.1:0")
			address, port, _ := net.SplitHostPort(strings.TrimPrefix(at, tt.network+"://"))
			replace := strings.NewReplacer("HOST", address, "PORT", port)
			var args []string
			for _, arg := range tt.program[1:] {
				args = append(args, replace.Replace(arg))
			}
			bare := exec.Command(tt.program[0], args...)
			bare.Env = append(os.Environ(), "PYTHONUTF8=1")
			out := newRecord()
			bare.Stdout, bare.Stderr = out, out
			in, err := bare.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := bare.Start(); err != nil {
				t.Fatal(err)
			}
			defer bare.Wait()
			defer bare.Process.Kill()
			if !tt.greets {
				io.WriteString(in, "grüß gott\n")
			}
			host.stdout.await(t, "^grüß gott\n$")
			io.WriteString(host.stdin, "guten tag\n")
			out.await(t, "^guten tag\n")
			switch {
			case !tt.greets:
				io.WriteString(in, "q\n")
			case tt.program[len(tt.program)-1] == "more":
				host.stdout.await(t, "\nmore\n$")
				io.WriteString(host.stdin, "Q\n")
			}
			host.expect(0)
		})
	}
}

// Input that cannot be sent is said, with its line, and is not cut.
func TestChatOneLongLine(t *testing.T) {
	host, at := hostOne(t, "udp://127.0.0.1:0")
	guest := startParley(t, nil, nil, "chat", "--one", at)
	guest.feed("short\n" + strings.Repeat("x", 100_000) + "\nalso short\nq\n")
	guest.expect(1)
	guest.stderr.await(t, "warning: line 2 does not fit a datagram: not sent\nparley: error: 1 line not sent\n")
	host.expect(0)
	if got := host.stdout.String(); got != "short\nalso short\n" {
		t.Errorf("the host was shown %q", got)
	}
}
