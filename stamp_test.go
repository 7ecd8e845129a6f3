package parley

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A stamper answers each datagram with its number, and collects what it is told.
type stamper struct {
	parallel bool
	told     chan stamped

	mu    sync.Mutex // guards what follows
	count uint64
	came  []time.Time
	from  map[netip.AddrPort]bool
}

type stamped struct {
	key uint64
	at  time.Time
}

func newStamper() *stamper {
	return &stamper{told: make(chan stamped, 1000), from: make(map[netip.AddrPort]bool)}
}

func (s *stamper) Serve(c *Conn, msg []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.came = append(s.came, c.Received())
	s.from[c.AddrPort()] = true
	return c.SendStamped(binary.BigEndian.AppendUint64(nil, s.count), s.count)
}

func (s *stamper) Stamped(key uint64, at time.Time) { s.told <- stamped{key, at} }
func (s *stamper) Parallel() bool                   { return s.parallel }

func serveStamper(t *testing.T, s Service, at string) string {
	t.Helper()
	srv := &Server{Events: func(e *Event) {
		if e.Kind == EventStatus {
			t.Errorf("%s: %v", e.Text, e.Err)
		}
	}}
	if err := srv.Listen(context.Background(), s, at); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() { srv.Close(); <-served })
	return srv.Endpoints()[0].Address()
}

// exchange sends a datagram and returns the number of its answer.
func exchange(t *testing.T, c net.Conn) uint64 {
	t.Helper()
	buf := make([]byte, 16)
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(buf)
	if n != 8 || err != nil {
		t.Fatalf("answer of %d bytes, %v", n, err)
	}
	return binary.BigEndian.Uint64(buf)
}

// TestStamps asks for 600 stamps, more than may wait, and wants each under its key and
// between the moments that bound it.
func TestStamps(t *testing.T) {
	for _, at := range []string{"udp://127.0.0.1:0", "udp://[::1]:0"} {
		s := newStamper()
		c, err := net.Dial("udp", serveStamper(t, s, at))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i := range uint64(600) {
			before := time.Now()
			key := exchange(t, c)
			after := time.Now()
			if key != i+1 {
				t.Fatalf("answer %d has number %d", i+1, key)
			}
			s.mu.Lock()
			came := s.came[i]
			s.mu.Unlock()
			if came.Before(before.Add(-time.Millisecond).Round(0)) || came.After(after.Round(0)) {
				t.Errorf("%s: came at %v, not between %v and %v", at, came, before, after)
			}
			if !systemStamps {
				continue
			}
			if got := <-s.told; got.key != key || got.at.Before(came) || got.at.After(after.Round(0)) {
				t.Errorf("%s: datagram %d left at %v as number %d, not between %v and %v", at, key, got.at, got.key, came, after)
			}
		}
	}
}

// TestParallel wants a socket for each processor, peers on more than one of them, and
// another server refused.
func TestParallel(t *testing.T) {
	if !systemStamps {
		t.Skip("one socket here")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	s := newStamper()
	s.parallel = true
	srv := &Server{}
	if err := srv.Listen(context.Background(), s, "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	defer func() { srv.Close(); <-served }()
	at := srv.Endpoints()[0]
	if err := new(Server).Listen(context.Background(), s, at.String()); err == nil {
		t.Error("a second server was let in")
	}
	const peers = 64
	for range peers {
		c, err := net.Dial("udp", at.Address())
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, c)
		c.Close()
	}
	busy := 0
	for _, d := range srv.listeners[0].loops {
		if d.counts().messagesIn > 0 {
			busy++
		}
	}
	if n := len(srv.listeners[0].loops); n != 4 || busy < 2 {
		t.Errorf("%d of %d sockets were used by %d peers; want 4 sockets, most used", busy, n, peers)
	}
	if got := srv.Stats()[0]; got.MessagesIn != peers || got.MessagesOut != peers {
		t.Errorf("stats %+v, want %d messages each way", got, peers)
	}
}

// TestStampsOfABatch has datagrams of one peer waiting when the server begins, so that it answers them
// together: each is stamped for itself, not a run of them.
func TestStampsOfABatch(t *testing.T) {
	if !systemStamps {
		t.Skip("the system does not stamp")
	}
	s, srv := newStamper(), &Server{}
	if err := srv.Listen(context.Background(), s, "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("udp", srv.Endpoints()[0].Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const asked = 20
	for range asked {
		if _, err := c.Write([]byte("?")); err != nil {
			t.Fatal(err)
		}
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	defer func() { srv.Close(); <-served }()
	for key := range uint64(asked) {
		select {
		case got := <-s.told:
			if got.key != key+1 {
				t.Errorf("told of number %d, want %d", got.key, key+1)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("told of %d of %d", key, asked)
		}
	}
}

// A ParallelCloser wants sockets and sessions.
type parallelCloser struct{ *stamper }

func (parallelCloser) Closed(*Conn, error) {}

// TestSessionsHaveOneSocket: one loop owns the sessions.
func TestSessionsHaveOneSocket(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	s := newStamper()
	s.parallel = true
	srv := &Server{}
	defer srv.Close()
	if err := srv.Listen(context.Background(), parallelCloser{s}, "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if n := len(srv.listeners[0].loops); n != 1 {
		t.Errorf("%d sockets, want 1", n)
	}
}
