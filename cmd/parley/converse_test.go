package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/endpoint"
)

// datagramPipe is one end of a net.Pipe that says it is a UDP socket.
type datagramPipe struct{ net.Conn }

func (datagramPipe) LocalAddr() net.Addr { return &net.UDPAddr{} }

// talkOver has a conversation of input with conn, and returns its output.
func talkOver(t *testing.T, conn net.Conn, input io.Reader, k talk) (string, error) {
	t.Helper()
	var out, err bytes.Buffer
	e := &env{stdin: input, stdout: &out, stderr: &err, getenv: os.Getenv}
	p, _ := newParty(context.Background(), e, k)
	defer p.close()
	failure := newConversation(p, "dial", endpoint.MustParse("udp://127.0.0.1:7"), conn).run()
	return out.String(), failure
}

// Linger starts anew with each datagram, and is one second.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { // ends with the conversation
			b := make([]byte, 100)
			theirs.Read(b)
			for range 3 {
				time.Sleep(900 * time.Millisecond)
				theirs.Write([]byte("x"))
			}
			theirs.Read(b)
		}()
		began := time.Now()
		out, err := talkOver(t, datagramPipe{ours}, strings.NewReader("ping"), talk{eof: eofHalf})
		if took, want := time.Since(began), 3700*time.Millisecond; took != want || err != nil || out != "xxx" {
			t.Errorf("ended after %v with %q, %v, want %v with xxx", took, out, err, want)
		}
	})
}

// A stream has no timer at all.
func TestNoHiddenTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := tcpPipe()
		go func() { // ends with the conversation
			io.ReadAll(theirs)
			time.Sleep(300 * time.Hour)
			io.WriteString(theirs, "late")
			theirs.Close()
		}()
		began := time.Now()
		out, err := talkOver(t, ours, strings.NewReader("ping"), talk{eof: eofHalf})
		if took, want := time.Since(began), 300*time.Hour; took != want || err != nil || out != "late" {
			t.Errorf("ended after %v with %q, %v, want %v with late", took, out, err, want)
		}
	})
}

// halfPipe is a stream with half-close, of two io.Pipes and no deadlines.
type halfPipe struct {
	net.Conn // nil: what is not overridden is not called
	r        *io.PipeReader
	w        *io.PipeWriter
}

func tcpPipe() (a, b *halfPipe) {
	r1, w1 := io.Pipe()
	r2, w2 := io.Pipe()
	return &halfPipe{r: r1, w: w2}, &halfPipe{r: r2, w: w1}
}

func (p *halfPipe) Read(b []byte) (int, error)       { return p.r.Read(b) }
func (p *halfPipe) Write(b []byte) (int, error)      { return p.w.Write(b) }
func (p *halfPipe) CloseWrite() error                { return p.w.Close() }
func (p *halfPipe) Close() error                     { p.r.Close(); return p.w.Close() }
func (p *halfPipe) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (p *halfPipe) SetDeadline(time.Time) error      { return nil }
func (p *halfPipe) SetReadDeadline(time.Time) error  { return nil }
func (p *halfPipe) SetWriteDeadline(time.Time) error { return nil }

// slowPipe is a halfPipe that notes what is done to it, whose Close takes an hour.
type slowPipe struct {
	*halfPipe
	done chan string
}

func (p *slowPipe) CloseWrite() error {
	p.done <- "half-close"
	return p.halfPipe.CloseWrite()
}

func (p *slowPipe) Close() error {
	p.done <- "close"
	time.Sleep(time.Hour)
	return p.halfPipe.Close()
}

// A signal half-closes before it closes; a second one waits for nothing.
func TestSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := tcpPipe()
		go func() { // ends with the half-close
			io.ReadAll(theirs)
			theirs.Close()
		}()
		signals := make(chan os.Signal)
		go func() { // ends after its two signals
			time.Sleep(time.Second)
			signals <- os.Interrupt
			time.Sleep(time.Minute)
			signals <- os.Interrupt
		}()
		stdin, typed := io.Pipe()
		e := &env{stdin: stdin, stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, signals: signals}
		p, _ := newParty(context.Background(), e, talk{eof: eofHalf})
		conn := &slowPipe{halfPipe: ours, done: make(chan string, 2)}
		began := time.Now()
		err := newConversation(p, "dial", endpoint.MustParse(":7"), conn).run()
		if took, want := time.Since(began), 61*time.Second; took != want {
			t.Errorf("ended after %v, want %v", took, want)
		}
		if got := statusOf(err); got != 130 {
			t.Errorf("status %d, want 130", got)
		}
		if first, second := <-conn.done, <-conn.done; first != "half-close" || second != "close" {
			t.Errorf("the conn saw %s, %s, want half-close, close", first, second)
		}
		typed.Close()
		p.close()
		time.Sleep(2 * time.Hour) // until Close has returned
	})
}

// pieces reads in to its end.
func pieces(t *testing.T, in *input) (got []string) {
	t.Helper()
	for {
		piece, err := in.next(nil)
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		got = append(got, string(piece))
	}
}

func TestInputCuts(t *testing.T) {
	tests := []struct {
		size    int
		framing parley.Framing
		crlf    bool
		input   string
		want    []string
	}{
		{4, nil, false, "hello world", []string{"hell", "o wo", "rld"}},
		{4, parley.Line, false, "hello\nworld\r\n\nx", []string{"hello", "world", "", "x"}},
		{2, nil, true, "a\nb\r\nc", []string{"a\r\n", "b\r", "\nc"}},
		{9, parley.Nul, false, "a\x00b", []string{"a", "b"}},
	}
	for _, tt := range tests {
		in := newInput(strings.NewReader(tt.input))
		in.size, in.framing, in.max = tt.size, tt.framing, maxMessage
		if tt.crlf {
			in.crlf = new(crlfWriter)
		}
		if got := pieces(t, in); strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("input %q in reads of %d, %v: %q, want %q", tt.input, tt.size, tt.framing, got, tt.want)
		}
		in.close()
	}
}

// What was not sent is there for the next conversation, and counted.
func TestInputPutBack(t *testing.T) {
	in := newInput(strings.NewReader("hello world"))
	in.size = 6
	defer in.close()
	piece, _ := in.next(nil)
	in.putBack(piece[2:])
	if got := in.waiting(); got != 4 {
		t.Errorf("waiting: %d, want 4", got)
	}
	if got := strings.Join(pieces(t, in), "|"); got != "llo |world" {
		t.Errorf("after putBack: %q, want llo |world", got)
	}
}

// Once stopped, what has been read is still given, and nothing after it.
func TestInputStop(t *testing.T) {
	r, w := io.Pipe()
	in := newInput(r)
	in.size = 10
	stop := make(chan struct{})
	first := make(chan error)
	go func() { // ends with next
		_, err := in.next(stop)
		first <- err
	}()
	io.WriteString(w, "one")
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	close(stop)
	for range 10 {
		if piece, err := in.next(stop); !errors.Is(err, errStopped) {
			t.Fatalf("next after stop: %q, %v, want errStopped", piece, err)
		}
	}
	in.close()
	w.Close()
}

// endless is input without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Once stopped, no more of the input is read.
func TestInputStopEndless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInput(endless{})
		in.size = 10
		defer in.close()
		stop := make(chan struct{})
		if _, err := in.next(stop); err != nil {
			t.Fatal(err)
		}
		close(stop)
		for range 20 {
			synctest.Wait() // until the reader has read what it is let
			if _, err := in.next(stop); err != errStopped {
				t.Fatalf("next after stop: %v, want errStopped", err)
			}
		}
	})
}

// What is read when a connection has ended is for the next one, and not thrown
// after the old one.
func TestNextKeepsInput(t *testing.T) {
	e := &env{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv}
	p, _ := newParty(context.Background(), e, talk{eof: eofHalf, next: true})
	defer p.close()
	ours, theirs := tcpPipe()
	c := newConversation(p, "dial", endpoint.MustParse(":7"), ours)
	close(c.stopSend)
	p.in.putBack([]byte("kept"))
	if err := c.sendAll(); err != errStopped || p.in.waiting() != 4 {
		t.Errorf("sendAll: %v with %d bytes waiting, want errStopped and 4", err, p.in.waiting())
	}
	if b, err := io.ReadAll(theirs); len(b) != 0 || err != nil {
		t.Errorf("the old peer got %q, %v, want nothing", b, err)
	}
}

// Whatever an error says is one line.
func TestSayIsOneLine(t *testing.T) {
	var b bytes.Buffer
	e := &env{stderr: &b}
	e.error(errors.New("two\nlines\n"))
	if got, want := b.String(), "parley: error: two lines\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

// Joined errors are a line each, and the status is that of the verb.
func TestReport(t *testing.T) {
	tests := []struct {
		err    error
		status int
		want   string
	}{
		{nil, 0, ""},
		{errors.New("a"), 1, "parley: error: a\n"},
		{errors.Join(errors.New("a"), errors.New("b")), 1, "parley: error: a\nparley: error: b\n"},
		{usageError{errors.New("a"), "parley dial"}, 2, "parley: error: a\nusage: parley dial\n"},
		{exitError{status: 130}, 130, ""},
		{exitError{2, errors.New("a")}, 2, "parley: error: a\n"},
		{errStdoutClosed, 141, ""},
		{fmt.Errorf("a: %w", &outputError{errors.New("b")}), 2, "parley: error: a: write standard output: b\n"},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		e := &env{stderr: &b}
		e.report(tt.err)
		if got := b.String(); got != tt.want {
			t.Errorf("report(%v): %q, want %q", tt.err, got, tt.want)
		}
		if got := statusOf(tt.err); got != tt.status {
			t.Errorf("statusOf(%v) = %d, want %d", tt.err, got, tt.status)
		}
	}
}

// An error of stdin is no end of input.
func TestInputError(t *testing.T) {
	r, w := io.Pipe()
	w.CloseWithError(os.ErrPermission)
	in := newInput(r)
	in.size = 10
	defer in.close()
	var failure *inputError
	if _, err := in.next(nil); !errors.As(err, &failure) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("next: %v, want an inputError", err)
	}
}

// slowCRLF is what crlfWriter does to a whole text.
func slowCRLF(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

func FuzzCRLF(f *testing.F) {
	f.Add("a\nb\r\nc", 2)
	f.Add("\r\n\n\r\r\n", 1)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		cut = max(0, min(cut, len(s)))
		var w crlfWriter
		got := string(w.append(w.append(nil, []byte(s[:cut])), []byte(s[cut:])))
		if want := slowCRLF(s); got != want {
			t.Errorf("%q cut at %d: %q, want %q", s, cut, got, want)
		}
	})
}

func TestHexDump(t *testing.T) {
	var b bytes.Buffer
	h := &hexDump{w: &b, now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC) }}
	h.dump(outward, []byte("hello\n"))
	h.dump(inward, []byte("\xff"))
	h.dump(outward, []byte("0123456789abcdefg"))
	want := `03:04:05.000006 > 6 bytes
00000000  68 65 6c 6c 6f 0a                                 |hello.|
03:04:05.000006 < 1 byte
00000000  ff                                                |.|
03:04:05.000006 > 17 bytes
00000006  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|
00000016  67                                                |g|
`
	if got := b.String(); got != want {
		t.Errorf("dump:\n%swant:\n%s", got, want)
	}
	(*hexDump)(nil).dump(inward, []byte("no dump"))
}

func TestBackoff(t *testing.T) {
	b := backoff{draw: func() float64 { return 1 }}
	for i, want := range []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		if got := b.next(0); got != want*time.Millisecond {
			t.Errorf("pause %d: %v, want %vms", i, got, want)
		}
	}
	if got := b.next(31 * time.Second); got != firstPause {
		t.Errorf("pause after a connection that lasted: %v, want %v", got, firstPause)
	}
	b.draw = func() float64 { return 0.5 }
	if got := b.next(0); got != firstPause {
		t.Errorf("pause with jitter: %v, want half of 500ms", got)
	}
}

func TestConversationErrorText(t *testing.T) {
	stream := tally{sent: flow{5, 1}, received: flow{3, 1}}
	tests := []struct {
		err  conversationError
		want string
	}{
		{conversationError{op: "dial", err: io.ErrUnexpectedEOF, tally: stream}, "dial tcp://h:7: cut off by peer after 5 bytes sent, 3 received"},
		{conversationError{op: "listen", peer: "1.2.3.4:5", what: "closed by peer", err: errUnsent, tally: stream, unsent: 1},
			"listen tcp://h:7: 1.2.3.4:5: closed by peer after 5 bytes sent, 3 received; 1 byte of our input not sent"},
		{conversationError{op: "dial", err: os.ErrPermission, tally: tally{flow{1, 1}, flow{0, 0}, "datagram"}},
			"dial tcp://h:7: permission denied after 1 datagram (1 byte) sent, 0 (0 bytes) received"},
	}
	for _, tt := range tests {
		tt.err.at = endpoint.MustParse("tcp://h:7?cert=secret")
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("error %q, want %q", got, tt.want)
		}
	}
}

func TestTransient(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{errUnsent, true},
		{idleError(time.Second), true},
		{totalError(time.Second), false},
		{&net.DNSError{IsNotFound: true}, false},
		{&net.DNSError{IsTemporary: true}, true},
		{os.ErrPermission, false},
	}
	for _, tt := range tests {
		if got := transient(tt.err); got != tt.want {
			t.Errorf("transient(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}
