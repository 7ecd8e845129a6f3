package bench

import (
	"context"
	"testing"
	"time"

	"parley"
)

// TestFallsBehind asks goroutines for a rate that nobody can make: the run still ends, in its time and
// by an interruption, and what was never sent is counted.
func TestFallsBehind(t *testing.T) {
	e := serveEcho(t, new(parley.Server), "mem:"+t.Name())
	for _, c := range []struct {
		name string
		wait time.Duration // until it is interrupted, 0 never
		time time.Duration
	}{
		{"to its end", 0, 100 * time.Millisecond},
		{"interrupted", 50 * time.Millisecond, time.Hour},
	} {
		ctx, cancel := context.WithCancel(awhile(t))
		if c.wait > 0 {
			time.AfterFunc(c.wait, cancel)
		}
		r := mustRun(t, ctx, Load{Endpoint: e, Exchange: echoing(t, 64), Rate: mostRate, Time: c.time, Warmup: -1, Timeout: time.Second})
		cancel()
		if r.Interrupted != (c.wait > 0) || r.Elapsed > 20*time.Second {
			t.Errorf("%s: interrupted %v after %v", c.name, r.Interrupted, r.Elapsed)
		}
		if c.wait == 0 && r.Offered+r.Unsent < int64(mostRate*c.time.Seconds())/2 {
			t.Errorf("%s: %d sent and %d not, of %.0f", c.name, r.Offered, r.Unsent, mostRate*c.time.Seconds())
		}
	}
}

// TestCutRoundsDoNotCompare: a run that was cut short is not measured against one that was not.
func TestCutRoundsDoNotCompare(t *testing.T) {
	whole := func() Pair { return Pair{A: &Report{}, B: &Report{}, Rate: 1.2} }
	c := Comparison{Rounds: []Pair{whole(), whole(), whole()}}
	c.Rounds[1].B.Interrupted, c.Rounds[1].Rate = true, 9
	c.Rounds[2].A.Failure, c.Rounds[2].Rate = "gone", 7
	c.sumUp()
	if want := (Ratio{1.2, 1.2, 1.2, 1}); c.Rate != want {
		t.Errorf("ratio %+v, want %+v", c.Rate, want)
	}
}

// Who was kept from looking reads first, once.
func TestExpiryAfterAStall(t *testing.T) {
	p, e := &plan{timeout: int64(time.Second)}, expiry{}
	for i, c := range []struct {
		now time.Duration
		due bool
	}{{0, true}, {time.Millisecond, false}, {time.Second, false}, {1050 * time.Millisecond, true}, {3 * time.Second, false}, {5 * time.Second, true}} {
		if due := e.due(p, int64(c.now)); due != c.due {
			t.Errorf("look %d: due %v at %v, want %v", i, due, c.now, c.due)
		}
	}
}
