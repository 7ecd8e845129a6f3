package chat_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"parley"
	"parley/chat"
	"parley/chat/wire"
	"parley/endpoint"
	"parley/transport"
)

// A rig is a hub that is served at some endpoints.
type rig struct {
	t   testing.TB
	hub *chat.Hub
	srv *parley.Server
	at  []endpoint.Endpoint
	end func()
}

// serve serves hub, at mem: if no endpoint is given, until the test ends.
func serve(t testing.TB, hub *chat.Hub, at ...string) *rig {
	t.Helper()
	if err := hub.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, hub: hub, srv: &parley.Server{Events: func(e *parley.Event) {
		if e.Kind == parley.EventFail {
			t.Errorf("the server failed: %v %s", e.Err, e.Text)
		}
	}}}
	if len(at) == 0 {
		at = []string{endpoint.Endpoint{Scheme: "mem", Path: t.Name()}.String()}
	}
	if err := r.srv.Listen(context.Background(), hub, at...); err != nil {
		t.Fatal(err)
	}
	r.at = r.srv.Endpoints()
	r.start()
	return r
}

// start serves; it ends with the test.
func (r *rig) start() {
	served := make(chan error, 1)
	go func() { served <- r.srv.Serve() }()
	r.end = sync.OnceFunc(func() {
		r.srv.Close()
		if err := <-served; err != parley.ErrServerClosed {
			r.t.Errorf("Serve ended with %v", err)
		}
		if err := r.hub.Close(); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(r.end)
}

// A peer is somebody at the hub.
type peer struct {
	t    testing.TB
	name string
	conn net.Conn
	in   *bufio.Reader
}

// dial connects to endpoint i.
func (r *rig) dialAt(i int, name string) *peer {
	r.t.Helper()
	c, err := transport.Dial(context.Background(), r.at[i])
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return newPeer(r.t, name, c)
}

func (r *rig) dial(name string) *peer { return r.dialAt(0, name) }

func newPeer(t testing.TB, name string, c net.Conn) *peer {
	return &peer{t: t, name: name, conn: c, in: bufio.NewReaderSize(c, 1<<16)}
}

// patience is how long a peer waits for a line.
const patience = 20 * time.Second

// say sends lines.
func (p *peer) say(lines ...string) {
	p.t.Helper()
	for _, line := range lines {
		p.conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(p.conn, line+"\n"); err != nil {
			p.t.Fatalf("%s: say %q: %v", p.name, line, err)
		}
	}
}

// line reads a line.
func (p *peer) line() string {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(patience))
	line, err := p.in.ReadString('\n')
	if err != nil {
		p.t.Fatalf("%s: read after %q: %v", p.name, line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// want expects lines; one that begins with ~ is an expression.
func (p *peer) want(lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		got := p.line()
		if expr, ok := strings.CutPrefix(want, "~"); ok {
			if !regexp.MustCompile("^(" + expr + ")$").MatchString(got) {
				p.t.Fatalf("%s: got %q, want it to match %q", p.name, got, expr)
			}
		} else if got != want {
			p.t.Fatalf("%s: got %q, want %q", p.name, got, want)
		}
	}
}

// wantNothing expects to be sent nothing for a second.
func (p *peer) wantNothing() {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(time.Second))
	if line, err := p.in.ReadString('\n'); err == nil || line != "" {
		p.t.Fatalf("%s: got %q, %v, want nothing", p.name, line, err)
	}
}

// wantEnd expects the end of the session.
func (p *peer) wantEnd() {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(patience))
	if line, err := p.in.ReadString('\n'); !errors.Is(err, io.EOF) || line != "" {
		p.t.Fatalf("%s: got %q, %v, want the end", p.name, line, err)
	}
}

// plain is a plain peer that has been welcomed.
func (r *rig) plain(name string) *peer {
	r.t.Helper()
	p := r.dial(name)
	p.want("~\\* you are .* in lobby, .*")
	return p
}

// token is a token for a name.
func token(name string) string {
	return fmt.Sprintf("%s%s", name, strings.Repeat("x", 30-len(name)))
}

// self is the public half of it.
func self(name string) string { return wire.PublicHalf(token(name)) }

// client is a client that has said hello, in no room yet.
func (r *rig) client(name string) *peer {
	r.t.Helper()
	p := r.dial(name)
	p.hello(name)
	return p
}

func (p *peer) hello(name string) {
	p.t.Helper()
	p.say("PARLEY 1 token=" + token(name) + " name=" + name)
	p.want("~PARLEY 1 name=" + name + " self=" + self(name) + " next=[0-9]+ room=lobby max=4096.*")
}
