package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"parley/clock/query"
	"parley/endpoint"
)

const timeCompareLong = `compare asks several servers, at once and several times, and prints a line for each: its
offset from this machine's clock, how far that may be off, the delay, the jitter (the standard
deviation of its offsets), what it says of itself, and whether it agrees with the others: its time,
with its error, has a moment in common with that of most.

sync@HOST:PORT is a host that runs parley time sync --metrics: its line is what it knows of
its own clock, in the same columns, with its frequency. It is judged by whether it is synchronized,
and not compared with others: hosts that follow different servers agree as far as those do.

With --max it is an error if two clocks are further apart than that, this machine's own not
counted, or if a sync@ host found at its last update that it was further off.

Exit status: 0 all answered, agree, and are within --max; 1 not; 2 usage, or stdout
failed; 141 standard output was closed.`

// timeCompareFlags are the flags of time compare.
type timeCompareFlags struct {
	max, timeout durationFlag
	samples      int
	json         bool
}

func newTimeCompare(e *env) *cobra.Command {
	f := new(timeCompareFlags)
	cmd := &cobra.Command{
		Use:     "compare [flags] SERVER...",
		Short:   "compare the clocks of several servers",
		Long:    timeCompareLong,
		Example: "  parley time compare ntp@a ntp@b ntp@c --max 5ms",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.timeCompare(cmd, f, args)
		},
	}
	cmd.Flags().Var(&f.max, "max", "how far two clocks may be apart")
	cmd.Flags().Var(&f.timeout, "timeout", "how long an answer is awaited (default 5s)")
	cmd.Flags().IntVar(&f.samples, "samples", 8, "how often to ask each, 1 to 100")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	return cmd
}

// timeCompare is the verb.
func (e *env) timeCompare(cmd *cobra.Command, f *timeCompareFlags, args []string) error {
	if len(args) == 0 {
		return usageErrorf(cmd, "expected SERVER...")
	}
	if f.samples < 1 || f.samples > 100 {
		return usageErrorf(cmd, "--samples %d: want 1 to 100", f.samples)
	}
	if cmd.Flags().Changed("max") && f.max == 0 {
		return usageErrorf(cmd, "--max: want a time that is not zero")
	}
	if cmd.Flags().Changed("timeout") && f.timeout == 0 {
		return usageErrorf(cmd, "--timeout: want a time that is not zero")
	}
	var targets []endpoint.Target
	for _, arg := range args {
		t, err := parseCompared(arg)
		if err != nil {
			return usageError{err: err}
		}
		if slices.Contains(targets, t) {
			return usageErrorf(cmd, "%s is named twice", arg)
		}
		targets = append(targets, t)
	}
	ctx, watch := e.untilSignal(cmd.Context())
	defer watch.stop()
	hosts := askEach(ctx, asker{samples: f.samples, options: query.Options{Timeout: time.Duration(f.timeout)}}, targets)
	if sig := watch.signalled(); sig != nil {
		return sig
	}
	c := compareHosts(hosts, time.Duration(f.max))
	if f.json {
		if err := writeJSON(e, c.json()); err != nil {
			return err
		}
	} else if err := writeOutput(e.stdout, []byte(c.table())); err != nil {
		return err
	}
	return c.verdict()
}

// parseCompared reads a server, or sync@HOST:PORT.
func parseCompared(arg string) (endpoint.Target, error) {
	if !strings.HasPrefix(arg, "sync@") {
		return query.Parse(arg)
	}
	t, err := endpoint.ParseTarget(arg)
	if err == nil && !strings.HasPrefix(t.Endpoint.Scheme, "tcp") {
		err = fmt.Errorf("target %q: want sync@HOST:PORT, where parley time sync --metrics serves", arg)
	}
	return t, err
}

// A comparedHost is what is known of one server.
type comparedHost struct {
	target endpoint.Target
	best   query.Reading // of the least error
	jitter time.Duration // of its offsets, negative: not known
	err    error
	agrees bool // with the majority

	own *syncState // of sync@, in place of best
}

// timed reports whether its clock could be compared.
func (h *comparedHost) timed() bool { return h.err == nil && h.best.Timed }

// askEach asks all at once.
func askEach(ctx context.Context, a asker, targets []endpoint.Target) []comparedHost {
	hosts := make([]comparedHost, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() { hosts[i] = compareHost(ctx, a, t) })
	}
	all.Wait()
	return hosts
}

func compareHost(ctx context.Context, a asker, t endpoint.Target) comparedHost {
	h := comparedHost{target: t}
	if t.Service == "sync" {
		h.askOwn(ctx, cmp.Or(a.options.Timeout, 5*time.Second))
		return h
	}
	all, err := a.askAll(ctx, t)
	if err != nil {
		h.err = err
		return h
	}
	h.best = best(all)
	h.jitter = deviation(all)
	if n := h.best.NTP; n != nil && n.Problem != nil {
		h.err = &unfitError{t, n.Problem}
	}
	return h
}

// askOwn asks a host what it knows of its own clock.
func (h *comparedHost) askOwn(ctx context.Context, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := fetchState(ctx, h.target.Endpoint)
	if err != nil {
		h.err = err
		return
	}
	h.own = &s
	if !s.Synchronized {
		h.err = fmt.Errorf("sync@%s: its clock is not synchronized", printed(h.target.Endpoint))
	}
}

// A comparison is what is known of several servers.
type comparison struct {
	hosts  []comparedHost
	timed  int           // whose clocks could be compared
	spread time.Duration // between the two that are furthest apart
	max    time.Duration // that is allowed, 0 any
}

// compareHosts finds who agrees. Each clock's true time is within its error of its offset; the
// largest number of servers with a moment in common are right, if they are more than half
// (Marzullo's algorithm).
func compareHosts(hosts []comparedHost, most time.Duration) comparison {
	c := comparison{hosts: hosts, max: most}
	type edge struct {
		at   time.Duration
		step int
	}
	var edges []edge
	timed := 0
	var low, high time.Duration
	for i := range hosts {
		h := &hosts[i]
		if !h.timed() {
			continue
		}
		if timed == 0 {
			low, high = h.best.Offset, h.best.Offset
		}
		low, high = min(low, h.best.Offset), max(high, h.best.Offset)
		timed++
		edges = append(edges, edge{h.best.Offset - h.best.Error, 1}, edge{h.best.Offset + h.best.Error, -1})
	}
	c.timed, c.spread = timed, high-low
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.step, a.step)) // what begins where another ends meets it
	})
	here, top := 0, 0
	var from, to time.Duration
	for i, one := range edges {
		if here += one.step; here > top {
			top, from, to = here, one.at, edges[i+1].at
		}
	}
	for i := range hosts {
		h := &hosts[i]
		h.agrees = h.timed() && 2*top > timed && h.best.Offset-h.best.Error <= to && h.best.Offset+h.best.Error >= from
	}
	return c
}

// dissent says how h disagrees: how far it is from the middle of those that agree, if most do.
func (c *comparison) dissent(h *comparedHost) string {
	var agreeing []time.Duration
	for i := range c.hosts {
		if one := &c.hosts[i]; one.agrees {
			agreeing = append(agreeing, one.best.Offset)
		}
	}
	if len(agreeing) == 0 {
		return "no majority agrees"
	}
	slices.Sort(agreeing)
	return "it is " + signed(h.best.Offset-agreeing[len(agreeing)/2]) + " from the others"
}

// verdict is an error if not all is well.
func (c *comparison) verdict() error {
	var errs []error
	for i := range c.hosts {
		h := &c.hosts[i]
		name := h.target.Service + "@" + printed(h.target.Endpoint).String()
		switch {
		case h.err != nil:
			errs = append(errs, h.err)
		case h.own != nil && c.max > 0 && h.own.offset().Abs() > c.max:
			errs = append(errs, fmt.Errorf("%s was off by %s at its last update, more than %s", name, signed(h.own.offset()), precise(c.max)))
		case h.own != nil:
		case !h.best.Timed:
			errs = append(errs, fmt.Errorf("%s: its words are no time that can be read without doubt", name))
		case !h.agrees && len(c.hosts) > 1:
			errs = append(errs, fmt.Errorf("%s disagrees: %s", name, c.dissent(h)))
		}
	}
	if c.max > 0 && c.spread > c.max {
		errs = append(errs, fmt.Errorf("the clocks are up to %s apart, more than %s", precise(c.spread), precise(c.max)))
	}
	return errors.Join(errs...)
}

// table is what people see.
func (c *comparison) table() string {
	rows := [][]string{{"server", "offset", "error", "delay", "jitter", "stratum", "follows", "agrees", "frequency", "updated"}}
	if !slices.ContainsFunc(c.hosts, func(h comparedHost) bool { return h.own != nil }) {
		rows[0] = rows[0][:8]
	}
	for i := range c.hosts {
		h := &c.hosts[i]
		row := []string{h.target.Service + "@" + printed(h.target.Endpoint).String()}
		switch {
		case h.own != nil:
			row = append(row, h.own.columns()...)
		case h.best.NTP == nil && h.err != nil:
			row = append(row, "-", "-", "-", "-", "-", "-", "no answer")
		case !h.best.Timed:
			row = append(row, "-", "-", precise(h.best.Delay), "-", "-", "-", "not known")
		default:
			row = append(row, signed(h.best.Offset), "± "+precise(h.best.Error), precise(h.best.Delay), jitterText(h.jitter))
			row = append(row, strataOf(h)...)
			row = append(row, c.agreement(h))
		}
		rows = append(rows, row)
	}
	text := aligned(rows)
	if c.timed > 1 {
		text += fmt.Sprintf("furthest apart: %s\n", precise(c.spread))
	}
	return text
}

// jitterText is a jitter, which of one sample is not known.
func jitterText(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return precise(d)
}

// offset is what was to be corrected at the last update.
func (s *syncState) offset() time.Duration { return time.Duration(s.Offset * 1e9) }

// columns are what a host knows of itself, from offset on.
func (s *syncState) columns() []string {
	d := func(seconds float64) time.Duration { return time.Duration(seconds * 1e9) }
	verdict := "synchronized"
	if !s.Synchronized {
		verdict = "NOT synchronized"
	}
	updated := "never"
	if at, err := time.Parse(time.RFC3339Nano, s.Updated); err == nil {
		updated = at.Local().Format("15:04:05")
	}
	return []string{signed(s.offset()), "± " + precise(d(s.RootError+s.RootDelay/2)), precise(d(s.RootDelay)), precise(d(s.Jitter)),
		fmt.Sprint(s.Stratum), cmp.Or(s.Selected, "-"), verdict, ppm(s.Frequency / 1e6), updated}
}

func strataOf(h *comparedHost) []string {
	if h.best.NTP == nil {
		return []string{"-", "-"}
	}
	return []string{fmt.Sprint(h.best.NTP.Stratum), h.best.NTP.ReferenceID}
}

// agreement is a word or a few on whether h agrees.
func (c *comparison) agreement(h *comparedHost) string {
	switch {
	case h.err != nil:
		return "unfit"
	case len(c.hosts) == 1:
		return "alone"
	case h.agrees:
		return "yes"
	}
	return "NO: " + c.dissent(h)
}

// aligned is rows in columns, two spaces between.
func aligned(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// deviation is the standard deviation of the offsets, or negative where there are too few to tell.
func deviation(all []query.Reading) time.Duration {
	if len(all) < 2 {
		return -1
	}
	mean := 0.0
	for _, r := range all {
		mean += float64(r.Offset-all[0].Offset) / float64(len(all))
	}
	sum := 0.0
	for _, r := range all {
		d := float64(r.Offset-all[0].Offset) - mean
		sum += d * d
	}
	return time.Duration(math.Sqrt(sum / float64(len(all)-1)))
}

// comparisonAnswer is what --json prints. Fields are only added.
type comparisonAnswer struct {
	Servers []comparedAnswer `json:"servers"`
	Spread  float64          `json:"spread_s"`
	Max     float64          `json:"max_s,omitempty"`
	OK      bool             `json:"ok"`
}

type comparedAnswer struct {
	readingAnswer
	Jitter *float64   `json:"jitter_s"`         // null: not known
	Agrees *bool      `json:"agrees,omitempty"` // not of sync@, which is judged by its state
	State  *syncState `json:"state,omitempty"`  // of sync@
}

func (c *comparison) json() comparisonAnswer {
	a := comparisonAnswer{Spread: c.spread.Seconds(), Max: c.max.Seconds(), OK: c.verdict() == nil, Servers: []comparedAnswer{}}
	for i := range c.hosts {
		h := &c.hosts[i]
		one := readingJSON(h.target, h.best, h.err)
		if h.best.NTP != nil {
			one = readingJSON(h.target, h.best, nil)
		}
		compared := comparedAnswer{readingAnswer: one, Agrees: &h.agrees, State: h.own}
		switch {
		case h.own != nil:
			compared.readingAnswer = readingAnswer{Target: one.Target, Failed: one.Failed}
			compared.Jitter, compared.Agrees = &h.own.Jitter, nil
		case h.best.Timed && h.jitter >= 0:
			compared.Jitter = seconds(h.jitter)
		}
		a.Servers = append(a.Servers, compared)
	}
	return a
}
