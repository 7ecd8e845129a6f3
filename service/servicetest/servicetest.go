package servicetest

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/internal/leak"
)

// Options says how a service is tested.
type Options struct {
	// Dialogue returns what the peer of that number (from 0) and the service
	// say to each other. A service that tells peers apart is best tested by a
	// dialogue that differs from peer to peer. Required; it is called from
	// many goroutines at once.
	Dialogue func(peer int) Dialogue

	// Datagrams is Dialogue on datagrams, where a peer is heard of only when it
	// sends. Nil is Dialogue.
	Datagrams func(peer int) Dialogue

	// Not names the schemes that the service cannot be carried on, each with
	// the reason, with which its tests are skipped.
	Not map[string]string

	// Only names the schemes to test. Nil is all.
	Only []string

	// Framing is for a service that is not parley.Framed, on byte streams.
	// Nil is parley.Raw.
	Framing parley.Framing

	// Unsplit says why the service may answer otherwise when its messages
	// arrive in parts, as one of framing Raw does that takes each read as a
	// message; the check bytewise is skipped with it.
	Unsplit string

	// Later says why answers may come after Serve has returned, from another
	// goroutine of the service, say. A server that drains does not wait for
	// what it does not know of; so the check drain then lets every peer
	// have its answers first.
	Later string

	// RealTime tests over memory in real time, for a service that waits for
	// something outside of the test, say another process. The checks
	// that need simulated time are skipped.
	RealTime bool
}

// Test tests the services that newService returns. It is called once for each
// check and transport; a service with goroutines of its own is an [io.Closer],
// and is closed when its server has ended. Test must not be called from a
// parallel test: it looks for goroutines that are left.
func Test(t *testing.T, newService func() parley.Service, opts Options) {
	t.Helper()
	if opts.Dialogue == nil {
		t.Fatal("servicetest: Options.Dialogue is nil")
	}
	leak.Check(t)
	t.Run("over", func(t *testing.T) { // so that the transports have ended when leak looks
		for _, w := range ways() {
			if opts.Only != nil && !slices.Contains(opts.Only, w.scheme) {
				continue
			}
			t.Run(w.scheme, func(t *testing.T) {
				t.Parallel()
				testOver(t, w, newService, opts)
			})
		}
	})
}

// testOver tests over one transport.
func testOver(t *testing.T, w way, newService func() parley.Service, opts Options) {
	if reason := opts.Not[w.scheme]; reason != "" {
		t.Skip(reason)
	}
	if err := w.available(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	w.simulated = w.simulated && !opts.RealTime
	for _, c := range checks() {
		if c.simulated && !w.simulated || c.streams && w.datagrams {
			continue
		}
		ok := t.Run(c.name, func(t *testing.T) {
			if c.name == "bytewise" && opts.Unsplit != "" {
				t.Skip(opts.Unsplit)
			}
			run := func(t *testing.T, f *findings) { runCheck(t, f, c, w, newService, opts) }
			if w.simulated {
				inBubble(t, hangTime, run)
			} else {
				run(t, new(findings))
			}
		})
		if !ok && c.name == "talk" {
			return // the rest would say the same in more words
		}
	}
}

// runCheck runs one check on a service and a server of its own.
func runCheck(t *testing.T, f *findings, c check, w way, newService func() parley.Service, opts Options) {
	svc := newService()
	if owner, ok := svc.(io.Closer); ok {
		t.Cleanup(func() {
			if err := owner.Close(); err != nil {
				t.Errorf("Close of the service: %v", err)
			}
		})
	}
	c.run(newRig(t, f, c, w, svc, opts))
}

// A check is one thing that is tested, on a server of its own.
type check struct {
	name      string
	run       func(*rig)
	simulated bool          // only in simulated time
	streams   bool          // only on streams
	rough     bool          // peers misbehave: what is refused is no fault
	limits    parley.Limits // in addition to those of newRig
}

func checks() []check {
	return []check{
		{name: "talk", run: checkTalk},
		{name: "many", run: checkMany},
		{name: "bytewise", run: checkBytewise, simulated: true, streams: true},
		{name: "disturbed", run: checkDisturbed, rough: true},
		{name: "drain", run: checkDrain},
		{name: "stall", run: checkStall, rough: true, limits: parley.Limits{Stall: stall, Pending: pending}},
		{name: "keep", run: checkKeep, simulated: true},
	}
}

// patience is how long anything may take. It is not waited for unless the
// service is broken.
const patience = 30 * time.Second

// hangTime is how long, in real time, a check may take in simulated time.
const hangTime = time.Minute

// inBubble runs a check in simulated time. A service that waits for a mutex
// there, or for ever, stops the clock or the server's end, and with it every
// patience; hung ends that after limit, in real time.
func inBubble(t *testing.T, limit time.Duration, run func(*testing.T, *findings)) {
	f := new(findings)
	hang := time.AfterFunc(limit, func() { hung(t.Name(), f) })
	defer hang.Stop()
	synctest.Test(t, func(t *testing.T) { run(t, f) })
}

// hung ends the process as a test that has run out of its time does.
func hung(name string, f *findings) {
	debug.SetTraceback("all")
	panic(fmt.Sprintf("servicetest: %s hangs: the service waits for something that does not come; see the goroutines below%s", name, f))
}

// findings are the faults of a check, for hung: what a test logs is lost when
// the process panics.
type findings struct {
	mu   sync.Mutex // guards list
	list []string
}

// add returns how many there are.
func (f *findings) add(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, text)
	return len(f.list)
}

func (f *findings) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list) > 0
}

func (f *findings) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return ""
	}
	return "; found before: " + strings.Join(f.list, "; ")
}
