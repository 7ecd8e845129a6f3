package servicetest

import (
	"errors"
	"io"
	"runtime/debug"
	"slices"
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
		t.Run(c.name, func(t *testing.T) {
			if c.name == "bytewise" && opts.Unsplit != "" {
				t.Skip(opts.Unsplit)
			}
			run := func(t *testing.T) { runCheck(t, c, w, newService, opts) }
			if w.simulated {
				inBubble(t, run)
			} else {
				run(t)
			}
		})
	}
}

// runCheck runs one check on a service and a server of its own.
func runCheck(t *testing.T, c check, w way, newService func() parley.Service, opts Options) {
	svc := newService()
	if owner, ok := svc.(io.Closer); ok {
		t.Cleanup(func() {
			if err := owner.Close(); err != nil {
				t.Errorf("Close of the service: %v", err)
			}
		})
	}
	c.run(newRig(t, c, w, svc, opts))
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
const patience = 5 * time.Second

// inBubble runs a check in simulated time. A service that waits for a mutex
// there stops the clock, and with it every patience; hung ends that.
func inBubble(t *testing.T, run func(t *testing.T)) {
	hang := time.AfterFunc(4*patience, func() { hung(t.Name()) })
	defer hang.Stop()
	synctest.Test(t, run)
}

// hung ends the process as a test that has run out of its time does.
func hung(name string) {
	debug.SetTraceback("all")
	panic("servicetest: " + name + " hangs: the service waits for something that no peer brings; see the goroutines below")
}
