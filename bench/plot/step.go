package plot

import (
	"math"
	"time"

	"parley/bench"
)

// mostSteps are drawn of a run: a picture has not more columns.
const mostSteps = 600

// A step is what one or more intervals have: a rate, which is their mean, and
// latencies, of which each is the worst. Times are seconds.
type step struct {
	from, to      float64
	rate          float64
	p50, p99, max float64 // nanoseconds; NaN without any
}

// stepsOf joins the intervals of a run to at most mostSteps.
func stepsOf(r *bench.Report, rate func(bench.Interval) float64) (steps []step) {
	each := (len(r.Intervals) + mostSteps - 1) / mostSteps
	for i, in := range r.Intervals {
		if in.Length <= 0 {
			continue
		}
		s := step{
			from: (in.At - in.Length).Seconds(), to: in.At.Seconds(), rate: rate(in),
			p50: latency(in.P50), p99: latency(in.P99), max: latency(in.Max),
		}
		if i%each == 0 || len(steps) == 0 {
			steps = append(steps, s)
		} else {
			steps[len(steps)-1].join(s)
		}
	}
	return steps
}

// join adds the step after s to it.
func (s *step) join(next step) {
	s.rate = (s.rate*(s.to-s.from) + next.rate*(next.to-next.from)) / (next.to - s.from)
	s.to = next.to
	s.p50, s.p99, s.max = worst(s.p50, next.p50), worst(s.p99, next.p99), worst(s.max, next.max)
}

// latency is that of an interval, or NaN where it has none.
func latency(d time.Duration) float64 {
	if d <= 0 {
		return math.NaN()
	}
	return float64(d)
}

// worst is the greater one of what is there.
func worst(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}
