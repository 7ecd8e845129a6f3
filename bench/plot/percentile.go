package plot

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"parley/bench"
	"parley/internal/figure"
)

// perDecade is how many points of a curve there are for each nine of a percentile.
const perDecade = 60

// marks are the percentiles that have names, the most important first.
var marks = []struct {
	name    string
	percent float64
	one     float64 // one in so many is beyond it
}{
	{"p50", 50, 2}, {"p99", 99, 100}, {"p99.9", 99.9, 1000}, {"p90", 90, 10}, {"p99.99", 99.99, 10_000},
}

// percentiles draws latency by percentile. The horizontal axis is one in how many
// are beyond: each nine takes as much room.
func percentiles(groups []runs) *plot.Plot {
	p := newPanel("Latency by percentile", "percentile of the latencies")
	most, low, high := 10.0, math.Inf(1), 0.0
	for i, g := range groups {
		for _, r := range g.reports {
			if n := count(r); n > 0 {
				most = max(most, float64(n))
				low = min(low, nanoseconds(r.Latency.Min()))
				high = max(high, nanoseconds(r.Latency.Max()))
				p.Add(styled(byPercentile(r), curve(i)))
			}
		}
	}
	if high == 0 {
		say(p, "no latency was measured")
		return p
	}
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = nines{}, logTicks{}
	p.X.Min, p.X.Max = 1, most
	p.Y.Min, p.Y.Max = around(low, high)
	if alone(groups) {
		mark(p, groups[0].reports[0])
	}
	return p
}

func count(r *bench.Report) int64 {
	if r.Latency == nil {
		return 0
	}
	return r.Latency.TotalCount()
}

// nanoseconds is a latency that has a logarithm.
func nanoseconds(ns int64) float64 { return float64(max(ns, 1)) }

// byPercentile is the curve of a report that has latencies. What lies between two
// equal values is left out.
func byPercentile(r *bench.Report) plotter.XYs {
	n := float64(count(r))
	var points plotter.XYs
	for i := 0; ; i++ {
		x := min(math.Pow(10, float64(i)/perDecade), n)
		y := nanoseconds(r.Latency.ValueAtPercentile(100 - 100/x))
		if x == n {
			y = nanoseconds(r.Latency.Max())
		}
		if k := len(points); k >= 2 && points[k-1].Y == y && points[k-2].Y == y {
			points[k-1].X = x
		} else {
			points = append(points, plotter.XY{X: x, Y: y})
		}
		if x == n {
			return points
		}
	}
}

// mark writes the values at the percentiles that have names, and the worst.
func mark(p *plot.Plot, r *bench.Report) {
	n := float64(count(r))
	one := func(name string, x, y float64) {
		align, dx, dy := draw.XRight, vg.Length(-5), vg.Length(7)
		if x <= 2 {
			align, dx, dy = draw.XLeft, 4, -9 // there is no room before it
		}
		p.Add(dot{x, y, draw.GlyphStyle{Color: curve(0).Color, Radius: 2.5, Shape: draw.CircleGlyph{}}})
		p.Add(note(x, y, name+" "+figure.Latency(y), ink, align, dx, dy))
	}
	for _, q := range marks {
		if q.one <= n/2 {
			one(q.name, q.one, nanoseconds(r.Latency.ValueAtPercentile(q.percent)))
		}
	}
	one("max", n, nanoseconds(r.Latency.Max()))
}

// A dot is a point of a curve.
type dot struct {
	x, y  float64
	style draw.GlyphStyle
}

func (d dot) Plot(c draw.Canvas, p *plot.Plot) {
	c.DrawGlyph(d.style, vg.Point{X: c.X(p.X.Norm(d.x)), Y: c.Y(p.Y.Norm(d.y))})
}

// nines are ticks at 0 %, 50 %, 90 %, 99 % and so on, of an axis of one in how many
// are beyond.
type nines struct{}

func (nines) Ticks(_, most float64) []plot.Tick {
	ticks := []plot.Tick{{Value: 1, Label: "0 %"}, {Value: 2, Label: "50 %"}}
	for digits, x := -1, 10.0; x <= most; digits, x = digits+1, x*10 {
		ticks = append(ticks, plot.Tick{Value: x, Label: strconv.FormatFloat(100-100/x, 'f', max(digits, 0), 64) + " %"})
	}
	return ticks
}
