package bench

import (
	"strings"

	"parley/internal/figure"
)

// A warning is something without which the numbers would mislead.
type warning struct {
	kind string // the same in all reports
	text string
}

// wrongKind is the kind of the errors that are [ErrWrongAnswer].
const wrongKind = "wrong answer"

// keptUp is the part of a rate that has to be sent for the schedule to have been kept.
const keptUp = 0.99

// enough latencies are there for one to be beyond each percentile.
const enough = 10_000

// Warnings are, in words, what the numbers would mislead without, the worst first.
func (r *Report) Warnings() (texts []string) {
	for _, w := range r.warnings() {
		texts = append(texts, clean(w.text))
	}
	return texts
}

// warnings are in the order of how much they call in question.
func (r *Report) warnings() (all []warning) {
	warn := func(kind, text string) { all = append(all, warning{kind, text}) }
	if r.Failure != "" {
		warn("failure", "the run ended before its time: "+r.Failure)
	}
	if r.Interrupted {
		warn("interrupted", "interrupted: this is what was measured in "+figure.Span(r.Elapsed))
	}
	if limits := r.Generator.Limits; len(limits) > 0 {
		warn("generator", "the generator was the limit, not the endpoint: "+strings.Join(limits, "; "))
	}
	if n := r.Errors[wrongKind]; n > 0 {
		warn("wrong", quantity(n, "answer")+" of "+figure.Count(r.latencies()+n)+" did not say what was expected")
	}
	if r.Mode != Messages && r.Service == "" && strings.HasPrefix(r.Endpoint, "udp") {
		warn("silent", "opening a UDP session sends nothing, so nobody need have been there: name a service, as in echo@"+r.Endpoint)
	}
	if r.Failed > 0 {
		warn("failed", quantity(r.Failed, "session")+" failed: see the errors")
	}
	all = append(all, r.lossWarnings()...)
	if r.behind() {
		warn("behind", figure.Rate(perSecond(r.Sent, r.Elapsed))+" messages/s were sent, not the "+
			figure.Rate(r.Rate)+" messages/s that were asked for")
	}
	if r.Stall > 0 {
		warn("stalled", "an answer took "+figure.Span(r.Stall)+", from the warm-up until after the end: no latency tells of it")
	}
	switch n := r.latencies(); {
	case n == 0 && r.Failure == "" && r.Elapsed > 0:
		warn("nothing", r.nothing())
	case n > 0 && n < enough:
		warn("few", tooFew(n, r.unit()))
	}
	return all
}

// lossWarnings tell what the network lost from what this machine did.
func (r *Report) lossWarnings() (all []warning) {
	if n := r.Unanswered; n > 0 && !r.Interrupted { // or it was we who did not wait
		all = append(all, warning{"unanswered", quantity(n, "message") + " stayed without an answer (" + figure.Share(n, r.Offered) + ")"})
	}
	if n := r.Unsent; n > 0 {
		all = append(all, warning{"unsent", r.unsent()})
	}
	d := r.Datagrams
	if d == nil {
		return all
	}
	if d.Lost > 0 {
		all = append(all, warning{"lost", quantity(d.Lost, "message") + " of " + figure.Count(r.Offered) +
			" or their answers were lost (" + figure.Share(d.Lost, r.Offered) + ")"})
	}
	if r.Guessed > 0 && d.Lost > 0 {
		all = append(all, warning{"guessed", quantity(r.Guessed, "answer") + " of this service did not tell which message they answer, and were taken for that to the oldest: " +
			"after each loss the latencies are too long"})
	}
	if n := max(d.DroppedHere, 0) + max(d.RefusedHere, 0); n > 0 {
		all = append(all, warning{"here", quantity(n, "datagram") + " were lost on this machine, not by the network or the endpoint, the warm-up included: " +
			here(d.DroppedHere) + " dropped as they were not read fast enough, " + here(d.RefusedHere) + " refused on sending"})
	}
	return all
}

// unsent is what was due and never came to be: in Connects sessions.
func (r *Report) unsent() string {
	if r.Mode == Messages {
		return quantity(r.Unsent, "message") + " were due and never sent"
	}
	return quantity(r.Unsent, "session") + " were due and never opened: none of those that are opened at once was free"
}

// behind reports whether less was sent than a schedule asked for, in a run
// that went on to its end.
func (r *Report) behind() bool {
	due := min(r.Rate*r.Elapsed.Seconds(), float64(r.Offered+r.Unsent)) // random moments may be fewer than the rate says
	return r.Mode == Messages && r.Rate > 0 && r.Failure == "" && !r.Interrupted && r.Elapsed > 0 &&
		float64(r.Sent) < keptUp*due
}

func (r *Report) nothing() string {
	if r.Mode == Messages {
		return "nothing was answered"
	}
	return "no session was opened"
}

// latencies is how many were measured.
func (r *Report) latencies() int64 { return r.histogram().TotalCount() }

// tooFew names the percentiles for which there are fewer than one latency beyond them
// among n: they are the worst one by another name.
func tooFew(n int64, unit string) string {
	var names []string
	for _, q := range percentiles {
		if n < q.enough {
			names = append(names, q.name)
		}
	}
	all := names[len(names)-1]
	if rest := names[:len(names)-1]; len(rest) > 0 {
		all = strings.Join(rest, ", ") + " and " + all
	}
	return "too few " + unit + " (" + figure.Count(n) + ") to tell " + all + " from the worst"
}
