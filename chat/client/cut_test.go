package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat/client"
)

// A cutConn is cut after some bytes in either direction, perhaps within a line.
type cutConn struct {
	net.Conn
	mu   sync.Mutex // guards what follows
	left int
}

func (c *cutConn) spend(n int) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = min(n, c.left)
	c.left -= n
	return n, c.left == 0
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	n, cut := c.spend(n)
	if cut {
		c.Conn.Close()
	}
	return n, err
}

func (c *cutConn) Write(b []byte) (int, error) {
	n, cut := c.spend(len(b))
	n, err := c.Conn.Write(b[:n])
	if cut {
		c.Conn.Close()
		return n, net.ErrClosed
	}
	return n, err
}

// cutter gives connections that are cut at random; after most of them they last.
type cutter struct {
	h *house

	mu   sync.Mutex // guards what follows
	rand *rand.Rand
	most int
}

func (c *cutter) dial(ctx context.Context) (net.Conn, error) {
	nc, err := c.h.dial(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.most == 0 {
		return nc, err
	}
	c.most--
	return &cutConn{Conn: nc, left: 300 + c.rand.IntN(6000)}, nil
}

// What is posted over connections that are cut at random bytes arrives once and
// in order, at who is cut as well.
func TestCuts(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testCuts(t, seed) })
		})
	}
}

func testCuts(t *testing.T, seed uint64) {
	const posts, cuts = 1500, 80
	h := open(t, nil)
	t.Cleanup(h.stop)
	names := []string{"ada", "bob", "eve"}
	var guests []*guest
	for i, name := range names {
		c := &cutter{h: h, rand: rand.New(rand.NewPCG(seed, uint64(i))), most: cuts}
		calm, err := h.dial(t.Context()) // a first connection that fails ends Run
		if err != nil {
			t.Fatal(err)
		}
		first := sync.OnceValue(func() net.Conn { return &cutConn{Conn: calm, left: 2000} })
		begun := false
		guests = append(guests, come(t, client.Config{Name: name, Rooms: []string{"ops"}, Past: -1,
			Dial: func(ctx context.Context) (net.Conn, error) {
				if !begun {
					begun = true
					return first(), nil
				}
				return c.dial(ctx)
			}}))
	}
	for _, g := range guests {
		g.until(func() bool { return g.joined > 0 })
	}
	var all sync.WaitGroup
	for i, g := range guests {
		all.Go(func() { g.say("ops", names[i], posts) })
	}
	all.Wait()
	total := 0
	for _, g := range guests {
		g.until(func() bool { return len(g.shown) >= len(names)*posts })
		time.Sleep(time.Minute) // of the bubble: so that what is too much would come
		g.saw("ops", names, posts)
		total += g.cuts
		if got := len(g.delivered); got != posts {
			t.Errorf("%d of %d delivered", got, posts)
		}
	}
	t.Logf("%d cuts", total)
	if total < 200 {
		t.Errorf("%d cuts, want 200", total)
	}
}

// A server that is started again on the same log goes on where it was.
func TestServerRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const posts = 2000
		h := open(t, nil)
		t.Cleanup(h.stop)
		ada := come(t, client.Config{Dial: h.dial, Name: "ada", Rooms: []string{"ops", "dev"}})
		bob := come(t, client.Config{Dial: h.dial, Name: "bob", Rooms: []string{"ops"}})
		for _, g := range []*guest{ada, bob} {
			g.until(func() bool { return g.joined > 0 })
		}
		said := make(chan struct{})
		go func() { ada.say("ops", "ada", posts); close(said) }()
		for i := range 10 {
			bob.until(func() bool { return len(bob.shown) > posts/12*(i+1) })
			ada.until(func() bool { return ada.up })
			h.stop()
			ada.until(func() bool { return !ada.up })
			h.start()
		}
		<-said
		for _, g := range []*guest{ada, bob} {
			g.until(func() bool { return len(g.shown) >= posts })
		}
		bob.saw("ops", []string{"ada"}, posts)
		ada.saw("ops", []string{"ada"}, posts)
		if ada.cuts < 10 {
			t.Errorf("ada saw %d cuts, want 10", ada.cuts)
		}
		if err := ada.Quit(t.Context()); err != nil {
			t.Errorf("Quit: %v", err)
		}
		<-ada.done
		if ada.err != nil {
			t.Errorf("Run after Quit: %v", ada.err)
		}
	})
}
