package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Comparison is what two endpoints did in turn, in the same circumstances.
type Comparison struct {
	// Rounds are in their order. In the first a ran before b, in the second b
	// before a, and so on, so that what changes with time does to both alike.
	Rounds []Pair

	// Rate, P50 and P99 are those of the rounds together.
	Rate, P50, P99 Ratio
}

// A Pair is one round of a Comparison.
type Pair struct {
	A, B *Report

	// Rate, P50 and P99 are b's relative to a's: a Rate of 1.1 is a tenth more in
	// a second, a P50 of 1.1 a tenth more latency. 0 where one of the two measured
	// nothing.
	Rate, P50, P99 float64
}

// A Ratio is how b did relative to a, over the rounds that have one. All are 0
// where none has.
type Ratio struct {
	Median, Min, Max float64
	Rounds           int // of which it is: those that ran to their ends and have both values
}

// Compare runs a and b in turn, rounds times each. each, if it is not nil, gets every
// report as soon as it is there: round counts from 0, and second reports whether it is
// b's.
//
// It ends early when ctx does, or after a round in which a run failed. A round
// of which only one run began is not in the Comparison. The error is that of Check for
// a or b, or says which rounds there may be; nothing was sent then.
func Compare(ctx context.Context, a, b Load, rounds int, each func(round int, second bool, r *Report)) (*Comparison, error) {
	if rounds < 1 || rounds > MostRounds {
		return nil, fmt.Errorf("bench: %d rounds: want 1 to %d", rounds, MostRounds)
	}
	for _, l := range []Load{a, b} {
		if err := Check(l); err != nil {
			return nil, err
		}
	}
	c := new(Comparison)
	for round := range rounds {
		p, whole := compareOnce(ctx, a, b, round, each)
		if whole {
			c.Rounds = append(c.Rounds, p)
		}
		if !whole || ctx.Err() != nil || p.A.Failure != "" || p.B.Failure != "" {
			break
		}
	}
	c.sumUp()
	return c, nil
}

// compareOnce is one round. whole reports whether both have run.
func compareOnce(ctx context.Context, a, b Load, round int, each func(int, bool, *Report)) (p Pair, whole bool) {
	for _, second := range []bool{round%2 == 1, round%2 == 0} {
		if ctx.Err() != nil {
			return p, false
		}
		l, to := a, &p.A
		if second {
			l, to = b, &p.B
		}
		*to = l.measure(ctx)
		if each != nil {
			each(round, second, *to)
		}
	}
	p.relate()
	return p, true
}

// relate computes b relative to a.
func (p *Pair) relate() {
	p.Rate = relative(p.A.PerSecond(), p.B.PerSecond())
	p.P50 = relative(quantile(p.A.Latency, 50), quantile(p.B.Latency, 50))
	p.P99 = relative(quantile(p.A.Latency, 99), quantile(p.B.Latency, 99))
}

// relative is b relative to a, or 0 where one of the two is nothing.
func relative(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return b / a
}

func quantile(h *hdrhistogram.Histogram, q float64) float64 {
	return float64(h.ValueAtQuantile(q))
}

// sumUp computes what the rounds say together.
func (c *Comparison) sumUp() {
	c.Rate = c.over(func(p Pair) float64 { return p.Rate })
	c.P50 = c.over(func(p Pair) float64 { return p.P50 })
	c.P99 = c.over(func(p Pair) float64 { return p.P99 })
}

// over sums one ratio of the rounds up.
func (c *Comparison) over(of func(Pair) float64) Ratio {
	var list []float64
	for _, p := range c.Rounds {
		if v := of(p); v > 0 && !p.Cut() {
			list = append(list, v)
		}
	}
	n := len(list)
	if n == 0 {
		return Ratio{}
	}
	slices.Sort(list)
	return Ratio{Median: (list[(n-1)/2] + list[n/2]) / 2, Min: list[0], Max: list[n-1], Rounds: n}
}

// Cut reports whether one of the two runs ended before its time, so that they do not compare.
func (p Pair) Cut() bool {
	return slices.ContainsFunc([]*Report{p.A, p.B}, func(r *Report) bool { return r != nil && (r.Interrupted || r.Failure != "") })
}
