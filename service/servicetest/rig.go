package servicetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// A rig is a server of the service at one endpoint, for one check.
type rig struct {
	// Constant.
	t        testing.TB
	findings *findings
	check    check
	way      way
	opts     Options
	probe    *probe
	srv      *parley.Server
	at       endpoint.Endpoint // to dial
	served   chan error

	mu       sync.Mutex // guards what follows
	change   chan struct{}
	accepted int
	rejected int
	first    uint64           // the session that opened first
	ended    map[uint64]error // by session, the reason
	peers    []*peer
}

// maxFaults is how many faults of a check are reported: a service that is broken
// is so all over.
const maxFaults = 5

func newRig(t testing.TB, f *findings, c check, w way, svc parley.Service, opts Options) *rig {
	r := &rig{t: t, findings: f, check: c, way: w, opts: opts, served: make(chan error, 1), change: make(chan struct{}), ended: make(map[uint64]error)}
	r.probe = newProbe(svc, opts.Framing, w.datagrams, r.fault, r.changed)
	limits := c.limits
	limits.Idle, limits.Handshake, limits.Linger = time.Hour, 2*patience, 2*patience
	r.srv = &parley.Server{Limits: limits, Events: r.event}
	if err := r.srv.Listen(context.Background(), r.probe.service(), w.endpoint(t)); err != nil {
		t.Fatal(err)
	}
	r.at = r.srv.Endpoints()[0]
	if pin := r.srv.Stats()[0].Pin; pin != "" {
		r.at = r.at.With("pin", pin)
	}
	go r.serve()
	t.Cleanup(r.close)
	return r
}

// serve ends when the server is closed; close waits for it.
func (r *rig) serve() { r.served <- r.srv.Serve() }

// close ends what is left of the check.
func (r *rig) close() {
	r.mu.Lock()
	peers := r.peers
	r.mu.Unlock()
	for _, p := range peers {
		p.conn.Close()
	}
	r.srv.Close()
	if err := <-r.served; err != parley.ErrServerClosed {
		r.fault("Serve of the server ended with %v", err)
	}
	if n := r.probe.unpaired(); n > 0 {
		r.fault("%d sessions were opened and never closed", n)
	}
}

// fault reports something broken, and lets no peer wait for what will not come.
// Unlike testing.T's Fatal it may be called by any goroutine.
func (r *rig) fault(format string, args ...any) {
	r.t.Helper()
	text := fmt.Sprintf(format, args...)
	if r.findings.add(text) <= maxFaults {
		r.t.Error(text)
	}
	r.mu.Lock()
	peers := r.peers
	r.mu.Unlock()
	for _, p := range peers {
		p.abort()
	}
}

func (r *rig) faulty() bool { return r.findings.any() }

// need reports err, if it is one.
func (r *rig) need(err error) {
	r.t.Helper()
	if err != nil && !errors.Is(err, errAborted) {
		r.fault("%v", err)
	}
}

// event is what the server tells.
func (r *rig) event(e *parley.Event) {
	switch e.Kind {
	case parley.EventFail:
		r.fault("%v\n%s", e.Err, e.Text)
	case parley.EventReject:
		if !r.check.rough {
			r.fault("the server refused something: %v", e.Err)
		}
	}
	r.mu.Lock()
	switch e.Kind {
	case parley.EventAccept:
		if r.accepted++; r.accepted == 1 {
			r.first = e.Session
		}
	case parley.EventReject:
		r.rejected++
	case parley.EventEnd:
		r.ended[e.Session] = e.Err
	}
	r.mu.Unlock()
	r.changed()
}

// changed wakes everybody who waits in await.
func (r *rig) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.change)
	r.change = make(chan struct{})
}

// await waits until done, which is looked at after every event and call of the
// service.
func (r *rig) await(what string, done func() bool) error {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		r.mu.Lock()
		change := r.change
		r.mu.Unlock()
		if done() {
			return nil
		}
		if r.faulty() {
			return errAborted
		}
		select {
		case <-change:
		case <-limit.C:
			return fmt.Errorf("waited %v in vain for %s", patience, what)
		}
	}
}

// awaitAccepted waits until n sessions have opened.
func (r *rig) awaitAccepted(n int) error {
	return r.await(fmt.Sprintf("%d sessions to open", n), func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.accepted >= n
	})
}

// awaitOpen waits until no more than n sessions are left.
func (r *rig) awaitOpen(n int) error {
	return r.await(fmt.Sprintf("sessions to end whose peers have left, but %d", n), func() bool {
		return r.srv.Stats()[0].Open <= n
	})
}

// awaitFirstEnd waits for the end of the session that opened first, and returns
// its reason.
func (r *rig) awaitFirstEnd() (reason error, err error) {
	err = r.await("the session to end", func() (ended bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		reason, ended = r.ended[r.first]
		return ended
	})
	return reason, err
}

// dealt is how often the server has called the service or refused something.
func (r *rig) dealt() int {
	n := r.probe.called()
	r.mu.Lock()
	defer r.mu.Unlock()
	return n + r.rejected
}

// dialogue is that of peer i.
func (r *rig) dialogue(i int) Dialogue {
	if r.way.datagrams && r.opts.Datagrams != nil {
		return r.opts.Datagrams(i)
	}
	return r.opts.Dialogue(i)
}

// streamer reports whether the service is given the raw stream.
func (r *rig) streamer() bool {
	_, ok := r.probe.svc.(parley.Streamer)
	return ok && !r.way.datagrams
}

// dial is a new peer, which is closed with the rig at the latest.
func (r *rig) dial() (*peer, error) {
	if r.faulty() {
		return nil, errAborted
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := transport.Dial(ctx, r.at)
	if err != nil {
		return nil, err
	}
	p := newPeer(r, conn)
	r.mu.Lock()
	r.peers = append(r.peers, p)
	r.mu.Unlock()
	return p, nil
}

// mustDial is dial for the goroutine of the test.
func (r *rig) mustDial() *peer {
	r.t.Helper()
	p, err := r.dial()
	if errors.Is(err, errAborted) {
		r.t.FailNow()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// converse has the whole dialogue of peer i.
func (r *rig) converse(i int) error {
	p, err := r.dial()
	if err != nil {
		return err
	}
	defer p.conn.Close()
	d := r.dialogue(i)
	if err := p.say(d.Steps...); err != nil {
		return err
	}
	return p.end(d.Ends)
}
