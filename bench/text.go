package bench

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/figure"
)

// WriteText writes the report for people: what was done, a table, the histogram of
// the latencies, and warnings last, where they are seen. Lines are at most width
// columns wide, 0 being 80; all numbers have units.
func (r *Report) WriteText(w io.Writer, width int) error {
	p := newPage(width)
	r.writeHead(p)
	p.gap()
	r.writeTable(p)
	p.gap()
	r.writeLatency(p)
	r.writeWarnings(p)
	return p.writeTo(w)
}

// writeHead says what was done.
func (r *Report) writeHead(p *page) {
	if r.Endpoint != "" {
		p.paragraph("", r.Target())
	}
	p.sentence("", r.Conditions()...)
	p.sentence("", r.times()...)
}

// Target is what was measured, as one would ask for it: on one line, and printable
// whatever its name is.
func (r *Report) Target() string {
	if r.Service == "" {
		return clean(r.Endpoint)
	}
	return clean(r.Service + "@" + r.Endpoint)
}

// Conditions are, in words, all of a load that has to be the same for two reports to be
// compared.
func (r *Report) Conditions() []string {
	var c []string
	switch {
	case r.Mode == Connects && r.Rate == 0:
		c = append(c, "sessions opened and closed as fast as possible")
	case r.Mode == Connects:
		c = append(c, "sessions opened and closed at "+r.asked("sessions/s"))
	case r.Mode == Holds && r.Rate == 0:
		c = append(c, "sessions opened as fast as possible and held")
	case r.Mode == Holds:
		c = append(c, "sessions opened at "+r.asked("sessions/s")+" and held")
	case r.Rate == 0:
		c = append(c, "closed loop")
	default:
		c = append(c, "open loop at "+r.asked("messages/s"))
	}
	switch sessions := quantity(int64(r.Sessions), "session"); {
	case r.Mode == Connects:
		c = append(c, sessions+" at once")
	default:
		c = append(c, sessions)
	}
	if r.Mode == Messages && r.Rate == 0 {
		c = append(c, quantity(int64(r.Depth), "message")+" under way on each")
	}
	if r.says() {
		c = append(c, r.sizeText()+" a message")
	}
	if r.Framing != "" {
		c = append(c, "framed by "+clean(r.Framing))
	}
	if r.Workers > 0 {
		c = append(c, quantity(int64(r.Workers), "worker"))
	}
	return c
}

// sizeText is how long messages are.
func (r *Report) sizeText() string {
	if r.LargestSize > r.Size {
		return "up to " + figure.Count(int64(r.LargestSize)) + " B"
	}
	return figure.Count(int64(r.Size)) + " B"
}

// asked is the rate that was asked for.
func (r *Report) asked(unit string) string {
	return figure.Rate(r.Rate) + " " + unit + " (" + r.Arrivals.spread() + ")"
}

// says reports whether messages were sent on the sessions, or were to be.
func (r *Report) says() bool {
	return r.Service != "" && (r.Mode != Connects || r.Sent > 0)
}

func (r *Report) times() []string {
	t := []string{"measured for " + figure.Span(r.Elapsed)}
	if r.Elapsed == 0 && r.Warmup > 0 {
		t[0] = "nothing measured: ended in the warm-up of " + figure.Span(r.Warmup)
	} else if r.Warmup > 0 {
		t[0] += " after " + figure.Span(r.Warmup) + " of warm-up"
	}
	if !r.Started.IsZero() {
		t = append(t, "started "+r.Started.UTC().Format(time.DateTime)+" UTC")
	}
	return t
}

// writeTable says what became of messages, sessions and the generator.
func (r *Report) writeTable(p *page) {
	p.table(r.totals())
	p.list("sessions", r.sessions()...)
	if r.says() {
		label, items := r.missing()
		p.list(label, items...)
	}
	if r.TCP != nil {
		p.list("tcp", r.TCP.facts()...)
	}
	p.list("generator", r.Generator.facts(r.Rate > 0, r.Mode)...)
	r.writeErrors(p)
}

// totals are what there was in all and, unless most of the time was spent holding,
// in a second.
func (r *Report) totals() table {
	var t table
	var count, rate, size, sizeRate []string
	row := func(label string, n int64, unit string) {
		t.key = append(t.key, pad(label, labelWidth-columnsBetween))
		count = append(count, figure.Count(n)+" "+unit)
		rate = append(rate, figure.Rate(perSecond(n, r.Elapsed))+" "+unit+"/s")
	}
	bytes := func(n int64) {
		size = append(size, figure.Bytes(float64(n)))
		sizeRate = append(sizeRate, figure.Bytes(perSecond(n, r.Elapsed))+"/s")
	}
	if r.Mode != Messages {
		row("opened", r.Opened, "sessions")
		size, sizeRate = append(size, ""), append(sizeRate, "")
	}
	if r.says() {
		row("sent", r.Sent, "messages")
		bytes(r.BytesOut)
		row("answered", r.Answered, "messages")
		bytes(r.BytesIn)
	}
	t.add(count...)
	if r.Mode != Holds {
		t.add(rate...)
	}
	if r.says() {
		t.add(size...)
	}
	if r.says() && r.Mode != Holds {
		t.add(sizeRate...)
	}
	return t
}

func (r *Report) sessions() []string {
	items := []string{}
	if r.Mode == Messages {
		items = append(items, figure.Count(r.Opened)+" opened")
	}
	items = append(items, figure.Count(r.Failed)+" failed")
	if r.Reopened > 0 {
		items = append(items, figure.Count(r.Reopened)+" reopened")
	}
	if r.Mode != Connects {
		items = append(items, figure.Count(r.Open)+" open at the end")
	}
	return items
}

// missing says what became of the messages that were not answered, or not as they
// should have been.
func (r *Report) missing() (label string, items []string) {
	d := r.Datagrams
	unanswered := " unanswered"
	if r.Interrupted {
		unanswered = " under way when it was interrupted"
	}
	if d == nil {
		return "missing", []string{figure.Count(r.Unanswered) + unanswered, figure.Count(r.Unsent) + " never sent"}
	}
	return "datagrams", []string{
		figure.Count(d.Lost) + " lost (" + figure.Share(d.Lost, r.Offered) + ")",
		figure.Count(d.Late) + " late",
		figure.Count(d.Duplicated) + " duplicated",
		figure.Count(d.Reordered) + " reordered",
		figure.Count(d.Stray) + " stray",
		here(d.DroppedHere) + " dropped by this machine",
		here(d.RefusedHere) + " refused by this machine",
		figure.Count(r.Unsent) + " never sent",
	}
}

// here writes a number that the system may not tell.
func here(n int64) string {
	if n < 0 {
		return "an unknown number"
	}
	return figure.Count(n)
}

func (t *TCP) facts() []string {
	facts := []string{
		quantity(t.Connections, "connection"),
		quantity(t.Retransmits, "segment") + " retransmitted",
	}
	if t.RTTMax > 0 {
		facts = append(facts, "round trip "+figure.Latency(float64(t.RTTMin))+" to "+figure.Latency(float64(t.RTTMax)),
			"mean "+figure.Latency(float64(t.RTTMean)))
	}
	return facts
}

// facts are of the load itself. Moments are only missed where there is a schedule.
func (g *Generator) facts(scheduled bool, mode Mode) []string {
	unit := "message"
	if mode != Messages {
		unit = "session"
	}
	facts := []string{"not known how busy"}
	if g.Busy >= 0 {
		facts[0] = "busy " + strconv.FormatFloat(100*g.Busy, 'f', 1, 64) + " % of the time"
	}
	switch {
	case g.Missed > 0:
		facts = append(facts, quantity(g.Missed, unit)+" late by more than 1 ms through its own fault",
			"at worst "+figure.Latency(float64(g.WorstMiss)))
	case scheduled:
		facts = append(facts, "no "+unit+" late through its own fault")
	}
	return facts
}

// writeErrors says of each kind of error how many there were, and the first.
func (r *Report) writeErrors(p *page) {
	label := "errors"
	for _, kind := range r.Kinds() {
		words := []string{figure.Count(r.Errors[kind]), clean(kind)}
		if first := strings.TrimPrefix(clean(r.FirstErrors[kind]), kind+": "); first != "" {
			words[1] += ":"
			words = append(words, figure.Words(first)...)
		}
		p.wrap(pad(label, labelWidth), labelWidth+4, words)
		label = ""
	}
}

// Kinds are those of the errors, the most frequent first.
func (r *Report) Kinds() []string {
	return slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Errors[b], r.Errors[a]), cmp.Compare(a, b))
	})
}

// writeLatency writes the percentiles and the histogram.
func (r *Report) writeLatency(p *page) {
	h := r.histogram()
	if h.TotalCount() == 0 {
		p.list("latency", "none was measured")
		return
	}
	p.list("latency", r.counting(), "least "+figure.Latency(float64(h.Min())),
		"mean "+figure.Latency(h.Mean()), "stddev "+figure.Latency(h.StdDev()))
	t := table{key: []string{pad("", labelWidth-columnsBetween), ""}}
	for _, q := range percentiles {
		t.add(q.name, figure.Latency(float64(h.ValueAtPercentile(q.percent))))
	}
	t.add("max", figure.Latency(float64(h.Max())))
	p.table(t)
	p.gap()
	writeCurve(p, h, r.unit())
}

// counting says from when latencies are counted.
func (r *Report) counting() string {
	switch {
	case r.Mode != Messages:
		return "of opening a session"
	case r.Rate > 0:
		return "from the moment a message was due"
	}
	return "of an answer"
}

// unit is what there are latencies of.
func (r *Report) unit() string {
	if r.Mode == Messages {
		return "messages"
	}
	return "sessions"
}

// writeWarnings writes what a reader must not overlook.
func (r *Report) writeWarnings(p *page) {
	warnings := r.warnings()
	if len(warnings) == 0 {
		return
	}
	p.gap()
	for _, w := range warnings {
		p.paragraph("warning:", w.text)
	}
}

// quantity writes a number of things.
func quantity(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return figure.Count(n) + " " + thing
}
