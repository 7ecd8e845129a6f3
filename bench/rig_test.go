package bench

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"parley"
	"parley/endpoint"
	"parley/service"
	"parley/transport"
)

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// awhile ends with the test, or when it takes too long.
func awhile(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// echoing is an echo exchange with messages of size bytes.
func echoing(t testing.TB, size int) Exchange {
	t.Helper()
	x, err := Echo(Content{Size: size, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// serveEcho serves echo at an endpoint until the test ends.
func serveEcho(t testing.TB, s *parley.Server, at string) endpoint.Endpoint {
	t.Helper()
	if err := s.Listen(context.Background(), service.Echo{}, at); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
	e := s.Endpoints()[0].Bare()
	if pin := s.Stats()[0].Pin; pin != "" {
		e = e.With("pin", pin)
	}
	return e
}

// A peer is a server that does what a test says, which is unlike any service.
type peer struct {
	t     testing.TB
	ln    net.Listener
	serve func(c net.Conn)
	wg    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	taken int // ever
	over  bool
}

// listen has serve called for every session at an endpoint until the test ends.
// The session is closed when serve returns.
func listen(t testing.TB, at string, serve func(c net.Conn)) (*peer, endpoint.Endpoint) {
	t.Helper()
	e := endpoint.MustParse(at)
	ln, err := transport.Listen(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, ln: ln, serve: serve, conns: make(map[net.Conn]struct{})}
	p.wg.Add(1)
	go p.accept()
	t.Cleanup(p.close)
	return p, e.WithAddr(ln.Addr())
}

func (p *peer) accept() {
	defer p.wg.Done()
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.over {
			c.Close()
		} else {
			p.conns[c] = struct{}{}
			p.taken++
			p.wg.Add(1)
			go p.one(c)
		}
		p.mu.Unlock()
	}
}

func (p *peer) one(c net.Conn) {
	defer p.wg.Done()
	p.serve(c)
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// close ends the peer, as a process that ends does.
func (p *peer) close() {
	p.ln.Close()
	p.cut()
	p.wg.Wait()
}

// cut ends the listening and every session.
func (p *peer) cut() {
	p.ln.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for c := range p.conns {
		c.Close()
	}
}

// sessions is how many were accepted ever.
func (p *peer) sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// echoBytes sends back what comes.
func echoBytes(c net.Conn) { io.Copy(c, c) }

// echoes sends back n messages of size bytes.
func echoes(c net.Conn, n, size int) {
	io.CopyN(c, c, int64(n*size))
}

// silent takes what comes and answers nothing.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// reset ends c by a reset.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// run is Run, which is to find nothing wrong with the load.
func mustRun(t testing.TB, ctx context.Context, l Load) *Report {
	t.Helper()
	r, err := Run(ctx, l)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	checkReport(t, r)
	return r
}

// checkReport checks what holds of every report.
func checkReport(t testing.TB, r *Report) {
	t.Helper()
	if r.Latency == nil {
		t.Fatal("a report without a Latency")
	}
	if left := r.Opened + r.Reopened - r.Failed; r.Mode != Connects && r.Open < left {
		t.Errorf("%d sessions opened, %d opened again, %d failed, %d open at the end: want at least %d", r.Opened, r.Reopened, r.Failed, r.Open, left)
	}
	var sum Interval
	for _, i := range r.Intervals {
		sum.Sent += i.Sent
		sum.Answered += i.Answered
		sum.Length += i.Length
	}
	if sum.Sent != r.Sent || sum.Answered != r.Answered {
		t.Errorf("the intervals have %d messages sent and %d answered, the report %d and %d", sum.Sent, sum.Answered, r.Sent, r.Answered)
	}
	if r.Elapsed > 0 && sum.Length != r.Elapsed {
		t.Errorf("the intervals last %v, the report says %v", sum.Length, r.Elapsed)
	}
	for kind := range r.Errors {
		if r.FirstErrors[kind] == "" {
			t.Errorf("errors of kind %q, and no text of the first", kind)
		}
	}
}

// wantErrors checks that a report has errors of exactly these kinds.
func wantErrors(t testing.TB, r *Report, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		if r.Errors[kind] == 0 {
			t.Errorf("no error of kind %q: %v %v", kind, r.Errors, r.FirstErrors)
		}
	}
	if len(r.Errors) != len(kinds) {
		t.Errorf("errors %v, want of kinds %q", r.FirstErrors, kinds)
	}
}
