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

// TestSteppedState: what was stepped is no longer to be corrected, nor what the clock may be off.
func TestSteppedState(t *testing.T) {
	e := New(Config{}, start)
	e.Add("a")
	now := start
	for range 3 {
		now = now.Add(2 * time.Second)
		if d := e.Heard("a", Sample{At: now, Offset: time.Hour, Delay: ms, Stratum: 2}, now); d.Update {
			e.Stepped(d.Step, now)
			now = now.Add(d.Step)
		}
	}
	s := e.State(now)
	if !s.Updated.Equal(now) || s.Offset.Abs() > ms || s.RootError > time.Second || s.RootError < 0 {
		t.Errorf("after a step of an hour: %+v", s)
	}
}

// TestGone: who does not answer any more is asked as often as at first, and is not said to lead; who is not
// asked any more is not waited for.
func TestGone(t *testing.T) {
	e := New(Config{}, start)
	e.Add("a")
	now := start
	heard := func(n int) {
		for range n {
			now = now.Add(16 * time.Second)
			e.Heard("a", Sample{At: now, Delay: ms, Dispersion: time.Microsecond, Stratum: 2}, now)
		}
	}
	heard(400)
	if s := e.State(now).Sources[0]; s.Verdict != Selected || s.Poll == 16*time.Second {
		t.Fatalf("it is %v, asked every %v", s.Verdict, s.Poll)
	}
	for range 8 {
		e.Missed("a")
	}
	if s := e.State(now).Sources[0]; s.Verdict != Unheard || s.Poll != 16*time.Second {
		t.Errorf("gone it is %v, asked every %v", s.Verdict, s.Poll)
	}
	e.Add("b")
	heard(5)
	if s := e.State(now); s.Sources[0].Verdict == Selected {
		t.Error("a decides before b was asked")
	}
	e.Gone("b")
	heard(1)
	if s := e.State(now); s.Sources[0].Verdict != Selected {
		t.Errorf("b is not asked, and a is %v", s.Sources[0].Verdict)
	}
}

// TestUnfitAreNotAwaited: one that can be followed is, beside three that say that they cannot.
func TestUnfitAreNotAwaited(t *testing.T) {
	w := newWorld(t, 1)
	alarm := server{path: lan(ms), leap: func(time.Time) uint8 { return 3 }}
	h := w.host(Config{}, 20*ms, 0, server{path: lan(ms)}, alarm, alarm, alarm)
	w.run(10*time.Minute, nil)
	if s := h.ensemble.State(h.Now()); s.Selected != "s0" {
		t.Errorf("%q is followed", s.Selected)
	}
}

// TestToldTwice: an exchange counts once, also if it is told again, as when the interleaved mode begins.
func TestToldTwice(t *testing.T) {
	e := New(Config{}, start)
	e.Add("a")
	for i, want := range []int{1, 1, 2, 2} {
		x := Sample{At: start.Add(time.Duration(i/2) * time.Second), Delay: ms, Stratum: 2}
		e.Heard("a", x, x.At)
		if got := e.State(x.At).Sources[0].Estimate.Samples; got != want {
			t.Errorf("answer %d: %d samples, want %d", i, got, want)
		}
	}
}

// TestHoldoverOfARoom: without servers the clock is off by what is admitted at most, in a room whose
// temperature sways the frequency by 1 ppm.
func TestHoldoverOfARoom(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{}, 5*ms, 20e-6, server{path: lan(ms / 5), down: func(since time.Duration) bool { return since > 3*time.Hour }})
		h.Sway, h.Period = 1e-6, 2*time.Hour
		w.run(3*time.Hour, nil)
		w.run(Lost-time.Minute, func(time.Duration) {
			s := h.ensemble.State(h.Now())
			if bound := s.Dispersion(h.Now()) + s.RootDelay/2; h.Ahead().Abs() > bound {
				t.Fatalf("off by %v, while the state admits %v", h.Ahead(), bound)
			}
		})
	})
}

// TestFrequencyIsWhatIsSet: of an oscillator that is worse than what can be steered.
func TestFrequencyIsWhatIsSet(t *testing.T) {
	w := newWorld(t, 1)
	h := w.host(Config{}, 0, 560e-6, server{path: lan(ms)})
	w.run(time.Hour, nil)
	if s := h.ensemble.State(h.Now()); s.Frequency != -500e-6 {
		t.Errorf("frequency %g, want -500e-6", s.Frequency)
	}
}
