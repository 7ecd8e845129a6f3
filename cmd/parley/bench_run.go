package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"parley/bench"
	"parley/endpoint"
	"parley/transport"
)

// measured is what came of the loads.
type measured struct {
	report     *bench.Report     // of one load, or nil
	comparison *bench.Comparison // of two, or nil
	loads      []bench.Load
	err        error
}

func (m measured) empty() bool { return m.report == nil && m.comparison == nil }

// reports are all there are, each with the endpoint of its load.
func (m measured) reports() (all []*bench.Report, at []endpoint.Endpoint) {
	add := func(r *bench.Report, l bench.Load) {
		if r != nil {
			all, at = append(all, r), append(at, l.Endpoint)
		}
	}
	add(m.report, m.loads[0])
	if m.comparison != nil {
		for _, pair := range m.comparison.Rounds {
			add(pair.A, m.loads[0])
			add(pair.B, m.loads[1])
		}
	}
	return all, at
}

// measure runs the loads.
func (b *benching) measure(ctx context.Context, done chan<- measured) {
	m := measured{loads: b.loads}
	if len(b.loads) == 1 {
		b.loads[0].Progress = b.progress(func() string { return "" })
		m.report, m.err = bench.Run(ctx, b.loads[0])
	} else {
		m.comparison, m.err = b.compare(ctx)
	}
	done <- m
}

// compare runs two loads in turn.
func (b *benching) compare(ctx context.Context) (*bench.Comparison, error) {
	var runs atomic.Int64 // that are over
	for i := range b.loads {
		b.loads[i].Progress = b.progress(func() string {
			return fmt.Sprintf("round %d of %d, %s: ", runs.Load()/2+1, b.flags.rounds.n, "AB"[i:i+1])
		})
	}
	return bench.Compare(ctx, b.loads[0], b.loads[1], b.flags.rounds.n, func(int, bool, *bench.Report) { runs.Add(1) })
}

// progress shows intervals on the terminal, each after a prefix. It is nil where
// nobody looks.
func (b *benching) progress(prefix func() string) func(bench.Interval) {
	if b.line == nil {
		return nil
	}
	return func(one bench.Interval) {
		b.line.show(func(width int) string {
			before := prefix()
			return before + one.Line(max(width-len(before), 1))
		})
	}
}

// print writes the output.
func (b *benching) print(m measured) error {
	if b.flags.json {
		if m.comparison != nil {
			return writeJSON(b.env, m.comparison)
		}
		return writeJSON(b.env, m.report)
	}
	var text bytes.Buffer
	width := columns(b.env.stdout)
	var err error
	if m.comparison != nil {
		err = m.comparison.WriteText(&text, width)
	} else {
		err = m.report.WriteText(&text, width)
	}
	return cmp.Or(err, writeOutput(b.env.stdout, text.Bytes()))
}

// verdict is an error if something was not as it should be. The report tells the
// rest.
func (m measured) verdict() error {
	all, at := m.reports()
	for i, r := range all {
		if text := complaint(r); text != "" {
			return (&benchError{at[i], r, text}).hinted()
		}
	}
	return nil
}

// complaint says in a line what was not as it should be, or "".
func complaint(r *bench.Report) string {
	failed := r.Failed
	if r.Mode == bench.Holds && failed == 0 {
		failed = int64(r.Sessions) - r.Open
	}
	switch {
	case r.Failure != "":
		return r.Failure
	case failed > 0:
		return count(failed, "session") + " failed" + kindsText(r)
	case len(r.Errors) > 0:
		return "not all went well" + kindsText(r)
	case r.Datagrams == nil && r.Unanswered > 0:
		return count(r.Unanswered, "message") + " stayed without an answer"
	case r.Mode == bench.Messages && r.Answered == 0:
		return "nothing was answered"
	case r.Opened == 0 && r.Mode != bench.Messages:
		return "no session was opened"
	}
	return ""
}

// kindsText lists what went wrong, the most frequent first: ": 3 reset, 1 refused".
func kindsText(r *bench.Report) string {
	kinds := r.Kinds()
	if len(kinds) == 0 {
		return ""
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", r.Errors[kind], kind)
	}
	return ": " + strings.Join(kinds, ", ")
}

// benchError is a run that did not go well.
type benchError struct {
	at     endpoint.Endpoint
	report *bench.Report
	text   string
}

func (e *benchError) Error() string { return "bench " + printed(e.at).String() + ": " + e.text }

// hinted is e, with a hint where probe would tell more.
func (e *benchError) hinted() error {
	if e.report.Opened > 0 || e.report.Errors["tls"] == 0 {
		return e
	}
	return hintedError{e, "`parley probe " + quoted(printed(e.at).String()) + "` says what the server presents; ca= or pin= make it trusted"}
}

// Unwrap gives what hints are about: where nothing could be opened, why.
func (e *benchError) Unwrap() error {
	if e.report.Opened > 0 {
		return nil
	}
	causes := map[string]error{
		"refused": syscall.ECONNREFUSED, "unreachable": syscall.EHOSTUNREACH, "timed out": os.ErrDeadlineExceeded,
		"no such socket": syscall.ENOENT, "denied": syscall.EACCES,
		"no such name": &net.DNSError{Name: e.at.Host, IsNotFound: true},
	}
	for _, kind := range e.report.Kinds() {
		if cause := causes[kind]; cause != nil {
			return &transport.OpError{Op: "dial", Endpoint: e.at, Err: cause}
		}
	}
	return nil
}

// middlePair is the pair with the median ratio of rates, among those that compare if there are
// any.
func middlePair(rounds []bench.Pair) (bench.Pair, bool) {
	whole := slices.DeleteFunc(slices.Clone(rounds), bench.Pair.Cut)
	if len(whole) == 0 {
		whole = slices.Clone(rounds)
	}
	if len(whole) == 0 {
		return bench.Pair{}, false
	}
	slices.SortFunc(whole, func(a, b bench.Pair) int { return cmp.Compare(a.Rate, b.Rate) })
	return whole[len(whole)/2], true
}

// watchOutput ends stop when nobody reads stdout any more.
func watchOutput(e *env, stop *stopper) (unwatch func()) {
	if f, ok := e.stdout.(*os.File); ok {
		return watchStdout(f, stop.outputGone)
	}
	return func() {}
}
