package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"parley/endpoint"
)

// refusingPipe is a datagram socket whose sends fail.
type refusingPipe struct {
	datagramPipe
	err error
}

func (p refusingPipe) Write([]byte) (int, error) { return 0, p.err }

// --stats always tells who ended first.
func TestStatsFirst(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fails error
		k     talk
		want  string
	}{
		{"closed by the peer", syscall.EPIPE, talk{eof: eofHalf}, "; the peer ended first\n"},
		{"failed here", syscall.ENETUNREACH, talk{eof: eofHalf}, "; a failed send ended first\n"},
		{"total", nil, talk{eof: eofIgnore, total: 1}, "; a timer ended first\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			silent, typed := io.Pipe()
			defer typed.Close()
			var conn net.Conn = datagramPipe{ours}
			var input io.Reader = silent
			if tt.fails != nil {
				conn, input = refusingPipe{datagramPipe{ours}, tt.fails}, strings.NewReader("ping")
			}
			var stderr bytes.Buffer
			e := &env{stdin: input, stdout: new(bytes.Buffer), stderr: &stderr, getenv: os.Getenv}
			tt.k.stats = true
			p, _ := newParty(context.Background(), e, tt.k)
			defer p.close()
			err := newConversation(p, "dial", endpoint.MustParse("udp://127.0.0.1:7"), conn).run()
			if got := stderr.String(); !strings.HasSuffix(got, tt.want) {
				t.Errorf("%s: said %q, want %q at the end", tt.name, got, tt.want)
			}
			if tt.fails != nil && !errors.Is(err, tt.fails) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.fails)
			}
		})
	}
}

// A timer ends a conversation although our output is not read; what has not been
// written is lost, so that is no success.
func TestTimerStdoutUnread(t *testing.T) {
	for _, args := range [][]string{{"--total", "300ms"}, {"--idle", "300ms"}, {"--idle", "300ms", "--idle-ok"}} {
		at := server(t, func(c *net.TCPConn) { writeUntilRefused(c) })
		nobody, full, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := startParley(t, devNull(t), full, append(append([]string{"dial"}, args...), at)...)
		full.Close()
		p.expect(1)
		if got := p.errors(); len(got) != 1 || !strings.Contains(got[0], "300ms, and our output is not read after ") {
			t.Errorf("dial %v: errors %q, want one of a timer that says that our output is not read", args, got)
		}
		nobody.Close()
	}
}

// With --reconnect too: the next conversation could not be heard.
func TestTimerStdoutUnreadReconnect(t *testing.T) {
	at := server(t, func(c *net.TCPConn) { writeUntilRefused(c) })
	nobody, full, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	p := startParley(t, nil, full, "dial", "--reconnect", "--idle", "300ms", at)
	full.Close()
	p.expect(1)
}

// So does a signal.
func TestSignalStdoutUnread(t *testing.T) {
	at := server(t, func(c *net.TCPConn) { writeUntilRefused(c) })
	nobody, full, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	p := startParley(t, devNull(t), full, "dial", "-v", "--hex", at)
	full.Close()
	p.stderr.await(t, "(?m)^[0-9:.]+ < ") // it receives
	p.signal(syscall.SIGTERM)
	p.expect(143)
	if got := p.errors(); got != nil {
		t.Errorf("errors %q, want none", got)
	}
}
