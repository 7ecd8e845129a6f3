package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat/client"
)

// An air is a network of datagrams in memory that loses, repeats and delays
// them, each for another time, so that they overtake each other.
type air struct {
	loss, repeat float64
	most         time.Duration // of delay

	mu     sync.Mutex // guards what follows
	rand   *rand.Rand
	server *socket
	peers  map[string]*socket
	ports  int
	lost   atomic.Int64
}

func newAir(seed uint64, loss, repeat float64, most time.Duration) *air {
	return &air{loss: loss, repeat: repeat, most: most, rand: rand.New(rand.NewPCG(seed, 1)), peers: make(map[string]*socket)}
}

// listen makes the server's socket.
func (a *air) listen() *socket {
	s := a.socket(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9528}, nil)
	a.mu.Lock()
	a.server = s
	a.mu.Unlock()
	return s
}

func (a *air) dial(context.Context) (net.Conn, error) {
	a.mu.Lock()
	a.ports++
	local := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 20000 + a.ports}
	a.mu.Unlock()
	return a.socket(local, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9528}), nil
}

func (a *air) socket(local, remote *net.UDPAddr) *socket {
	s := &socket{air: a, local: local, remote: remote}
	s.moved.L = &s.mu
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peers[local.String()] = s
	return s
}

// send carries a datagram, or several times, or not.
func (a *air) send(b []byte, from, to *net.UDPAddr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.peers[to.String()]
	for {
		if a.rand.Float64() < a.loss || s == nil {
			a.lost.Add(1)
		} else {
			p := parcel{append([]byte(nil), b...), from}
			time.AfterFunc(time.Duration(a.rand.Int64N(int64(a.most)+1)), func() { s.put(p) })
		}
		if a.rand.Float64() >= a.repeat {
			return
		}
	}
}

type parcel struct {
	b    []byte
	from *net.UDPAddr
}

// A socket is one end: a net.PacketConn, and a net.Conn where remote is set.
type socket struct {
	air           *air
	local, remote *net.UDPAddr

	mu       sync.Mutex // guards what follows
	moved    sync.Cond
	queue    []parcel
	closed   bool
	deadline time.Time
}

func (s *socket) put(p parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) < 300 && !s.closed { // as a kernel's buffer is bounded
		s.queue = append(s.queue, p)
		s.moved.Broadcast()
	}
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 || s.closed {
		if s.closed {
			return 0, nil, net.ErrClosed
		}
		if !s.deadline.IsZero() && !time.Now().Before(s.deadline) {
			return 0, nil, os.ErrDeadlineExceeded
		}
		s.moved.Wait()
	}
	p := s.queue[0]
	s.queue = s.queue[1:]
	return copy(b, p.b), p.from, nil
}

func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.air.send(b, s.local, to.(*net.UDPAddr))
	return len(b), nil
}

func (s *socket) Read(b []byte) (int, error) {
	n, _, err := s.ReadFrom(b)
	return n, err
}

func (s *socket) Write(b []byte) (int, error) { return s.WriteTo(b, s.remote) }

func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.moved.Broadcast()
	return nil
}

func (s *socket) LocalAddr() net.Addr  { return s.local }
func (s *socket) RemoteAddr() net.Addr { return s.remote }

func (s *socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.moved.Broadcast()
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.moved.Broadcast()
		})
	}
	return nil
}

func (s *socket) SetWriteDeadline(time.Time) error { return nil }
func (s *socket) SetDeadline(t time.Time) error    { return s.SetReadDeadline(t) }

// Over a network that loses, repeats and reorders everything arrives once and in
// the order of each sender.
func TestLossyDatagrams(t *testing.T) {
	for _, test := range []struct {
		loss, repeat float64
	}{{0, 0}, {0.05, 0.05}, {0.3, 0.2}} {
		t.Run(fmt.Sprintf("loss%v", test.loss), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				testAir(t, newAir(7, test.loss, test.repeat, 40*time.Millisecond))
			})
		})
	}
}

func testAir(t *testing.T, a *air) {
	const posts = 400
	h := open(t, a)
	t.Cleanup(h.stop)
	names := []string{"ada", "bob", "cyd", "dan", "eve"}
	var guests []*guest
	start := time.Now()
	for _, name := range names {
		guests = append(guests, come(t, client.Config{Dial: a.dial, Datagram: true, Name: name, Rooms: []string{"ops"}, Past: -1}))
	}
	for _, g := range guests {
		g.until(func() bool { return g.joined > 0 })
	}
	var all sync.WaitGroup
	for i, g := range guests {
		all.Go(func() { g.say("ops", names[i], posts) })
	}
	all.Wait()
	for _, g := range guests {
		g.until(func() bool { return len(g.shown) >= len(names)*posts })
	}
	took := time.Since(start)
	time.Sleep(3 * time.Minute)
	for _, g := range guests {
		g.saw("ops", names, posts)
		if len(g.delivered) != posts || g.cuts > 0 {
			t.Errorf("%d delivered, %d cuts", len(g.delivered), g.cuts)
		}
	}
	t.Logf("%v simulated, %d datagrams lost", took, a.lost.Load())
}

// A server of datagrams that was started again does not know its clients: they
// say hello again, on the same socket, and go on.
func TestDatagramServerRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const posts = 600
		a := newAir(3, 0.02, 0.02, 5*time.Millisecond)
		h := open(t, a)
		t.Cleanup(h.stop)
		ada := come(t, client.Config{Dial: a.dial, Datagram: true, Name: "ada", Rooms: []string{"ops"}})
		bob := come(t, client.Config{Dial: a.dial, Datagram: true, Name: "bob", Rooms: []string{"ops", "lobby"}})
		ada.until(func() bool { return ada.joined > 0 })
		bob.until(func() bool { return bob.joined > 1 })
		said := make(chan struct{})
		go func() { ada.say("ops", "ada", posts); close(said) }()
		for i := range 4 {
			bob.until(func() bool { return len(bob.shown) > posts/6*(i+1) })
			h.stop()
			h.start()
		}
		<-said
		for _, g := range []*guest{ada, bob} {
			g.until(func() bool { return len(g.shown) >= posts })
		}
		time.Sleep(time.Minute)
		ada.saw("ops", []string{"ada"}, posts)
		bob.saw("ops", []string{"ada"}, posts)
		bob.mu.Lock()
		defer bob.mu.Unlock()
		for _, m := range bob.shown {
			if m.Room == "lobby" {
				t.Errorf("in the lobby: %q", m.Text)
			}
		}
	})
}
