package discipline

import (
	"math"
	"slices"
	"time"
)

// A source is what is known of one server.
type source struct {
	name    string
	line    *timeline
	prior   prior
	history []point // the newest last
	aside   []point // far off what was expected, the newest last; see change.go
	side    float64 // and on which side
	asked   int     // how often
	unfit   bool    // the last answer said that this server cannot be followed
	eager   int     // how many questions more may be asked in a burst
	slow    bool    // it is not to be asked several times in a row
	least   int     // the shortest poll interval, log2 of seconds
	reach   uint8   // the last eight polls, the newest in the lowest bit (RFC 5905 section 9.2)
	last    Sample
	fit     fit
	verdict Verdict
	poll    int // log2 of seconds
	score   int // towards a longer poll interval, see poll.go
}

// A point is a sample on the time scale of the bare oscillator.
type point struct {
	at     time.Duration // by the oscillator
	offset time.Duration // of the server's clock against it
	delay  time.Duration
	noise  time.Duration // of reading the clocks
}

// historyKept is how many samples a line is put through.
const historyKept = 96

// setBack is by how much a sample has to be older than the one before for somebody else to have
// set the clock back: what was known is of another scale then.
const setBack = time.Minute

// isSetBack reports whether x is of a clock that somebody else has set back.
func (s *source) isSetBack(x Sample) bool {
	n := len(s.history)
	return n > 0 && s.history[n-1].at-s.line.bare(x.At) > setBack
}

// restart forgets what was measured.
func (s *source) restart() { s.history, s.aside = s.history[:0], s.aside[:0] }

// refuse takes an answer that says that its server cannot be followed. What was heard before is
// forgotten too: when it can be followed again its clock will have been set.
func (s *source) refuse(x Sample) {
	s.restart()
	s.unfit, s.last = true, x
}

// add takes a sample in.
func (s *source) add(x Sample) {
	s.unfit = false
	p := point{at: s.line.bare(x.At), offset: x.Offset + s.line.ahead(x.At), delay: max(x.Delay, 0), noise: x.Dispersion}
	if n := len(s.history); n > 0 && p.at <= s.history[n-1].at {
		return // an answer that was overtaken
	}
	s.last = x
	if !s.admit(p) {
		return
	}
	if n := len(s.history); n > 2*routeSamples && s.rerouted() {
		s.history = slices.Delete(s.history, 0, n-routeSamples)
	} else if n == historyKept {
		s.history = slices.Delete(s.history, 0, 1)
		s.prior.deviation = unknownFrequency // it was of the beginning
	}
	s.history = append(s.history, p)
	s.fit = fitHistory(s.history, s.prior, &s.fit)
}

// estimate is what the source says of the clock at now.
func (s *source) estimate(now time.Time) Estimate {
	if len(s.history) == 0 {
		return Estimate{Last: s.last}
	}
	k := s.fit.ahead(max(s.line.bare(now)-s.fit.at, 0))
	e := Estimate{
		Offset:    s.fit.base + duration(k.offset) - s.line.ahead(now),
		Deviation: duration(math.Sqrt(max(k.varOffset, 0))),
		Frequency: k.slope, Skew: math.Sqrt(k.varSlope),
		Jitter: s.fit.jitter, Samples: len(s.history), Last: s.last,
	}
	age := max(now.Sub(s.last.At), 0)
	e.Distance = (s.last.RootDelay+s.fit.delay)/2 + s.last.RootDispersion + s.fit.queue/2 + s.fit.noise + e.Deviation +
		time.Duration(float64(age)*MaxSkew)
	return e
}

// farthest is as far as an estimate goes, 73 years, so that the sum of a few is a Duration too.
const farthest = time.Duration(1) << 61

// duration is s seconds, at most farthest, which is also what no number is.
func duration(s float64) time.Duration {
	if math.IsNaN(s) {
		return farthest
	}
	return time.Duration(min(max(s*1e9, -float64(farthest)), float64(farthest)))
}
