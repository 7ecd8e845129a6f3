package discipline

import (
	"math"
	"testing"
	"time"
)

// Servers that say wrong things in the ways servers do.

const year = 365 * 24 * time.Hour

// TestUnsynchronizedAtFirst: after a power cut servers answer at once, say that they are not
// synchronized, are off by seconds to decades, and then are set. None of it is followed.
func TestUnsynchronizedAtFirst(t *testing.T) {
	for _, wrong := range []time.Duration{2 * time.Second, 100 * time.Second, 15 * time.Minute, 20 * year} {
		for _, until := range []time.Duration{7 * time.Second, 30 * time.Second, 70 * time.Second} {
			w := newWorld(t, 1)
			one := server{path: lan(100 * time.Microsecond), stratum: 2}
			one.offset = func(since time.Duration) time.Duration {
				if since < until {
					return wrong
				}
				return 0
			}
			one.leap = func(now time.Time) uint8 {
				if now.Sub(start) < until {
					return 3
				}
				return 0
			}
			h := w.host(Config{}, 0, 10e-6, one, one, one)
			if r := w.after(h, 0, 2*time.Hour); r.most > 2*ms || h.Steps != 0 || len(h.errs) > 0 {
				t.Errorf("%v off until %v: off by up to %v, %d steps, %v", wrong, until, r.most, h.Steps, h.errs)
			}
			if !h.ensemble.State(h.Now()).Synchronized {
				t.Errorf("%v off until %v: nobody is followed", wrong, until)
			}
		}
	}
}

// TestSetWhileNew: a server is set while little is known of it, and says nothing of it.
func TestSetWhileNew(t *testing.T) {
	for _, wrong := range []time.Duration{2 * time.Second, -15 * time.Minute} {
		for _, until := range []time.Duration{3 * time.Second, 7 * time.Second, 30 * time.Second, 70 * time.Second} {
			w := newWorld(t, 2)
			one := server{path: lan(100 * time.Microsecond), stratum: 2}
			one.offset = func(since time.Duration) time.Duration {
				if since < until {
					return wrong
				}
				return 0
			}
			h := w.host(Config{StepUpdates: -1}, 0, 10e-6, one)
			w.after(h, 0, 5*time.Minute)
			if r := w.after(h, 0, 2*time.Hour); r.most > 2*ms {
				t.Errorf("%v off until %v: from five minutes on off by up to %v", wrong, until, r.most)
			}
		}
	}
}

// TestDecadesApart: a server that is another twenty years off each time it answers takes nothing
// from three that are right.
func TestDecadesApart(t *testing.T) {
	w := newWorld(t, 3)
	good := server{path: lan(100 * time.Microsecond), stratum: 2}
	liar := good
	answers := 0
	liar.offset = func(time.Duration) time.Duration {
		answers++
		return time.Duration(min(answers-1, 3)) * 20 * year
	}
	liar.down = func(time.Duration) bool { return answers >= 4 }
	h := w.host(Config{}, time.Second, 10e-6, good, good, good, liar)
	w.after(h, 0, 10*time.Second)
	decided := h.decided
	w.after(h, 0, 2*time.Minute)
	if h.decided < decided+10 {
		t.Errorf("%d decisions in two minutes", h.decided-decided)
	}
	if s := h.ensemble.State(h.Now()); !s.Synchronized || h.Ahead().Abs() > ms {
		t.Errorf("off by %v, synchronized: %v", h.Ahead(), s.Synchronized)
	}
}

// TestNoisyServer: the server's own clock is off by 2 ms, each time anew, as that of a radio
// receiver without a pulse is, and no delay shows it. The clock is better than what it
// follows, and admits what it does not know.
func TestNoisyServer(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		noisy := server{path: lan(20 * time.Microsecond), stratum: 1}
		noisy.offset = func(time.Duration) time.Duration {
			return time.Duration(w.random.NormFloat64() * float64(2*ms))
		}
		h := w.host(Config{}, 0, 10e-6, noisy)
		w.after(h, 0, time.Hour)
		outside, n := 0, 0
		var r rms
		w.run(6*time.Hour, func(time.Duration) {
			s := h.ensemble.State(h.Now())
			r.add(h.Ahead())
			n++
			if h.Ahead().Abs() > 3*max(s.Deviation, 10*time.Microsecond) {
				outside++
			}
		})
		if r.value() > ms || r.most > 3*ms {
			t.Errorf("off by %v rms, %v at most, want 1ms and 3ms", r.value(), r.most)
		}
		if outside > n/10 {
			t.Errorf("off by more than three times what was admitted for %d of %d seconds", outside, n)
		}
	})
}

// TestMoved: by one name now this machine answers and now that, 2 ms apart. Each is known for
// itself.
func TestMoved(t *testing.T) {
	w := newWorld(t, 4)
	at, offsets := 1, []time.Duration{-2 * ms, 0, 2 * ms}
	one := server{path: lan(200 * time.Microsecond), stratum: 2}
	one.offset = func(time.Duration) time.Duration { return offsets[at] }
	h := w.host(Config{}, 0, 10e-6, one)
	for range 20 {
		w.after(h, 0, 10*time.Minute)
		at = (at + 1) % 3
		h.ensemble.Moved("s0")
		w.after(h, 0, 3*time.Minute)
		if off := h.Ahead() - offsets[at]; off.Abs() > ms/2 {
			t.Errorf("three minutes after it moved off by %v from the machine that answers", off)
		}
	}
}

// TestSlow: who asks for fewer questions is asked less often from then on, and not several
// times in a row.
func TestSlow(t *testing.T) {
	e := New(Config{}, start)
	e.Add("a")
	if d := e.Interval("a"); d != burstInterval {
		t.Errorf("first asked every %v, want %v", d, burstInterval)
	}
	for _, want := range []time.Duration{32 * time.Second, 64 * time.Second, 128 * time.Second} {
		e.Slow("a")
		e.Missed("a")
		if d := e.Interval("a"); d != want {
			t.Errorf("asked every %v, want %v", d, want)
		}
	}
	now := start
	for range 40 {
		now = now.Add(128 * time.Second)
		e.Heard("a", Sample{At: now, Stratum: 2, Delay: ms, Dispersion: time.Microsecond}, now)
		if d := e.Interval("a"); d < 128*time.Second {
			t.Fatalf("asked every %v again", d)
		}
	}
	for range 20 {
		e.Slow("a")
	}
	if d := e.Interval("a"); d != 1024*time.Second {
		t.Errorf("asked every %v at last, want 1024s", d)
	}
}

// TestEager: a server is asked often at first, and when it is back, but not for as long as it
// says nothing that can be used.
func TestEager(t *testing.T) {
	asked := func(e *Ensemble, now *time.Time, x Sample) (often int) {
		for range 50 {
			*now = now.Add(burstInterval)
			x.At = *now
			x.Offset = -x.Offset // it contradicts itself
			e.Heard("a", x, *now)
			if e.Interval("a") == burstInterval {
				often++
			}
		}
		return often
	}
	for _, c := range []struct {
		name string
		x    Sample
		want int
	}{
		{"contradicts itself", Sample{Stratum: 2, Offset: time.Minute, Delay: ms, Dispersion: time.Microsecond}, mostEager},
		{"not synchronized", Sample{Leap: 3, Offset: time.Minute, Delay: ms, Dispersion: time.Microsecond}, 0},
	} {
		e, now := New(Config{}, start), start
		e.Add("a")
		for _, when := range []string{"new", "back"} {
			if got := asked(e, &now, c.x); got != c.want {
				t.Errorf("%s, %s: asked soon %d times, want %d", c.name, when, got, c.want)
			}
			for range 8 {
				e.Missed("a")
			}
		}
	}
}

// TestNoisyServers: servers whose clocks are each off by 2 ms, each time anew, are found to agree.
func TestNoisyServers(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		noisy := server{path: lan(20 * time.Microsecond), stratum: 1}
		noisy.offset = func(time.Duration) time.Duration {
			return time.Duration(w.random.NormFloat64() * float64(2*ms))
		}
		h := w.host(Config{}, 0, 10e-6, noisy, noisy, noisy)
		w.after(h, 0, 10*time.Minute)
		wrong, n := 0, 0
		w.run(2*time.Hour, func(time.Duration) {
			for _, s := range h.ensemble.State(h.Now()).Sources {
				n++
				if s.Verdict == Falseticker {
					wrong++
				}
			}
		})
		if wrong > n/100 {
			t.Errorf("taken for falsetickers for %d of %d seconds", wrong, n)
		}
	})
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		s    float64
		want time.Duration
	}{
		{1.5, 1500 * time.Millisecond}, {-1e-9, -1}, {1e300, farthest}, {-1e300, -farthest}, {math.Inf(1), farthest}, {math.NaN(), farthest},
	} {
		if got := duration(c.s); got != c.want {
			t.Errorf("duration(%g) = %v, want %v", c.s, got, c.want)
		}
	}
}
