package discipline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"parley/clock/simulate"
)

// A world is hosts and servers in simulated time.
type world struct {
	t      *testing.T
	random *rand.Rand
	now    time.Time // true
	began  time.Time
	hosts  []*host
}

// A server of a world.
type server struct {
	path    simulate.Path
	stratum uint8
	leap    func(now time.Time) uint8
	offset  func(since time.Duration) time.Duration // of its clock; nil is right
	down    func(since time.Duration) bool          // nil is never
	dist    time.Duration                           // root dispersion
	loop    bool                                    // it follows the host
}

// A host disciplines its clock.
type host struct {
	*simulate.Oscillator
	ensemble *Ensemble
	servers  []server
	due      []time.Time // true time of the next question to each
	then     float64     // frequency after a slew
	slewEnd  time.Time   // true time; zero: none
	errs     []error
	decided  int
}

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, seed uint64) *world {
	return &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: start, began: start}
}

// host adds a host whose clock is ahead and fast.
func (w *world) host(c Config, ahead time.Duration, fast float64, servers ...server) *host {
	h := &host{Oscillator: simulate.NewOscillator(w.now, ahead, fast, w.random.Uint64()), servers: servers}
	h.Wander = 1e-9
	h.Adjust(c.Frequency)
	h.ensemble = New(c, h.Now())
	for i := range servers {
		h.ensemble.Add(fmt.Sprint("s", i))
		h.due = append(h.due, w.now.Add(time.Duration(w.random.Int64N(int64(time.Second)))))
	}
	w.hosts = append(w.hosts, h)
	return h
}

// run lets d pass, and calls each every second of it.
func (w *world) run(d time.Duration, each func(since time.Duration)) {
	for end := w.now.Add(d); w.now.Before(end); {
		next := w.now.Add(time.Second)
		for _, h := range w.hosts {
			w.runHost(h, next)
		}
		w.now = next
		for _, h := range w.hosts {
			h.Advance(next)
		}
		if each != nil {
			each(w.now.Sub(w.began))
		}
	}
}

// runHost does what is due at h before next.
func (w *world) runHost(h *host, next time.Time) {
	for {
		which, at := -1, next
		for i, due := range h.due {
			if due.Before(at) {
				which, at = i, due
			}
		}
		if !h.slewEnd.IsZero() && h.slewEnd.Before(at) {
			h.Advance(h.slewEnd)
			h.steer(h.then)
			h.slewEnd = time.Time{}
			continue
		}
		if which < 0 {
			return
		}
		w.exchange(h, which, at)
	}
}

func (h *host) steer(f float64) {
	if err := h.Adjust(f); err != nil {
		panic(err)
	}
	h.ensemble.Adjusted(f, h.Now())
}

// exchange asks the server i at the true time at. That the exchange takes time is only seen
// in its delays.
func (w *world) exchange(h *host, i int, at time.Time) {
	h.Advance(at)
	s := &h.servers[i]
	name := fmt.Sprint("s", i)
	there, back, ok := s.path.Delays(w.random)
	since := at.Sub(w.began)
	if !ok || s.down != nil && s.down(since) {
		h.ensemble.Missed(name)
	} else {
		x := Sample{
			Offset: -h.Ahead() + (there-back)/2, Delay: there + back, Dispersion: time.Microsecond,
			RootDispersion: s.dist, Stratum: max(s.stratum, 1), Loop: s.loop,
		}
		if s.offset != nil {
			x.Offset += s.offset(since)
		}
		if s.leap != nil {
			x.Leap = s.leap(at)
		}
		x.At = h.Now()
		h.decide(h.ensemble.Heard(name, x, h.Now()))
	}
	h.due[i] = at.Add(max(h.ensemble.Interval(name), time.Second))
}

func (h *host) decide(d Decision) {
	if d.Err != nil {
		h.errs = append(h.errs, d.Err)
	}
	if !d.Update {
		return
	}
	h.decided++
	if d.Step != 0 {
		before := h.Now()
		h.Step(d.Step)
		h.ensemble.Stepped(d.Step, before)
	}
	h.steer(d.Frequency)
	h.slewEnd = time.Time{}
	if d.After > 0 {
		h.then = d.Then
		// After is measured by the clock; that true time differs by ppm of it is of no account.
		h.slewEnd = h.trueNow().Add(d.After)
	}
}

func (h *host) trueNow() time.Time { return h.Now().Add(-h.Ahead()) }

// An rms is a root mean square, and the largest.
type rms struct {
	sum  float64
	n    int
	most time.Duration
}

func (r *rms) add(d time.Duration) {
	r.sum += d.Seconds() * d.Seconds()
	r.n++
	r.most = max(r.most, d.Abs())
}

func (r *rms) value() time.Duration { return time.Duration(math.Sqrt(r.sum/float64(r.n)) * 1e9) }

const ms = time.Millisecond

// lan is a path with jitter.
func lan(jitter time.Duration) simulate.Path {
	return simulate.Path{There: ms, Back: ms, Jitter: jitter}
}
