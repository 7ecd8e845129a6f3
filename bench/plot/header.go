package plot

import (
	"strings"
	"time"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"parley/bench"
	"parley/internal/figure"
)

// sample is the length of the piece of a curve in front of its name.
const sample = 24

// mostWarnings are shown. A picture is no place to read more.
const mostWarnings = 4

// A header is the lines above the panels: title, conditions, the names of the curves,
// and warnings.
type header struct{ lines []headline }

type headline struct {
	text  string
	style text.Style
	curve *draw.LineStyle // drawn in front, if it is set
}

func newHeader(groups []runs, common []string) *header {
	h := new(header)
	title, conditions := "Load on several endpoints", common
	if first := groups[0].reports[0].Target(); len(common) > 0 && common[0] == first {
		title, conditions = first, common[1:]
	}
	h.add(title, bold(typeface(13, ink)), nil)
	h.add(strings.Join(conditions, ", "), typeface(9.5, pale), nil)
	for i, g := range groups {
		style := curve(i)
		switch {
		case alone(groups):
			h.add(summary(g.reports[0])+", "+when(g.reports[0]), typeface(9.5, pale), nil)
		case len(g.reports) == 1:
			h.add(joined(": ", g.label, summary(g.reports[0])), typeface(9.5, ink), &style)
		default:
			h.add(joined(": ", g.label, spread(g.reports)), typeface(9.5, ink), &style)
		}
	}
	h.warn(groups)
	return h
}

// joined puts together what is not empty.
func joined(separator, a, b string) string {
	if a == "" {
		return b
	}
	return a + separator + b
}

// summary is what a run comes to.
func summary(r *bench.Report) string {
	facts := []string{rateOf(r)}
	if count(r) > 0 {
		for _, q := range marks[:3] {
			facts = append(facts, q.name+" "+figure.Latency(float64(r.Latency.ValueAtPercentile(q.percent))))
		}
	}
	return strings.Join(facts, ", ")
}

// when says when and for how long a run measured.
func when(r *bench.Report) string {
	s := "measured for " + figure.Span(r.Elapsed)
	if !r.Started.IsZero() {
		s += ", started " + r.Started.UTC().Format(time.DateTime) + " UTC"
	}
	return s
}

// spread is what several runs come to.
func spread(reports []*bench.Report) string {
	runs := figure.Count(int64(len(reports))) + " runs"
	if reports[0].Mode == bench.Holds {
		return runs
	}
	low, high := reports[0], reports[0]
	for _, r := range reports {
		if r.PerSecond() < low.PerSecond() {
			low = r
		}
		if r.PerSecond() > high.PerSecond() {
			high = r
		}
	}
	return runs + ", " + figure.Rate(low.PerSecond()) + " to " + rateOf(high)
}

// rateOf is what a run is judged by.
func rateOf(r *bench.Report) string {
	switch r.Mode {
	case bench.Connects:
		return figure.Rate(r.PerSecond()) + " sessions/s"
	case bench.Holds:
		return figure.Count(r.Open) + " sessions open at the end"
	}
	return figure.Rate(r.PerSecond()) + " messages/s"
}

// warn adds each warning once.
func (h *header) warn(groups []runs) {
	style := typeface(9.5, warning)
	said := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.reports {
			for _, w := range r.Warnings() {
				w = joined(": ", g.label, w)
				if !said[w] && len(said) < mostWarnings {
					h.add("warning: "+w, style, nil)
				}
				said[w] = true
			}
		}
	}
	if n := len(said) - mostWarnings; n > 0 {
		h.add("warnings that are not shown here: "+figure.Count(int64(n)), style, nil)
	}
}

// add appends s, on as many lines as it takes.
func (h *header) add(s string, style text.Style, sampled *draw.LineStyle) {
	room := vg.Length(width - 2*margin)
	if sampled != nil {
		room -= sample + 6
	}
	for _, line := range broken(s, style, room) {
		h.lines = append(h.lines, headline{line, style, sampled})
		if sampled != nil {
			sampled = &draw.LineStyle{} // nothing, where the curve is
		}
	}
}

// broken is s on lines no longer than room: broken between words or, where one is
// longer, in it.
func broken(s string, style text.Style, room vg.Length) (lines []string) {
	current := ""
	for _, word := range figure.Words(s) {
		if next := joined(" ", current, word); style.Width(next) <= room {
			current = next
			continue
		}
		if current != "" {
			lines = append(lines, current)
		}
		for current = word; style.Width(current) > room; {
			part := []rune(current)
			n := len(part) - 1
			for n > 1 && style.Width(string(part[:n])) > room {
				n--
			}
			lines, current = append(lines, string(part[:n])), string(part[n:])
		}
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

func (l headline) height() vg.Length { return l.style.Font.Size * 1.45 }

func (h *header) height() (sum vg.Length) {
	for _, l := range h.lines {
		sum += l.height()
	}
	return sum
}

func (h *header) draw(c draw.Canvas) {
	y := c.Max.Y
	for _, l := range h.lines {
		y -= l.height()
		x := c.Min.X
		if l.curve != nil {
			middle := y + l.style.Font.Size*0.35
			if l.curve.Width > 0 {
				c.StrokeLine2(*l.curve, x, middle, x+sample, middle)
			}
			x += sample + 6
		}
		c.FillText(l.style, vg.Point{X: x, Y: y}, l.text)
	}
}
