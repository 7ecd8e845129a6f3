package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"parley/internal/figure"
)

// WriteText writes the comparison for people: what was compared, round by round
// with the ratios, the ratios over all rounds, what they come to, and warnings. Lines
// are at most width columns wide, 0 being 80.
func (c *Comparison) WriteText(w io.Writer, width int) error {
	p := newPage(width)
	if len(c.Rounds) == 0 {
		p.line("no round was measured")
		return p.writeTo(w)
	}
	c.writeHead(p)
	p.gap()
	c.writeRounds(p)
	p.gap()
	c.writeRatios(p)
	c.writeWarnings(p)
	return p.writeTo(w)
}

// writeHead says what was compared. The conditions are those of the first round, and
// said of B only where they are others.
func (c *Comparison) writeHead(p *page) {
	var said []string
	for side, r := range c.Rounds[0].sides() {
		p.paragraph(sideNames[side]+" ", r.Target())
		if now := r.Conditions(); !slices.Equal(now, said) {
			said = now
			p.sentence(strings.Repeat(" ", hanging), append(now, "measured for "+figure.Span(r.Elapsed)+" a round")...)
		}
	}
}

// sideNames are what the two sides are called.
var sideNames = [2]string{"A", "B"}

// sides are the reports of a and b.
func (p Pair) sides() [2]*Report { return [2]*Report{p.A, p.B} }

// writeRounds writes rate, p50 and p99 of each round, and the ratios.
func (c *Comparison) writeRounds(p *page) {
	t := table{key: []string{"", "round"}}
	for i := range c.Rounds {
		t.key = append(t.key, strconv.Itoa(i+1))
	}
	t.add(c.versus(c.Rounds[0].A.unit()+"/s", func(r *Report) string {
		return strings.TrimSpace(figure.Short(r.PerSecond()))
	}, func(p Pair) float64 { return p.Rate })...)
	t.add(c.versus("p50", quantileText(50), func(p Pair) float64 { return p.P50 })...)
	t.add(c.versus("p99", quantileText(99), func(p Pair) float64 { return p.P99 })...)
	p.table(t)
}

// versus is what the two sides have of one thing, and the ratio, as one column for all
// rounds, so that it stays together.
func (c *Comparison) versus(head string, of func(*Report) string, ratio func(Pair) float64) []string {
	a, b, relative := []string{"A"}, []string{"B"}, []string{"B/A"}
	for _, p := range c.Rounds {
		a, b = append(a, of(p.A)), append(b, of(p.B))
		relative = append(relative, ratioText(ratio(p)))
	}
	cells := []string{head}
	for i := range a {
		cells = append(cells, padLeft(a[i], widest(a))+" "+padLeft(b[i], widest(b))+" "+padLeft(relative[i], widest(relative)))
	}
	return cells
}

func quantileText(percent float64) func(*Report) string {
	return func(r *Report) string {
		if r.latencies() == 0 {
			return "-"
		}
		return figure.Latency(float64(r.Latency.ValueAtPercentile(percent)))
	}
}

// ratioText writes a ratio that is there.
func ratioText(x float64) string {
	if !(x > 0) {
		return "-"
	}
	return figure.Ratio(x)
}

// writeRatios writes what the rounds say together.
func (c *Comparison) writeRatios(p *page) {
	t := table{key: []string{"B to A", "rate", "p50", "p99"}}
	median, least, most, verdict := []string{"median"}, []string{"least"}, []string{"most"}, []string{""}
	for _, r := range []Ratio{c.Rate, c.P50, c.P99} {
		median, least, most = append(median, ratioText(r.Median)), append(least, ratioText(r.Min)), append(most, ratioText(r.Max))
		verdict = append(verdict, r.verdict(len(c.Rounds)))
	}
	for i, v := range verdict {
		verdict[i] = pad(v, widest(verdict))
	}
	t.add(median...)
	t.add(least...)
	t.add(most...)
	t.add(verdict...)
	p.table(t)
}

// verdict says what all rounds agree on.
func (r Ratio) verdict(rounds int) string {
	switch {
	case !(r.Median > 0):
		return "nothing to compare"
	case rounds < 2:
		return "one round proves nothing"
	case r.Rounds < rounds:
		return fmt.Sprintf("only %d of %d rounds compare", r.Rounds, rounds)
	case r.Min > 1:
		return "B has more in every round"
	case r.Max < 1:
		return "B has less in every round"
	}
	return "the rounds disagree"
}

// writeWarnings writes each kind of warning of each side once.
func (c *Comparison) writeWarnings(p *page) {
	gap := p.gap
	for side, name := range sideNames {
		for _, w := range c.warningsOf(side) {
			gap()
			gap = func() {}
			p.paragraph("warning:", name+" "+w)
		}
	}
}

// warningsOf are those of one side, each with how many rounds have it and the words of
// the first.
func (c *Comparison) warningsOf(side int) (texts []string) {
	type kind struct {
		name, text string
		first, n   int
	}
	var kinds []kind
	for round, p := range c.Rounds {
		for _, w := range p.sides()[side].warnings() {
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == w.kind })
			if i < 0 {
				i = len(kinds)
				kinds = append(kinds, kind{name: w.kind, text: w.text, first: round + 1})
			}
			kinds[i].n++
		}
	}
	for _, k := range kinds {
		where := "in round " + strconv.Itoa(k.first)
		if k.n > 1 {
			where = fmt.Sprintf("in %d of %d rounds, first %s", k.n, len(c.Rounds), where)
		}
		texts = append(texts, where+": "+k.text)
	}
	return texts
}
