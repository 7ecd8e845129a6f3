package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// mustParse is Parse for text that is known to be good.
func mustParse(t testing.TB, texts ...string) []Targets {
	t.Helper()
	var list []Targets
	for _, text := range texts {
		one, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
	return list
}

// testRunner looks by look and appends what it finds to found.
func testRunner(targets []Targets, gap time.Duration, limit int, look func(context.Context, Target) Result, found *[]Result) *runner {
	return &runner{
		targets: targets, gap: gap, limit: limit, look: look,
		found: func(r Result) { *found = append(*found, r) },
		done:  make(chan outcome),
	}
}

// ports are those of the results, in their order.
func portsOf(found []Result) string {
	var ports []string
	for _, r := range found {
		ports = append(ports, r.Target.Endpoint.Port)
	}
	return strings.Join(ports, " ")
}

// after takes d for each target, and says that it is open; less if ctx ends.
func after(d func(Target) time.Duration) func(context.Context, Target) Result {
	return func(ctx context.Context, t Target) Result {
		r := Result{Target: t, At: time.Now(), State: Open, Up: true}
		if sleepUntil(ctx, time.Now().Add(d(t))) != nil {
			r.State, r.Up = TimedOut, false
		}
		return r
	}
}

// Results come as they are there, not in the order of the targets.
func TestRoundOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found []Result
		takes := map[string]time.Duration{"1": 5 * time.Second, "2": time.Second, "3": 3 * time.Second, "4": 10 * time.Millisecond}
		r := testRunner(mustParse(t, "tcp://h:1-4"), 0, 100, after(func(t Target) time.Duration { return takes[t.Endpoint.Port] }), &found)
		up, err := r.round(t.Context(), 0)
		if got := portsOf(found); got != "4 2 3 1" || !up || err != nil {
			t.Errorf("found %s, %t, %v; want 4 2 3 1 and all up", got, up, err)
		}
	})
}

// No more than the limit are under way, and never fewer while there are any.
func TestRoundConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found []Result
		var under, most atomic.Int32
		look := func(ctx context.Context, one Target) Result {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			return after(func(Target) time.Duration { return time.Second })(ctx, one)
		}
		begun := time.Now()
		testRunner(mustParse(t, "tcp://h:1-20"), 0, 4, look, &found).round(t.Context(), 0)
		if took := time.Since(begun); took != 5*time.Second || most.Load() != 4 || len(found) != 20 {
			t.Errorf("%d looked at in %v, at most %d at once; want 20 in 5s, 4 at once", len(found), took, most.Load())
		}
	})
}

// Each begins when it is due, however long others take.
func TestRoundRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found []Result
		begun := time.Now()
		look := after(func(Target) time.Duration { return 7 * time.Millisecond })
		testRunner(mustParse(t, "tcp://h:1-50"), 20*time.Millisecond, 100, look, &found).round(t.Context(), 0)
		for i, r := range found {
			if at := r.At.Sub(begun); at != time.Duration(i)*20*time.Millisecond {
				t.Errorf("number %d began after %v", i, at)
			}
		}
		if len(found) != 50 {
			t.Errorf("found %d, want 50", len(found))
		}
	})
}

// What was held up is caught up within the burst, and no more.
func TestPacer(t *testing.T) {
	p := pacer{gap: time.Millisecond}
	now := time.Unix(1000, 0)
	takeAll := func() (n int) {
		for p.take(now) == 0 {
			n++
		}
		return n
	}
	if n := takeAll(); n != 1 {
		t.Errorf("%d at the beginning, want 1", n)
	}
	if wait := p.take(now); wait != time.Millisecond {
		t.Errorf("the next is due in %v", wait)
	}
	now = now.Add(5 * time.Millisecond)
	if n := takeAll(); n != 5 {
		t.Errorf("%d after 5 ms, want 5", n)
	}
	now = now.Add(time.Hour)
	if n := takeAll(); n != 11 {
		t.Errorf("%d after an hour, want 11", n)
	}
	p = pacer{}
	for range 100 {
		if wait := p.take(now); wait != 0 {
			t.Fatalf("without a rate the next is due in %v", wait)
		}
	}
}

// When ctx ends nothing begins any more, and what was cut short is no result.
func TestRoundEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Millisecond)
		defer cancel()
		var found []Result
		takes := func(t Target) time.Duration {
			if t.Endpoint.Port == "2" {
				return time.Hour
			}
			return time.Millisecond
		}
		up, err := testRunner(mustParse(t, "tcp://h:1-100"), 10*time.Millisecond, 100, after(takes), &found).round(ctx, 0)
		if got := portsOf(found); got != "1 3" || up || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("found %s, %t, %v; want 1 3 and the context's error", got, up, err)
		}
	})
}

// Pings that were cut short say how far they came.
func TestRoundKeepsPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var found []Result
		look := func(ctx context.Context, one Target) Result {
			<-ctx.Done()
			r := Result{Target: one, State: Answered, Up: true, Ping: &Ping{Sent: 3, Received: 3}}
			if one.Endpoint.Host == "b" {
				r.Ping.Sent = 0
			}
			return r
		}
		_, err := testRunner(mustParse(t, "icmp://a", "icmp://b"), 0, 2, look, &found).round(ctx, 0)
		if len(found) != 1 || found[0].Target.Endpoint.Host != "a" || err == nil {
			t.Errorf("found %v, %v; want what a answered, and the context's error", found, err)
		}
	})
}

// A change is marked with what was before; what appears twice is known twice.
func TestRoundMarksChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found []Result
		var state State
		var tls *TLS
		look := func(_ context.Context, one Target) Result { return Result{Target: one, State: state, TLS: tls} }
		r := testRunner(mustParse(t, "tls://h:1"), 0, 1, look, &found)
		r.before = make(map[job]known)
		leaf := func(hash, fault string) *TLS {
			return &TLS{Pin: "p", VerifyError: fault, Chain: []Certificate{{SHA256: hash}}}
		}
		for i, tt := range []struct {
			state   State
			tls     *TLS
			changed bool
			before  State
		}{
			{Open, leaf("a", ""), false, ""},
			{Open, leaf("a", ""), false, ""},
			{Refused, nil, true, Open},
			{Refused, nil, false, ""},
			{Open, leaf("a", ""), true, Refused},
			{Open, leaf("b", ""), true, Open},
			{Open, leaf("b", "expired"), true, Open},
		} {
			state, tls, found = tt.state, tt.tls, nil
			r.round(t.Context(), i)
			if got := found[0]; got.Changed != tt.changed || got.Before != tt.before || got.Round != i {
				t.Errorf("round %d: %s, changed %t from %q; want %t from %q", got.Round, got.State, got.Changed, got.Before, tt.changed, tt.before)
			}
		}
		r.targets = append(r.targets, r.targets...)
		state, found = TimedOut, nil
		r.limit = 1
		r.round(t.Context(), 9)
		if fmt.Sprint(found[0].Changed, found[1].Changed) != "true false" {
			t.Errorf("a target named twice: changed %t, %t; want true for the one known before alone", found[0].Changed, found[1].Changed)
		}
		state, found = Open, nil
		r.round(t.Context(), 10)
		if fmt.Sprint(found[0].Changed, found[1].Changed) != "true true" {
			t.Errorf("a target named twice: changed %t, %t; want true for both", found[0].Changed, found[1].Changed)
		}
	})
}

// Watching begins again after the time given, counted from the beginning, and ends
// with ctx; up is that of the last whole round.
func TestRunWatches(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var rounds []int
	begun := time.Now()
	up, err := Run(ctx, mustParse(t, "mem:"+t.Name()), Options{Watch: time.Millisecond}, func(r Result) {
		if rounds = append(rounds, r.Round); len(rounds) == 5 {
			cancel()
		}
	})
	if up || !errors.Is(err, context.Canceled) || !slices.Equal(rounds, []int{0, 1, 2, 3, 4}) {
		t.Errorf("rounds %v, %t, %v; want 5 and the end of the context", rounds, up, err)
	}
	if took := time.Since(begun); took < 4*time.Millisecond {
		t.Errorf("5 rounds in %v, want at least 4ms", took)
	}
}

func TestRunOfNothing(t *testing.T) {
	up, err := Run(t.Context(), nil, Options{}, func(Result) { t.Error("something was found") })
	if !up || err != nil {
		t.Errorf("Run of nothing = %t, %v", up, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if up, err = Run(ended, mustParse(t, "tcp://127.0.0.1:1-9"), Options{}, func(Result) { t.Error("something was found") }); up || err == nil {
		t.Errorf("Run within what has ended = %t, %v", up, err)
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		got, want any
	}{
		{Options{}.timeout(), 2 * time.Second},
		{Options{Timeout: time.Second}.timeout(), time.Second},
		{Options{}.concurrency(), 256},
		{Options{Concurrency: 3}.concurrency(), 3},
		{Options{}.gap(), time.Millisecond},
		{Options{Rate: 50}.gap(), 20 * time.Millisecond},
		{Options{Rate: -1}.gap(), time.Duration(0)},
		{Options{Rate: 1e-30}.gap(), time.Hour},
		{Options{}.banner(), 250 * time.Millisecond},
		{Options{Banner: -1}.banner(), time.Duration(0)},
		{Options{Banner: time.Second}.banner(), time.Second},
		{Options{}.count(), 4},
		{Options{}.interval(), 200 * time.Millisecond},
		{Options{}.tries(), 2},
	} {
		if tt.got != tt.want {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
}

// What may be under way at once fits into the descriptors that are free.
func TestDescriptorLimit(t *testing.T) {
	free, limited := freeDescriptors()
	if !limited {
		t.Skip("this system has no such limit")
	}
	numeric := descriptorLimit(mustParse(t, "tcp://127.0.0.1:1-9"))
	named := descriptorLimit(mustParse(t, "tcp://127.0.0.1:1-9", "tcp://localhost:1"))
	both := descriptorLimit(mustParse(t, "udp://127.0.0.1:60-70"))
	if numeric > free-sparedDescriptors || numeric < free/2 || named > numeric/nameDescriptors+1 || both != named {
		t.Errorf("with %d free: %d by address, %d by name, %d with tftp", free, numeric, named, both)
	}
}

// A certificate that stays as wrong as it was has not changed.
func TestKnownHasNoTime(t *testing.T) {
	root := issue(t, nil, authority("root"))
	s := issue(t, root, func(c *x509.Certificate) { c.NotAfter = today.Add(-10 * time.Minute) })
	at := func(now time.Time) known {
		return knownOf(Result{State: Open, TLS: &TLS{VerifyError: believing(root).judge([]*x509.Certificate{s.cert}, now).err().Error()}})
	}
	if at(today) != at(today.Add(time.Minute)) {
		t.Error("changed within a minute")
	}
}
