package plot

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"parley/bench"
)

// timeLabel is of the axes of time.
const timeLabel = "time since the measuring began"

// rates draws the rate over time, or where sessions are held how many are open.
func rates(groups []runs) *plot.Plot {
	title, rate := rateName(groups)
	p := newPanel(title, timeLabel)
	top := -1.0
	for i, g := range groups {
		for _, r := range g.reports {
			steps := stepsOf(r, rate)
			for _, s := range steps {
				top = max(top, s.rate)
			}
			add(p, steps, func(s step) float64 { return s.rate }, curve(i))
		}
	}
	if top < 0 {
		say(p, "the run ended before its first interval")
		return p
	}
	asked := askedRate(groups)
	top = max(top, asked)
	p.Y.Min, p.Y.Max = 0, max(top*1.08, 1)
	p.Y.Tick.Marker = linearTicks{5, thousands}
	onTime(p, groups)
	if asked > 0 {
		level := plotter.XYs{{X: p.X.Min, Y: asked}, {X: p.X.Max, Y: asked}}
		p.Add(styled(level, draw.LineStyle{Color: pale, Width: 1, Dashes: dashes[2]}))
		p.Add(note(p.X.Max, asked, "asked", pale, draw.XLeft, 4, 0))
	}
	return p
}

// rateName is what there is a rate of.
func rateName(groups []runs) (title string, rate func(bench.Interval) float64) {
	modes := map[bench.Mode]bool{}
	for _, r := range all(groups) {
		modes[r.Mode] = true
	}
	rate = bench.Interval.PerSecond
	switch {
	case len(modes) > 1:
		return "Messages or sessions per second", rate
	case modes[bench.Connects]:
		return "Sessions opened per second", rate
	case modes[bench.Holds]:
		return "Sessions open", func(i bench.Interval) float64 { return float64(i.Open) }
	}
	return "Messages answered per second", rate
}

// askedRate is the rate that all runs were asked for, or 0.
func askedRate(groups []runs) float64 {
	reports := all(groups)
	for _, r := range reports {
		if r.Rate != reports[0].Rate || r.Mode == bench.Holds || math.IsInf(r.Rate, 0) {
			return 0
		}
	}
	return reports[0].Rate
}

// latencyLine is one of the curves of latency over time.
type latencyLine struct {
	name string
	of   func(step) float64
}

// latencies draws the 99th percentile over time, and of one run alone also the median
// and the worst.
func latencies(groups []runs) *plot.Plot {
	title := "99th percentile of the latency over time"
	lines := []latencyLine{{"p99", func(s step) float64 { return s.p99 }}}
	if alone(groups) {
		title = "Latency over time"
		lines = append(lines, latencyLine{"p50", func(s step) float64 { return s.p50 }}, latencyLine{"max", func(s step) float64 { return s.max }})
	}
	p := newPanel(title, timeLabel)
	low, high := math.Inf(1), 0.0
	var ends []ending
	for i, g := range groups {
		for _, r := range g.reports {
			steps := stepsOf(r, bench.Interval.PerSecond)
			for n, l := range lines {
				for _, s := range steps {
					if y := l.of(s); y > 0 {
						low, high = min(low, y), max(high, y)
					}
				}
				style := curve(i + n)
				if end, ok := add(p, steps, l.of, style); ok {
					ends = append(ends, ending{l.name, end, style.Color})
				}
			}
		}
	}
	if high == 0 {
		say(p, "no latency was measured")
		return p
	}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	p.Y.Min, p.Y.Max = around(low, high)
	onTime(p, groups)
	if alone(groups) {
		name(p, ends)
	}
	return p
}

// An ending is where a curve ends that has a name.
type ending struct {
	name  string
	at    plotter.XY
	color color.Color
}

// name writes the names of curves at their ends, none over another.
func name(p *plot.Plot, ends []ending) {
	const dataHeight, lineHeight = smallPanel - 50, 9 // about
	slices.SortStableFunc(ends, func(a, b ending) int { return cmp.Compare(b.at.Y, a.at.Y) })
	last := math.Inf(1) // the height of the name above
	for _, e := range ends {
		y := p.Y.Norm(e.at.Y) * dataHeight
		height := min(y, last-lineHeight)
		p.Add(note(e.at.X, e.at.Y, e.name, e.color, draw.XLeft, 4, vg.Length(height-y)))
		last = height
	}
}

// add draws the steps that have a value, with gaps where there is none, and returns
// the last point.
func add(p *plot.Plot, steps []step, of func(step) float64, style draw.LineStyle) (end plotter.XY, ok bool) {
	var points plotter.XYs
	flush := func() {
		if len(points) > 0 {
			p.Add(styled(points, style))
		}
		points = nil
	}
	for i, s := range steps {
		y := of(s)
		if i > 0 && s.from > steps[i-1].to+1e-3 || math.IsNaN(y) {
			flush()
		}
		if math.IsNaN(y) {
			continue
		}
		points = append(points, plotter.XY{X: s.from, Y: y}, plotter.XY{X: s.to, Y: y})
		end, ok = points[len(points)-1], true
	}
	flush()
	return end, ok
}

// onTime makes the horizontal axis the time of all runs.
func onTime(p *plot.Plot, groups []runs) {
	first, last := 0.0, 1e-3
	for _, r := range all(groups) {
		for _, i := range r.Intervals {
			first, last = min(first, (i.At-i.Length).Seconds()), max(last, i.At.Seconds())
		}
	}
	p.X.Min, p.X.Max = first, last
	p.X.Tick.Marker = linearTicks{10, seconds}
}
