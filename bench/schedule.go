package bench

import (
	"math"
	"math/rand/v2"
)

// A schedule names the moments that the messages of one worker are intended for,
// in their order. The first moment is 0: the warm-up is a part of it. The
// schedules of all workers together are the load's: of its messages, counted from
// 0, worker w has those with number % workers == w. It has no end. Not safe for
// concurrent use.
type schedule struct {
	workers uint64
	gap     float64    // mean nanoseconds between two messages of the load
	random  *rand.Rand // of Poisson arrivals, alike for all workers; else nil

	number uint64  // of the next message of the load that is this worker's
	at     float64 // its moment, nanoseconds
}

// newSchedule makes that of worker w. Without a rate no moment ever comes.
func newSchedule(p *plan, w int) *schedule {
	s := &schedule{workers: uint64(max(p.load.Workers, 1)), number: uint64(w)}
	if p.load.Rate <= 0 {
		s.at = math.Inf(1)
		return s
	}
	s.gap = 1e9 / p.load.Rate
	if p.load.Arrivals == Poisson {
		s.random = rand.New(rand.NewPCG(p.load.Seed, 0x61727269_76616c73)) // "arrivals"
		s.wait(s.number)
		return s
	}
	s.at = float64(s.number) * s.gap
	return s
}

// next is the moment of the next message, in nanoseconds since the run began.
func (s *schedule) next() int64 {
	if s.at >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(s.at)
}

// take goes on to the message after it.
func (s *schedule) take() {
	s.number += s.workers
	if s.random != nil {
		s.wait(s.workers)
	} else if s.gap > 0 {
		s.at = float64(s.number) * s.gap // not at += gap, whose error would grow
	}
}

// wait adds n random gaps.
func (s *schedule) wait(n uint64) {
	for range n {
		s.at += s.random.ExpFloat64() * s.gap
	}
}
