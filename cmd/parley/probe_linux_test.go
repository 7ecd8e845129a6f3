package main

import (
	"encoding/json"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// Watching goes on until a signal, and marks what has changed.
func TestProbeWatch(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := startParley(t, nil, nil, "probe", "--watch", "50ms", "--banner", "0", "tcp://"+ln.Addr().String())
	p.stdout.await(t, `(?m)^[0-9:]{8}   tcp://[0-9.:]+  open .*\n[0-9:]{8}   tcp://[0-9.:]+  open `)
	ln.Close()
	p.stdout.await(t, `(?m)^[0-9:]{8} \* tcp://[0-9.:]+  refused .* was open, ECONNREFUSED`)
	p.stdout.await(t, `(?m)^[0-9:]{8}   tcp://[0-9.:]+  refused .*  ECONNREFUSED`)
	p.signal(syscall.SIGINT)
	p.expect(130)
}

// Objects are whole lines, also when a signal ends it.
func TestProbeWatchJSON(t *testing.T) {
	p := startParley(t, nil, nil, "probe", "--json", "--watch", "20ms", "tcp://127.0.0.1:1")
	p.stdout.await(t, `"round":2`)
	p.signal(syscall.SIGTERM)
	p.expect(143)
	for line := range strings.Lines(p.stdout.String()) {
		var result struct{ State string }
		if err := json.Unmarshal([]byte(line), &result); err != nil || result.State != "refused" {
			t.Errorf("line %q: %v", line, err)
		}
	}
}

// When nobody reads what is found, the probing ends.
func TestProbeForNobody(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	p := startParley(t, nil, w, "probe", "--watch", "1h", "tcp://127.0.0.1:1")
	w.Close()
	p.expect(statusPipe)
}

// What is known when a signal ends it is told, and how much of all that is.
func TestProbeInterrupted(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := startParley(t, nil, nil, "probe", "--rate", "1/h", "--banner", "0", "tcp://"+ln.Addr().String(), "tcp://127.0.0.1:1-40")
	p.stdout.await(t, `open`)
	p.signal(syscall.SIGINT)
	p.expect(130)
	if got, want := p.stderr.String(), "parley: note: stopped after 1 of 41 targets\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}

// On a terminal a line shows how far many targets are, and results are above it.
func TestProbeOnTerminal(t *testing.T) {
	o := startOnTerminal(t, "probe", "--rate", "100", "tcp://127.0.0.1:1-40,1000-1020")
	o.stdout.await(t, `[0-9]+ of 61 targets, [0-9]+ up\r`)
	o.stdout.await(t, `\r\x1b\[Jtcp://127.0.0.1 +refused +[0-9]+ ports, `)
	o.expect(1)
}
