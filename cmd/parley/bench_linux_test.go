package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// echoed answers everything, and closes begun at the first message.
func echoed(begun chan<- struct{}) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		b := make([]byte, 1)
		io.ReadFull(c, b)
		c.Write(b)
		close(begun)
		io.Copy(c, c)
	}
}

// The first signal ends the measuring, and what was measured is an object.
func TestBenchInterrupted(t *testing.T) {
	for sig, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		begun := make(chan struct{})
		at := server(t, echoed(begun))
		p := startParley(t, nil, nil, "bench", "--json", "--warmup", "0", "echo@"+at)
		<-begun
		p.signal(sig)
		p.expect(status)
		var report struct {
			Mode        string
			Interrupted bool
			Failure     string
		}
		if err := json.Unmarshal([]byte(p.stdout.String()), &report); err != nil {
			t.Fatalf("%v: %q: %v", sig, p.stdout.String(), err)
		}
		if report.Mode != "messages" || !report.Interrupted || report.Failure != "" {
			t.Errorf("%v: report %+v", sig, report)
		}
		if p.stderr.String() != "" {
			t.Errorf("%v: stderr %q", sig, p.stderr.String())
		}
	}
}

// The second signal does not wait for the answers that the first one does.
func TestBenchInterruptedTwice(t *testing.T) {
	asked := make(chan struct{})
	at := server(t, func(c *net.TCPConn) {
		io.CopyN(c, c, 64) // the message at the beginning
		c.Read(make([]byte, 64))
		close(asked)
		io.Copy(io.Discard, c)
	})
	o := startOnTerminal(t, "bench", "--hold", "1", "--timeout", "1m", "echo@"+at)
	o.stdout.await(t, `1 open`)
	o.press("\x03")
	<-asked
	o.press("\x03")
	o.expect(130)
	o.expectRestored()
	if shown := o.stdout.String(); strings.Contains(shown, "opened once and held") {
		t.Errorf("a report after the second signal: %q", shown)
	}
}

// Nobody reads the report: the measuring ends.
func TestBenchForNobody(t *testing.T) {
	begun := make(chan struct{})
	at := server(t, echoed(begun))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := startParley(t, nil, w, "bench", "--time", "1h", "echo@"+at)
	w.Close()
	<-begun
	r.Close()
	p.expect(statusPipe)
}

// On a terminal a line shows how it goes, and is wiped before the report.
func TestBenchOnTerminal(t *testing.T) {
	begun := make(chan struct{})
	at := server(t, echoed(begun))
	o := startOnTerminal(t, "bench", "--warmup", "0", "--time", "1h", "echo@"+at)
	o.stdout.await(t, `messages/s .*p99 .*\r`)
	o.press("\x03")
	o.stdout.await(t, `warning: interrupted`)
	o.expect(130)
	o.expectRestored()
	shown := o.stdout.String()
	if i := strings.LastIndex(shown, wipeLine); i < 0 || !strings.Contains(shown[i:], "closed loop, 1 session") {
		t.Errorf("the line was not wiped: %q", shown)
	}
	quiet := startOnTerminal(t, "bench", "-q", "echo@unix:nobody")
	quiet.expect(1)
	if shown := quiet.stdout.String(); strings.Contains(shown, "\x1b") {
		t.Errorf("with -q: %q", shown)
	}
}
