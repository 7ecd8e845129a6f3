package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat/wire"
	"parley/internal/memnet"
)

// A stage is a client and the server's ends of its connections.
type stage struct {
	*Client
	t     *testing.T
	conns chan net.Conn
	ran   chan error
	peer  net.Conn
	in    *bufio.Reader
}

// play runs a client whose server is the test, in a bubble.
func play(t *testing.T, cfg Config, test func(t *testing.T, s *stage)) {
	playOver(t, cfg, func(_ context.Context, nc net.Conn) (net.Conn, error) { return nc, nil }, test)
}

// playOver is play where wrap has a say in each connection.
func playOver(t *testing.T, cfg Config, wrap func(context.Context, net.Conn) (net.Conn, error), test func(t *testing.T, s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, conns: make(chan net.Conn, 10), ran: make(chan error, 1)}
		cfg.Token = testToken
		if cfg.Dial == nil {
			cfg.Dial = func(ctx context.Context) (net.Conn, error) {
				a, b := memnet.Pair()
				s.conns <- b
				return wrap(ctx, a)
			}
		}
		s.Client = New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		defer func() {
			cancel()
			for range s.Events() {
			}
			if s.peer != nil {
				s.peer.Close()
			}
		}()
		go func() { s.ran <- s.Run(ctx) }()
		test(t, s)
	})
}

func (s *stage) accept() {
	s.t.Helper()
	s.peer = <-s.conns
	s.in = bufio.NewReaderSize(s.peer, 1<<16)
	if got := s.line(); !wire.IsHello([]byte(got)) {
		s.t.Fatalf("first line is %q", got)
	}
}

// welcome accepts a client and has it in the room ops.
func (s *stage) welcome() {
	s.t.Helper()
	s.accept()
	s.say("PARLEY 1 name=ada self=" + wire.PublicHalf(testToken) + " next=1 room=lobby max=4096")
	if got := s.line(); !strings.HasPrefix(got, "JOIN ops") {
		s.t.Fatalf("got %q, want JOIN", got)
	}
	s.say("LIVE ops 10 1")
}

func (s *stage) line() string {
	s.t.Helper()
	l, err := s.in.ReadString('\n')
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	return strings.TrimSuffix(l, "\n")
}

func (s *stage) say(lines ...string) {
	s.t.Helper()
	if _, err := io.WriteString(s.peer, strings.Join(lines, "\n")+"\n"); err != nil {
		s.t.Error(err)
	}
}

// sees waits for an event of type E.
func sees[E Event](s *stage) E {
	s.t.Helper()
	for e := range s.Events() {
		if e, ok := e.(E); ok {
			return e
		}
	}
	s.t.Fatalf("the events ended without %T", *new(E))
	panic("unreachable")
}

var ops = Config{Rooms: []string{"ops"}, Past: -1}

func TestFirstDialFails(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	play(t, Config{Dial: func(context.Context) (net.Conn, error) { return nil, refused }}, func(t *testing.T, s *stage) {
		if err := <-s.ran; err != error(refused) {
			t.Errorf("Run: %v, want the error of Dial", err)
		}
	})
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []Config{{Name: "a b"}, {Rooms: []string{"x y"}}} {
		play(t, cfg, func(t *testing.T, s *stage) {
			if err := <-s.ran; err == nil || len(s.conns) > 0 {
				t.Errorf("Run of %+v: %v", cfg, err)
			}
		})
	}
}

func TestPeerIsNoServer(t *testing.T) {
	play(t, ops, func(t *testing.T, s *stage) {
		s.accept()
		io.WriteString(s.peer, "what is your name?") // and no LF
		if err := <-s.ran; !errors.Is(err, ErrNotChat) || !strings.Contains(err.Error(), "what is your name?") {
			t.Errorf("Run: %v", err)
		}
	})
	play(t, ops, func(t *testing.T, s *stage) {
		s.accept()
		io.WriteString(s.peer, "Friday\r\n")
		s.peer.Close()
		if err := <-s.ran; !errors.Is(err, ErrNotChat) || !strings.Contains(err.Error(), "Friday") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestComesBack(t *testing.T) {
	play(t, ops, func(t *testing.T, s *stage) {
		s.welcome()
		id, err := s.Post("ops", wire.Say, "x")
		if id != 1 || err != nil {
			t.Fatalf("Post: %v, %v", id, err)
		}
		if got := s.line(); got != "POST 1 ops say :x" {
			t.Fatalf("got %q", got)
		}
		s.peer.Close()
		if e := sees[Disconnected](s); e.Again <= 0 || e.Err == nil {
			t.Errorf("%+v", e)
		}
		s.welcome()
		if e := sees[Connected](s); !e.Resumed {
			t.Errorf("%+v", e)
		}
		if got := s.line(); got != "POST 1 ops say :x" {
			t.Errorf("got %q", got)
		}
		if s.Unacknowledged() != 1 {
			t.Errorf("Unacknowledged is %d", s.Unacknowledged())
		}
		go s.say("ACK 1 11")
		if err := s.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		s.say("BYE :resumed")
		for range s.Events() {
		}
		if err := <-s.ran; err != ErrReplaced {
			t.Errorf("Run: %v", err)
		}
		if _, err := s.Post("ops", wire.Say, "x"); err != ErrEnded {
			t.Errorf("Post after the end: %v", err)
		}
	})
}

func TestOnce(t *testing.T) {
	cfg := ops
	cfg.Once = true
	play(t, cfg, func(t *testing.T, s *stage) {
		s.welcome()
		sees[Joined](s)
		s.say("BYE :shutdown")
		if e := sees[Disconnected](s); e.Again != 0 {
			t.Errorf("%+v", e)
		}
		for range s.Events() {
		}
		if err := <-s.ran; err == nil || !strings.Contains(err.Error(), "shutdown") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestQuitFlushes(t *testing.T) {
	play(t, ops, func(t *testing.T, s *stage) {
		s.welcome()
		s.Post("ops", wire.Say, "x")
		quit := make(chan error, 1)
		go func() { quit <- s.Quit(t.Context()) }()
		if got := s.line(); got != "POST 1 ops say :x" {
			t.Fatalf("got %q", got)
		}
		synctest.Wait()
		s.say("ACK 1 11")
		if got := s.line(); got != "QUIT" {
			t.Fatalf("got %q", got)
		}
		s.say("BYE :quit")
		for range s.Events() {
		}
		if err := <-quit; err != nil {
			t.Errorf("Quit: %v", err)
		}
		if err := <-s.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// Quit ends at its context's end, also while there is no server.
func TestQuitGivesUp(t *testing.T) {
	gone := false
	wrap := func(ctx context.Context, nc net.Conn) (net.Conn, error) {
		if gone {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		gone = true
		return nc, nil
	}
	playOver(t, ops, wrap, func(t *testing.T, s *stage) {
		s.welcome()
		s.Post("ops", wire.Say, "x")
		s.line()
		s.peer.Close()
		sees[Disconnected](s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := s.Quit(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Quit: %v after %v", err, time.Since(start))
		}
		if err := <-s.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestContextEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pair()
		defer b.Close()
		c := New(Config{Dial: func(context.Context) (net.Conn, error) { return a, nil }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Run(ctx); err != context.DeadlineExceeded {
			t.Errorf("Run: %v", err)
		}
		if err := c.Run(ctx); err != errRunning {
			t.Errorf("second Run: %v", err)
		}
	})
}

// While nobody reads the events the network is not read, nothing is lost, and
// one can post.
func TestBackpressure(t *testing.T) {
	const messages = 20_000
	play(t, ops, func(t *testing.T, s *stage) {
		s.welcome()
		written := 0
		go func() {
			for i := range uint64(messages) {
				if _, err := fmt.Fprintln(s.peer, msg("ops", 11+i, 10+i)); err != nil {
					return
				}
				written++
			}
		}()
		synctest.Wait()
		if written == messages {
			t.Error("all was read though nobody reads the events")
		}
		if _, err := s.Post("ops", wire.Say, "x"); err != nil {
			t.Error(err)
		}
		if got := s.line(); got != "POST 1 ops say :x" {
			t.Errorf("got %q", got)
		}
		time.Sleep(time.Hour) // of the bubble: we do not read, so silence means nothing
		for i := range uint64(messages) {
			if m := sees[Message](s); m.Seq != 11+i {
				t.Fatalf("message %d in place of %d", m.Seq, 11+i)
			}
		}
	})
}

func TestPostWait(t *testing.T) {
	play(t, ops, func(t *testing.T, s *stage) {
		for range wire.Window {
			if _, err := s.PostWait(t.Context(), "ops", wire.Say, "x"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.PostWait(ctx, "ops", wire.Say, "x"); err != context.DeadlineExceeded {
			t.Errorf("PostWait over the window: %v", err)
		}
		s.welcome()
		go s.say("ACK 1 11")
		if id, err := s.PostWait(t.Context(), "ops", wire.Say, "x"); err != nil || id != wire.Window+1 {
			t.Errorf("PostWait after an acknowledgement: %v, %v", id, err)
		}
	})
}

// recorder notes what is written at a time.
type recorder struct {
	net.Conn
	writes chan string
}

func (r recorder) Write(b []byte) (int, error) {
	r.writes <- string(b)
	return len(b), nil
}

// Where messages have boundaries each is one line, without LF.
func TestMessages(t *testing.T) {
	var writes chan string
	cfg := ops
	cfg.Message = true
	wrap := func(_ context.Context, nc net.Conn) (net.Conn, error) {
		writes = make(chan string, 10)
		return recorder{nc, writes}, nil
	}
	playOver(t, cfg, wrap, func(t *testing.T, s *stage) {
		s.peer = <-s.conns
		synctest.Wait()
		if got := <-writes; !wire.IsHello([]byte(got)) || strings.Contains(got, "\n") {
			t.Errorf("first message is %q", got)
		}
		io.WriteString(s.peer, "PARLEY 1 name=ada self="+wire.PublicHalf(testToken)+" next=1 room=lobby max=4096")
		if got := <-writes; got != "JOIN ops" {
			t.Errorf("message %q", got)
		}
		io.WriteString(s.peer, "LIVE ops 10 1")
		sees[Joined](s)
		s.Post("ops", wire.Say, "x")
		s.Post("ops", wire.Say, "y")
		for _, want := range []string{"POST 1 ops say :x", "POST 2 ops say :y"} {
			if got := <-writes; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
		}
	})
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*wire.MaxLine)
	l := &lines{r: strings.NewReader("a\n" + long + "\nb\r\n\n" + long[:wire.MaxLine-1] + "\nhalf"), sniff: func([]byte) {}}
	for _, want := range []string{"a\n", "b\r\n", "\n", long[:wire.MaxLine-1] + "\n"} {
		if got, err := l.next(); string(got) != want || err != nil {
			t.Fatalf("line of %d bytes %.10q, %v; want %.10q", len(got), got, err, want)
		}
	}
	if got, err := l.next(); err != io.EOF {
		t.Errorf("at the end: %q, %v", got, err)
	}
}
