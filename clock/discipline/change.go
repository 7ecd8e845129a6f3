package discipline

import (
	"math"
	"slices"
	"time"
)

// Samples are dropped that tell of another line than the newest: the server's clock was
// stepped, or the way has become longer.

const (
	// jumpSamples in a row that are off by jumpGate standard deviations, to the same side,
	// tell of a step.
	jumpSamples = 4
	jumpGate    = 6

	// routeSamples in a row that all were longer on the way than three times what is usual
	// tell of another way.
	routeSamples = 12
	routeGate    = 3
)

// admit reports whether p is to be taken into the history. One that is far off what was expected
// is not: it is kept aside until it is known whether it was alone or the first of many, which
// are then the whole history.
func (s *source) admit(p point) bool {
	n := len(s.history)
	if n > 0 && n < fewestExpected && s.history[n-1].contradicts(p) {
		s.restart()
	}
	if n < fewestExpected {
		return true
	}
	k := s.fit.ahead(p.at - s.fit.at)
	off := (p.offset - s.fit.base).Seconds() - k.offset
	if math.Abs(off) < jumpGate*math.Sqrt(k.varOffset+variance(p, &s.fit)) {
		s.aside = s.aside[:0]
		return true
	}
	if len(s.aside) > 0 && off*s.side < 0 {
		s.aside = s.aside[:0]
	}
	s.aside, s.side = append(s.aside, p), off
	if len(s.aside) < jumpSamples {
		return false
	}
	s.history = append(s.history[:0], s.aside[:jumpSamples-1]...)
	s.aside = s.aside[:0]
	return true
}

// contradicts reports whether no clock that runs on can be in both p and the later q: the error of
// each is at most half its delay. What a server's own noise may be is allowed for.
func (p point) contradicts(q point) bool {
	apart := (q.offset - p.offset).Abs()
	return apart > (p.delay+q.delay)/2+time.Duration(float64(q.at-p.at)*2*unknownFrequency)+leastStep
}

// leastStep is the least step that is found while little is known of a server: less is seen as its
// noise.
const leastStep = 100 * time.Millisecond

// rerouted reports whether the newest samples were all much longer on the way than is usual.
func (s *source) rerouted() bool {
	var delays [historyKept]time.Duration
	usual := delays[:0]
	for _, p := range s.history[:len(s.history)-routeSamples] {
		usual = append(usual, p.delay)
	}
	slices.Sort(usual)
	limit := usual[0] + routeGate*(usual[len(usual)/2]-usual[0])
	for _, p := range s.history[len(s.history)-routeSamples:] {
		if p.delay <= limit {
			return false
		}
	}
	return true
}
