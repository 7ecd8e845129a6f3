package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
)

// startNATS is startServer with an end.
func startNATS(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	s := startServer(t, dir, port)
	t.Cleanup(func() { stopServer(s) })
	return s
}

func connectNATS(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeConn(nc) })
	return nc
}

// A replica is what a hub was told of the others.
type replica struct {
	mu      sync.Mutex
	present map[string]chat.Presence // by author
	calls   []string
	private []string
	then    func(chat.Presence) // called first by Present, if it is set
	names   map[string]bool     // that Told knows
	changed chan struct{}       // closed and replaced by every call
}

func newReplica() *replica {
	return &replica{present: map[string]chat.Presence{}, names: map[string]bool{}, changed: make(chan struct{})}
}

func (r *replica) note(call string) {
	r.calls = append(r.calls, call)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *replica) elsewhere() chat.Elsewhere {
	return chat.Elsewhere{
		Present: func(p chat.Presence, was string) {
			if r.then != nil {
				r.then(p)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.present[p.Author] = p
			r.note(fmt.Sprintf("present %s %s %v was %q", p.Name, p.Author, p.Rooms, was))
		},
		Absent: func(p chat.Presence, why string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.present, p.Author)
			r.note(fmt.Sprintf("absent %s %s %s", p.Name, p.Author, why))
		},
		Told: func(to string, p chat.Private) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if !r.names[to] {
				return chat.ErrNobody
			}
			r.private = append(r.private, fmt.Sprintf("%s to %s: %s", p.Name, to, p.Text))
			r.note("told")
			return nil
		},
	}
}

// called reports whether there was such a call.
func (r *replica) called(call string) func() bool {
	return func() bool { return slices.Contains(r.calls, call) }
}

// has reports whether exactly these authors are present.
func (r *replica) has(authors ...string) func() bool {
	slices.Sort(authors)
	return func() bool { return slices.Equal(slices.Sorted(maps.Keys(r.present)), authors) }
}

// await waits until ok, which is called with r.mu held.
func (r *replica) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		done, changed := ok(), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("%s: not in time; present %v, calls %q", what, r.present, r.calls[max(0, len(r.calls)-20):])
		}
	}
}

// A testHub is a hub on a connection of its own.
type testHub struct {
	*Directory
	*replica
	t    testing.TB
	stop context.CancelFunc
}

// startHub starts a hub with short times.
func startHub(t testing.TB, url string) *testHub {
	t.Helper()
	nc := connectNATS(t, url)
	js, err := natsjs.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	h := &testHub{newDirectory(nc, js, 1, slog.New(slog.DiscardHandler)), newReplica(), t, nil}
	h.beatEvery, h.lostAfter, h.coalesce = 100*time.Millisecond, 5, 10*time.Millisecond
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	t.Cleanup(func() { h.stop(); h.Close() })
	if err := h.Follow(ctx, h.elsewhere()); err != nil {
		t.Fatal(err)
	}
	return h
}

// die ends a hub as a killed process does.
func (h *testHub) die() {
	h.stop()
	h.wg.Wait()
	closeConn(h.nc)
}

func (h *testHub) claim(name, author string, rooms ...string) {
	h.t.Helper()
	if err := h.Claim(context.Background(), chat.Presence{Name: name, Author: author, Rooms: rooms}); err != nil {
		h.t.Fatalf("claim %s for %s: %v", name, author, err)
	}
}

func (h *testHub) claimFails(name, author string) {
	h.t.Helper()
	err := h.Claim(context.Background(), chat.Presence{Name: name, Author: author})
	if !errors.Is(err, chat.ErrNameTaken) {
		h.t.Fatalf("claim %s for %s: got %v, want %v", name, author, err, chat.ErrNameTaken)
	}
}

func (h *testHub) release(name, author, why string) {
	h.t.Helper()
	if err := h.Release(context.Background(), chat.Presence{Name: name, Author: author}, why); err != nil {
		h.t.Fatalf("release %s of %s: %v", name, author, err)
	}
}

// A gate is a way to a server that can be shut.
type gate struct {
	lis net.Listener
	to  string
	wg  sync.WaitGroup

	mu    sync.Mutex
	isOff bool
	conns map[net.Conn]bool
}

func startGate(t testing.TB, url string) *gate {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{lis: lis, to: strings.TrimPrefix(url, "nats://"), conns: map[net.Conn]bool{}}
	g.wg.Go(g.accept)
	t.Cleanup(func() {
		lis.Close()
		g.shut()
		g.wg.Wait()
	})
	return g
}

func (g *gate) addr() string { return g.lis.Addr().String() }

func (g *gate) accept() {
	for {
		in, err := g.lis.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", g.to)
		if err != nil {
			in.Close()
			continue
		}
		g.join(in, out)
	}
}

// join passes on both ways, unless the gate is shut.
func (g *gate) join(in, out net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOff {
		in.Close()
		out.Close()
		return
	}
	g.conns[in], g.conns[out] = true, true
	g.wg.Go(func() { io.Copy(out, in); out.Close() })
	g.wg.Go(func() { io.Copy(in, out); in.Close() })
}

// shut cuts all connections, and those that come.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOff = true
	for c := range g.conns {
		c.Close()
	}
	clear(g.conns)
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOff = false
}
