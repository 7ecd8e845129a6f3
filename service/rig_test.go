package service

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// A server serves one service for a test, and collects its events.
type server struct {
	t      testing.TB
	srv    *parley.Server
	at     endpoint.Endpoint
	served chan error
	more   chan struct{} // gets one, if it is empty, at each event

	mu     sync.Mutex // guards events
	events []parley.Event
}

// serve serves svc until the end of the test.
func serve(t testing.TB, svc parley.Service, at string, limits parley.Limits) *server {
	t.Helper()
	s := &server{t: t, served: make(chan error, 1), more: make(chan struct{}, 1)}
	s.srv = &parley.Server{Limits: limits, Events: s.event}
	if err := s.srv.Listen(context.Background(), svc, at); err != nil {
		t.Fatal(err)
	}
	s.at = s.srv.Endpoints()[0]
	if pin := s.srv.Stats()[0].Pin; pin != "" {
		s.at = s.at.With("pin", pin)
	}
	go func() { s.served <- s.srv.Serve() }()
	t.Cleanup(func() {
		s.srv.Close()
		<-s.served
	})
	return s
}

func (s *server) event(e *parley.Event) {
	s.mu.Lock()
	s.events = append(s.events, *e)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// await returns the first event that match holds for.
func (s *server) await(what string, match func(*parley.Event) bool) parley.Event {
	s.t.Helper()
	limit := time.After(time.Hour)
	if s.at.Scheme != "mem" {
		limit = time.After(30 * time.Second)
	}
	for {
		s.mu.Lock()
		for _, e := range s.events {
			if match(&e) {
				s.mu.Unlock()
				return e
			}
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-limit:
			s.t.Fatalf("no event: %s", what)
		}
	}
}

// ended waits for the end of the first session and returns its reason.
func (s *server) ended() error {
	s.t.Helper()
	return s.await("end", func(e *parley.Event) bool { return e.Kind == parley.EventEnd }).Err
}

// notes are the texts that the service has noted.
func (s *server) notes() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Kind == parley.EventNote {
			list = append(list, e.Text)
		}
	}
	return list
}

// dial is a client until the end of the test.
func (s *server) dial() client {
	s.t.Helper()
	nc, err := transport.Dial(context.Background(), s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close() })
	if s.at.Scheme != "mem" {
		nc.SetDeadline(time.Now().Add(30 * time.Second))
	}
	return client{nc, s.t}
}

// A client fails its test when something goes wrong.
type client struct {
	net.Conn
	t testing.TB
}

func (c client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatalf("send %q: %v", text, err)
	}
}

// endWriting passes on the end of the client's direction.
func (c client) endWriting() {
	c.t.Helper()
	if err := c.Conn.(transport.HalfCloser).CloseWrite(); err != nil {
		c.t.Fatalf("half-close: %v", err)
	}
}

// expect reads want, and returns how long that took.
func (c client) expect(want string) time.Duration {
	c.t.Helper()
	began, got := time.Now(), make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if err != nil || string(got) != want {
		c.t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
	return time.Since(began)
}

// expectEnd reads to the end, expecting nothing, and returns how long that took.
func (c client) expectEnd() time.Duration {
	c.t.Helper()
	began := time.Now()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		c.t.Fatalf("read %q, %v; want the end", rest, err)
	}
	return time.Since(began)
}

// ask is a datagram and its answer, "" if the next one is to another datagram.
func (c client) ask(msg string) string {
	c.t.Helper()
	c.send(msg)
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	if err != nil {
		c.t.Fatalf("the answer to %d bytes: %v", len(msg), err)
	}
	return string(b[:n])
}

// memory is an endpoint that no other test has.
func memory(t testing.TB) string {
	return "mem:" + strings.NewReplacer("/", "-", "#", "-", " ", "-", "%", "-", "?", "-").Replace(t.Name())
}
