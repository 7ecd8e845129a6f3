package client_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"parley"
	"parley/chat"
	"parley/chat/client"
	"parley/chat/wire"
	"parley/endpoint"
	"parley/internal/memnet"
)

// A house is a hub that can be started again, on a network in memory. Its log
// outlives the hubs.
type house struct {
	t       *testing.T
	log     *chat.Memory
	streams memnet.Network
	air     *air // for datagrams; nil: none

	mu  sync.Mutex // guards what follows
	end func()
}

func open(t *testing.T, air *air) *house {
	h := &house{t: t, log: new(chat.Memory), air: air}
	h.start()
	return h
}

// start starts a hub.
func (h *house) start() {
	hub := &chat.Hub{Log: h.log, Flood: chat.Flood{Burst: -1}}
	if err := hub.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	srv := new(parley.Server)
	l, err := h.streams.Listen("door")
	if err != nil {
		h.t.Fatal(err)
	}
	if err := srv.Add(hub, l, endpoint.Endpoint{Scheme: "mem", Path: "door"}); err != nil {
		h.t.Fatal(err)
	}
	if h.air != nil {
		e, err := endpoint.Parse("udp://10.0.0.1:9528")
		if err != nil {
			h.t.Fatal(err)
		}
		if err := srv.AddPacket(hub, h.air.listen(), e); err != nil {
			h.t.Fatal(err)
		}
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end = func() {
		srv.Close()
		<-served
		hub.Close()
	}
}

// stop ends the hub without a word.
func (h *house) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end()
}

func (h *house) dial(ctx context.Context) (net.Conn, error) {
	return h.streams.DialContext(ctx, "door")
}

// A guest is a client and what it was told.
type guest struct {
	*client.Client
	t    *testing.T
	done chan struct{} // closed when Run has returned and all is read
	err  error         // of Run

	mu        sync.Mutex // guards what follows
	grown     chan struct{}
	shown     []client.Message
	delivered map[uint64]uint64
	refused   []client.Refused
	cuts      int
	up        bool
	joined    int
	others    []client.Event
}

// come runs a client until the test ends.
func come(t *testing.T, cfg client.Config) *guest {
	g := &guest{Client: client.New(cfg), t: t, done: make(chan struct{}), grown: make(chan struct{}), delivered: make(map[uint64]uint64)}
	ctx, cancel := context.WithCancel(context.Background())
	var both sync.WaitGroup
	both.Go(func() { g.err = g.Run(ctx) })
	both.Go(g.listen)
	go func() { both.Wait(); close(g.done) }()
	t.Cleanup(func() { cancel(); <-g.done })
	return g
}

func (g *guest) listen() {
	for e := range g.Events() {
		g.mu.Lock()
		switch e := e.(type) {
		case client.Message:
			g.shown = append(g.shown, e)
		case client.Delivered:
			if seq, ok := g.delivered[e.ID]; ok {
				g.t.Errorf("post %d was delivered at %d and %d", e.ID, seq, e.Seq)
			}
			g.delivered[e.ID] = e.Seq
		case client.Refused:
			g.refused = append(g.refused, e)
		case client.Connected:
			g.up = true
		case client.Disconnected:
			g.cuts++
			g.up = false
		case client.Joined:
			g.joined++
		case client.Missed:
			g.t.Errorf("%+v", e)
		default:
			g.others = append(g.others, e)
		}
		close(g.grown)
		g.grown = make(chan struct{})
		g.mu.Unlock()
	}
}

// until waits until ok, which is called with the lock.
func (g *guest) until(ok func() bool) {
	for {
		g.mu.Lock()
		if ok() {
			g.mu.Unlock()
			return
		}
		grown := g.grown
		g.mu.Unlock()
		select {
		case <-grown:
		case <-g.done:
			g.t.Errorf("the client has ended: %v", g.err)
			return
		}
	}
}

// say posts n texts.
func (g *guest) say(room, who string, n int) {
	for i := range n {
		if _, err := g.PostWait(context.Background(), room, wire.Say, fmt.Sprintf("%s %d", who, i)); err != nil {
			g.t.Errorf("%s: post %d: %v", who, i, err)
			return
		}
	}
	if err := g.Flush(context.Background()); err != nil {
		g.t.Error(err)
	}
}

// saw checks that of each sender every message was shown once and in order, and
// that the places grow.
func (g *guest) saw(room string, who []string, n int) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	next := make(map[string]int)
	last := uint64(0)
	for _, m := range g.shown {
		if m.Room != room {
			continue
		}
		if m.Seq <= last {
			g.t.Fatalf("message %d %q came after %d", m.Seq, m.Text, last)
		}
		last = m.Seq
		var sender string
		var i int
		fmt.Sscanf(m.Text, "%s %d", &sender, &i)
		if i != next[sender] {
			g.t.Fatalf("got %q, want number %d of %s", m.Text, next[sender], sender)
		}
		next[sender]++
	}
	for _, w := range who {
		if next[w] != n {
			g.t.Errorf("%d messages of %s, want %d", next[w], w, n)
		}
	}
	if len(g.refused) > 0 {
		g.t.Errorf("refused: %+v", g.refused)
	}
}
