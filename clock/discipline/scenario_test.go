package discipline

import (
	"errors"
	"testing"
	"time"

	"parley/clock/simulate"
)

// The scenarios are seeded and run in simulated time. Each states the error that is reached,
// and after how long.

// seeds runs a scenario with several.
func seeds(t *testing.T, run func(t *testing.T, w *world)) {
	for seed := range uint64(10) {
		run(t, newWorld(t, seed))
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// after runs the world for d and returns the errors of h from the moment from on.
func (w *world) after(h *host, from, d time.Duration) (r rms) {
	base := w.now
	w.run(d, func(time.Duration) {
		if w.now.Sub(base) >= from {
			r.add(h.Ahead())
		}
	})
	return r
}

// TestConverges begins 100 ms off and 50 ppm fast or slow, with 1 ms of exponential jitter:
// under 1 ms after 10 minutes, under 100 µs root mean square after an hour.
func TestConverges(t *testing.T) {
	for _, sign := range []float64{1, -1} {
		seeds(t, func(t *testing.T, w *world) {
			h := w.host(Config{}, time.Duration(sign*float64(100*ms)), sign*50e-6, server{path: lan(ms)})
			if r := w.after(h, 10*time.Minute, time.Hour); r.most > ms {
				t.Errorf("from 10 minutes on the error was up to %v, want 1ms", r.most)
			}
			if r := w.after(h, 0, 5*time.Hour); r.value() > 100*time.Microsecond || h.Steps != 0 {
				t.Errorf("after an hour %v rms and %d steps, want 100µs and none", r.value(), h.Steps)
			}
		})
	}
}

// TestQuietNetwork has 10 µs of jitter: 20 µs root mean square after an hour, and seldom asked.
func TestQuietNetwork(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{}, 5*ms, -20e-6, server{path: simulate.Path{There: 100 * time.Microsecond, Back: 100 * time.Microsecond, Jitter: 10 * time.Microsecond}})
		w.after(h, 0, time.Hour)
		if r := w.after(h, 0, 6*time.Hour); r.value() > 20*time.Microsecond {
			t.Errorf("after an hour %v rms, want 20µs", r.value())
		}
		if poll := h.ensemble.State(h.Now()).Sources[0].Poll; poll < 64*time.Second {
			t.Errorf("after seven hours it is asked every %v", poll)
		}
	})
}

// TestAsymmetry has a way back that is 2 ms longer: no exchange can tell, the clock is 1 ms
// off, and the state admits that.
func TestAsymmetry(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{}, 0, 0, server{path: simulate.Path{There: ms, Back: 3 * ms, Jitter: ms / 10}})
		w.after(h, 0, time.Hour)
		r := w.after(h, 0, time.Hour)
		s := h.ensemble.State(h.Now())
		if bound := s.RootDelay/2 + s.Dispersion(h.Now()); r.most > bound || r.most > 1200*time.Microsecond {
			t.Errorf("off by up to %v, while the state admits %v; want about 1ms, and that admitted", r.most, bound)
		}
	})
}

// TestLoss loses 60 % of the packets each way: 1 ms after 20 minutes.
func TestLoss(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		path := lan(ms)
		path.Loss = 0.6
		h := w.host(Config{}, 50*ms, 30e-6, server{path: path})
		w.after(h, 0, 20*time.Minute)
		if r := w.after(h, 0, 3*time.Hour); r.most > ms {
			t.Errorf("off by up to %v, want 1ms", r.most)
		}
	})
}

// TestSpikes delays every fifth packet by 200 ms: 500 µs after half an hour.
func TestSpikes(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		path := lan(ms / 5)
		path.Spike, path.Spikes = 200*ms, 0.2
		h := w.host(Config{}, 50*ms, 30e-6, server{path: path})
		w.after(h, 0, 30*time.Minute)
		if r := w.after(h, 0, 3*time.Hour); r.most > ms/2 {
			t.Errorf("off by up to %v, want 500µs", r.most)
		}
	})
}

// TestFalseticker has one of four servers a second off, from the start, or from some moment on:
// it is never followed.
func TestFalseticker(t *testing.T) {
	for _, from := range []time.Duration{0, 40 * time.Minute} {
		seeds(t, func(t *testing.T, w *world) {
			good := server{path: lan(ms)}
			bad := good
			bad.offset = func(since time.Duration) time.Duration {
				if since < from {
					return 0
				}
				return time.Second
			}
			h := w.host(Config{}, 20*ms, 30e-6, good, good, bad, good)
			w.after(h, 0, 10*time.Minute)
			if r := w.after(h, 0, 3*time.Hour); r.most > ms {
				t.Errorf("off by up to %v, want 1ms", r.most)
			}
			for _, s := range h.ensemble.State(h.Now()).Sources {
				if s.Name == "s2" && s.Verdict != Falseticker {
					t.Errorf("the falseticker is %v", s.Verdict)
				}
			}
			if h.Steps != 0 {
				t.Errorf("%d steps", h.Steps)
			}
		})
	}
}

// TestTwoDisagree has two servers a second apart: no majority, nobody is followed.
func TestTwoDisagree(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		late := server{path: lan(ms), offset: func(time.Duration) time.Duration { return time.Second }}
		h := w.host(Config{}, 0, 0, server{path: lan(ms)}, late)
		r := w.after(h, 0, time.Hour)
		if r.most > 10*ms || h.ensemble.State(h.Now()).Synchronized {
			t.Errorf("off by up to %v, synchronized: %v", r.most, h.ensemble.State(h.Now()).Synchronized)
		}
	})
}

// TestServerRestarts: one of three servers comes back after ten minutes with a clock that is 300 ms
// off for another ten, as one that restarted; 1 ms throughout.
func TestServerRestarts(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		good := server{path: lan(ms / 2)}
		back := good
		back.down = func(since time.Duration) bool { return since > time.Hour && since < 70*time.Minute }
		back.offset = func(since time.Duration) time.Duration {
			if since >= 70*time.Minute && since < 80*time.Minute {
				return 300 * ms
			}
			return 0
		}
		h := w.host(Config{}, 20*ms, 30e-6, good, back, good)
		w.after(h, 0, 10*time.Minute)
		if r := w.after(h, 0, 4*time.Hour); r.most > ms {
			t.Errorf("off by up to %v, want 1ms", r.most)
		}
		for _, s := range h.ensemble.State(h.Now()).Sources {
			if s.Verdict < Outlier {
				t.Errorf("%s is still %v hours later", s.Name, s.Verdict)
			}
		}
	})
}

// TestHoldover lets the only server vanish for two hours after one of discipline: the clock goes on
// at the frequency that was found, and is off by 2 ms at most.
func TestHoldover(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		s := server{path: lan(ms / 5), down: func(since time.Duration) bool { return since > time.Hour && since < 3*time.Hour }}
		h := w.host(Config{}, 20*ms, 80e-6, s)
		w.after(h, 0, time.Hour)
		r := w.after(h, 0, 2*time.Hour)
		if r.most > 2*ms {
			t.Errorf("off by up to %v without a server, want 2ms", r.most)
		}
		state := h.ensemble.State(h.Now())
		if bound := state.Dispersion(h.Now()) + state.RootDelay/2; h.Ahead().Abs() > bound {
			t.Errorf("off by %v, while the state admits %v", h.Ahead(), bound)
		}
		w.after(h, 0, 30*time.Minute)
		if r := w.after(h, 0, time.Hour); r.most > ms/2 {
			t.Errorf("off by up to %v when it is back, want 500µs", r.most)
		}
		w.run(2*time.Hour, nil)
	})
}

// TestLost is a clock whose servers have been away for longer than Lost.
func TestLost(t *testing.T) {
	w := newWorld(t, 1)
	h := w.host(Config{}, 0, 0, server{path: lan(ms), down: func(since time.Duration) bool { return since > time.Hour }})
	w.run(time.Hour, nil)
	if !h.ensemble.State(h.Now()).Synchronized {
		t.Error("not synchronized after an hour")
	}
	w.run(Lost+2*time.Hour, nil)
	if h.ensemble.State(h.Now()).Synchronized {
		t.Error("synchronized long after the server has gone")
	}
}

// TestStep begins 10 s off: one step, at the beginning, and 1 ms after 10 minutes.
func TestStep(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{}, -10*time.Second, 50e-6, server{path: lan(ms)})
		w.after(h, 0, 10*time.Minute)
		if r := w.after(h, 0, time.Hour); r.most > ms || h.Steps != 1 {
			t.Errorf("off by up to %v after %d steps, want 1ms and 1", r.most, h.Steps)
		}
	})
}

// TestLaterOffsetIsSlewed has the servers jump by half a second after an hour: the clock is not
// stepped any more, but follows within half an hour; with leave to step it jumps.
func TestLaterOffsetIsSlewed(t *testing.T) {
	for _, updates := range []int{0, -1} {
		seeds(t, func(t *testing.T, w *world) {
			jump := func(since time.Duration) time.Duration {
				if since > time.Hour {
					return time.Second / 2
				}
				return 0
			}
			h := w.host(Config{StepUpdates: updates}, 0, 10e-6, server{path: lan(ms / 5), offset: jump})
			w.run(90*time.Minute, nil)
			if off := (h.Ahead() - time.Second/2).Abs(); off > ms {
				t.Errorf("half an hour later it is %v from the server", off)
			}
			if (h.Steps > 0) != (updates < 0) {
				t.Errorf("%d steps", h.Steps)
			}
		})
	}
}

// TestNeverSteps is what a negative Step asks for.
func TestNeverSteps(t *testing.T) {
	w := newWorld(t, 1)
	h := w.host(Config{Step: -1}, 2*time.Second, 0, server{path: lan(ms)})
	w.run(3*time.Hour, nil)
	if h.Steps != 0 || h.Ahead().Abs() > ms {
		t.Errorf("%d steps, %v off; want none, and slewed", h.Steps, h.Ahead())
	}
}

// TestPanic has the servers jump by an hour: the clock stays, and an error says why.
func TestPanic(t *testing.T) {
	w := newWorld(t, 1)
	jump := func(since time.Duration) time.Duration {
		if since > time.Hour {
			return time.Hour
		}
		return 0
	}
	h := w.host(Config{}, 5*time.Hour, 0, server{path: lan(ms), offset: jump})
	w.run(time.Hour, nil)
	if h.Steps != 1 || len(h.errs) != 0 {
		t.Errorf("five hours off at the beginning: %d steps, %v", h.Steps, h.errs)
	}
	if r := w.after(h, 0, time.Hour); r.most > 5*ms {
		t.Errorf("off by %v", r.most)
	}
	if len(h.errs) == 0 || !errors.Is(h.errs[0], ErrPanic) {
		t.Errorf("errors %v, want ErrPanic", h.errs)
	}
}

// TestDrift knows the frequency from before: 1 ms already after two minutes, and throughout.
func TestDrift(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{Frequency: -80e-6, Known: true}, 5*ms, 80e-6, server{path: lan(ms / 2)})
		w.after(h, 0, 2*time.Minute)
		if r := w.after(h, 0, time.Hour); r.most > ms {
			t.Errorf("off by up to %v, want 1ms", r.most)
		}
	})
}

// TestWrongDrift is told a frequency that is 30 ppm off: 1 ms after 20 minutes all the same.
func TestWrongDrift(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{Frequency: -50e-6, Known: true}, 5*ms, 80e-6, server{path: lan(ms / 2)})
		w.after(h, 0, 20*time.Minute)
		if r := w.after(h, 0, 2*time.Hour); r.most > ms {
			t.Errorf("off by up to %v, want 1ms", r.most)
		}
	})
}

// TestTemperature sways the frequency by 1 ppm over two hours: 2 ms throughout.
func TestTemperature(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{}, 5*ms, 20e-6, server{path: lan(ms / 5)})
		h.Sway, h.Period = 1e-6, 2*time.Hour
		w.after(h, 0, time.Hour)
		if r := w.after(h, 0, 6*time.Hour); r.most > 2*ms {
			t.Errorf("off by up to %v, want 2ms", r.most)
		}
	})
}

// TestRoom has ten hosts with clocks of their own, which follow two servers: after half an hour
// they agree with each other within 1 ms.
func TestRoom(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		for i := range 10 {
			w.host(Config{}, time.Duration(i-5)*10*ms, float64(i-5)*15e-6, server{path: lan(ms / 2)}, server{path: lan(ms)})
		}
		w.run(30*time.Minute, nil)
		apart := time.Duration(0)
		w.run(3*time.Hour, func(time.Duration) {
			low, high := w.hosts[0].Ahead(), w.hosts[0].Ahead()
			for _, h := range w.hosts {
				low, high = min(low, h.Ahead()), max(high, h.Ahead())
			}
			apart = max(apart, high-low)
		})
		if apart > ms {
			t.Errorf("the hosts were up to %v apart, want 1ms", apart)
		}
	})
}

// TestLeap has two of three servers announce a leap second: the state says so that day.
func TestLeap(t *testing.T) {
	w := newWorld(t, 1)
	at := start.Add(3 * time.Hour)
	warns := func(now time.Time) uint8 {
		if now.After(start.Add(time.Hour)) && now.Before(at) {
			return 1
		}
		return 0
	}
	h := w.host(Config{}, 0, 0, server{path: lan(ms), leap: warns}, server{path: lan(ms)}, server{path: lan(ms), leap: warns})
	w.run(30*time.Minute, nil)
	if got := h.ensemble.State(h.Now()).Leap; got != 0 {
		t.Errorf("leap %d before it is announced", got)
	}
	w.run(90*time.Minute, nil)
	if got := h.ensemble.State(h.Now()).Leap; got != 1 {
		t.Errorf("leap %d when most announce one", got)
	}
	w.run(2*time.Hour, nil)
	if got := h.ensemble.State(h.Now()).Leap; got != 0 {
		t.Errorf("leap %d when it is over", got)
	}
}

// TestLeapSecond takes the second away from the servers as UTC does, while the clock is not
// stepped for it: it follows within half an hour of being told by its servers' time alone.
// (On a machine the system makes the leap itself, since it was announced.)
func TestLeapSecond(t *testing.T) {
	w := newWorld(t, 2)
	leap := func(since time.Duration) time.Duration {
		if since > time.Hour {
			return -time.Second
		}
		return 0
	}
	h := w.host(Config{}, 0, 0, server{path: lan(ms / 5), offset: leap}, server{path: lan(ms / 5), offset: leap})
	w.run(2*time.Hour, nil)
	if off := (h.Ahead() + time.Second).Abs(); off > ms || h.Steps != 0 {
		t.Errorf("%v from the servers after %d steps, want 1ms and none", off, h.Steps)
	}
}

// TestEra runs over the end of the era of NTP's timestamps in 2036.
func TestEra(t *testing.T) {
	w := newWorld(t, 1)
	w.now = time.Date(2036, 2, 7, 5, 0, 0, 0, time.UTC)
	w.began = w.now
	h := w.host(Config{}, 50*ms, 20e-6, server{path: lan(ms / 5)})
	w.after(h, 0, time.Hour)
	if r := w.after(h, 0, 2*time.Hour); r.most > ms || h.Steps != 0 {
		t.Errorf("off by up to %v after %d steps, want 1ms and none", r.most, h.Steps)
	}
}

// TestRouteChanges makes the way 20 ms longer, both ways: 1 ms throughout.
func TestRouteChanges(t *testing.T) {
	seeds(t, func(t *testing.T, w *world) {
		h := w.host(Config{}, 0, 10e-6, server{path: lan(ms / 5)})
		w.run(time.Hour, nil)
		h.servers[0].path.There, h.servers[0].path.Back = 21*ms, 21*ms
		if r := w.after(h, 0, 3*time.Hour); r.most > ms {
			t.Errorf("off by up to %v, want 1ms", r.most)
		}
	})
}

// TestUnfit has servers that must not be followed: not synchronized, too far from their
// reference, or following us.
func TestUnfit(t *testing.T) {
	w := newWorld(t, 1)
	alarm := func(time.Time) uint8 { return 3 }
	h := w.host(Config{}, 0, 0, server{path: lan(ms), leap: alarm}, server{path: lan(ms), stratum: 16}, server{path: lan(ms), dist: 2 * time.Second}, server{path: lan(ms), loop: true})
	w.run(time.Hour, nil)
	for _, s := range h.ensemble.State(h.Now()).Sources {
		if s.Verdict != Unfit {
			t.Errorf("%s is %v", s.Name, s.Verdict)
		}
	}
	if h.decided != 0 {
		t.Errorf("%d decisions", h.decided)
	}
}
