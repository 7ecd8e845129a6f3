package discipline

import (
	"math"
	"testing"
	"time"

	"parley/clock/simulate"
)

// TestFalsetickerAfterGreatStep begins a year off, as a machine without a battery does: the step
// must not make the majority look so old that the next who answers decides alone.
func TestFalsetickerAfterGreatStep(t *testing.T) {
	for _, off := range []time.Duration{365 * 24 * time.Hour, 24 * 365 * 30 * time.Hour} {
		seeds(t, func(t *testing.T, w *world) {
			good := server{path: lan(ms)}
			bad := server{path: lan(ms), offset: func(time.Duration) time.Duration { return time.Second }}
			h := w.host(Config{}, -off, 20e-6, good, good, good, bad)
			w.run(30*time.Minute, func(since time.Duration) {
				if since > time.Minute && h.Ahead().Abs() > 100*ms {
					t.Fatalf("%v after the beginning the clock is ahead by %v", since, h.Ahead())
				}
				if s := h.ensemble.State(h.Now()); s.Selected == "s3" {
					t.Fatalf("%v after the beginning the falseticker is followed", since)
				}
			})
			if h.Steps != 1 {
				t.Errorf("%d steps, want 1", h.Steps)
			}
		})
	}
}

// TestMajorityNotYetAsked has the first answers of the three right servers lost: the falseticker,
// which was heard first, must not decide.
func TestMajorityNotYetAsked(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		good := server{path: lan(ms), down: func(since time.Duration) bool { return since < 2*time.Second }}
		bad := server{path: lan(ms), offset: func(time.Duration) time.Duration { return time.Second }}
		h := w.host(Config{}, 0, 0, good, good, good, bad)
		w.run(5*time.Minute, func(since time.Duration) {
			if h.Ahead().Abs() > 100*ms {
				t.Fatalf("%v after the beginning the clock is ahead by %v: the falseticker was followed", since, h.Ahead())
			}
		})
		if !h.ensemble.State(h.Now()).Synchronized {
			t.Error("the right servers are not followed")
		}
	})
}

// TestSetBackByAnother has somebody else set the clock back by an hour: it is noticed, not an
// hour later.
func TestSetBackByAnother(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{StepUpdates: -1, Panic: -1}, 0, 10e-6, server{path: lan(ms / 10)}, server{path: lan(ms / 10)}, server{path: lan(ms / 10)})
		w.run(20*time.Minute, nil)
		h.Oscillator.Step(-time.Hour)
		w.run(20*time.Minute, nil)
		if h.Ahead().Abs() > 5*ms {
			t.Errorf("20 minutes after it was set back by an hour the clock is ahead by %v, and the state says %v, synchronized %v",
				h.Ahead(), h.ensemble.State(h.Now()).Offset, h.ensemble.State(h.Now()).Synchronized)
		}
	})
}

// TestSlewOfYears has an offset whose slew is longer than a Duration.
func TestSlewOfYears(t *testing.T) {
	e := New(Config{}, start)
	for _, off := range []time.Duration{100 * 24 * time.Hour, -100 * 24 * time.Hour, math.MaxInt64, math.MinInt64} {
		frequency, after := e.slew(combined{offset: off})
		if after <= 0 || frequency == 0 {
			t.Errorf("a slew of %v is at %v for %v", off, frequency, after)
		}
	}
}

// TestTimelineRemembers has samples about the time before many changes: in the interleaved mode a
// sample is of the exchange before, and the other servers have changed the clock since.
func TestTimelineRemembers(t *testing.T) {
	o := simulate.NewOscillator(start, 0, 0, 1)
	l := newTimeline(start, 0)
	at := start
	// Another server every 16 s: a slew of 10 s, and its end. The slews are all forward.
	for range 64 {
		for _, f := range []float64{20e-6, 0} {
			o.Adjust(f)
			l.adjust(o.Now(), f)
			at = at.Add(8 * time.Second)
			o.Advance(at)
		}
	}
	// The moment 1000 s ago, when the clock had gained 20 ppm of 16 s.
	when := start.Add(24*time.Second + 320*time.Microsecond)
	if got := l.bare(when) - 24*time.Second; got.Abs() > time.Microsecond {
		t.Errorf("the oscillator's moment is wrong by %v", got)
	}
}
