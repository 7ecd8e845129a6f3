package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/chat/text"
	"parley/clock/query"
	"parley/clock/timesync"
	"parley/endpoint"
)

const timeLong = `time asks a server what time it is: what it says, how far this machine's clock is from
it, how long the exchange took, and how far that can be trusted.

A SERVER is SERVICE@ENDPOINT, where SERVICE is ntp, time (RFC 868), daytime (RFC 867) or
timesync (a strftime format is sent, the time in it comes back). The scheme and the port may
be left out: ntp@HOST is ntp@udp://HOST:123, time@HOST is on TCP port 37, daytime@HOST
on TCP port 13, timesync@HOST on UDP port 9527.

The first line on stdout is the server's time, in local time, or in the words of the server
where it sends words; --format asks timesync for another, and prints that of the others in it.
The lines after it are the offset (the server's clock minus this machine's), the delay, and
what is known of the server. The error stated bounds the offset if the server is right: half the
delay, which may all have been on one way, what the protocol cannot tell (time, daytime and
timesync tell whole seconds), and what the server admits itself.

Of several --samples the one of the least error counts.

Exit status: 0 the server told the time; 1 it did not, or it says that its clock is not to be
followed; 2 usage, or stdout failed; 128+n ended by signal n; 141 standard output was
closed.`

const timeExample = `  parley time ntp@pool.ntp.org
  parley time timesync@udp://127.0.0.1:9527 --format '%Y/%m/%d %H:%M:%S'
  parley time --json --watch 2s ntp@192.0.2.1
  parley time compare ntp@a ntp@b ntp@c --max 5ms
  parley time sync ntp@a ntp@b ntp@c`

// timeFlags are the flags of time.
type timeFlags struct {
	format         string
	timeout, watch durationFlag
	samples        int
	json, quiet    bool
}

func newTime(e *env) *cobra.Command {
	f := new(timeFlags)
	cmd := &cobra.Command{
		Use:     "time [flags] SERVER",
		Short:   "ask a server for the time, compare servers, set the clock by them",
		Long:    timeLong,
		Example: timeExample,
		Args:    cobra.ArbitraryArgs, // so that subcommands are no arguments
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exactArgs("SERVER")(cmd, args); err != nil {
				return err
			}
			return e.time(cmd, f, args[0])
		},
	}
	cmd.Flags().StringVar(&f.format, "format", "", "the strftime format that the time is printed in")
	cmd.Flags().Var(&f.timeout, "timeout", "how long an answer is awaited (default 5s)")
	cmd.Flags().Var(&f.watch, "watch", "ask again and again, this long after the last time")
	cmd.Flags().IntVar(&f.samples, "samples", 0, "how often to ask, 1 to 100 (default 4 of ntp, else 1)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON: one object, with --watch one a line")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print the time alone")
	cmd.AddCommand(newTimeCompare(e), newTimeSync(e))
	return cmd
}

// time is the verb.
func (e *env) time(cmd *cobra.Command, f *timeFlags, arg string) error {
	t, err := query.Parse(arg)
	if err != nil {
		return usageError{err: err}
	}
	if f.samples < 0 || f.samples > 100 || f.samples == 0 && cmd.Flags().Changed("samples") {
		return usageErrorf(cmd, "--samples %d: want 1 to 100", f.samples)
	}
	if f.json && f.quiet {
		return usageErrorf(cmd, "--json and --quiet do not go together")
	}
	if cmd.Flags().Changed("timeout") && f.timeout == 0 {
		return usageErrorf(cmd, "--timeout: want a time that is not zero")
	}
	if cmd.Flags().Changed("watch") && f.watch == 0 {
		return usageErrorf(cmd, "--watch: want a time that is not zero")
	}
	a := asker{samples: f.samples, options: query.Options{Timeout: time.Duration(f.timeout), Format: f.format}}
	ctx, watch := e.untilSignal(cmd.Context())
	defer watch.stop()
	for {
		r, err := a.ask(ctx, t)
		if sig := watch.signalled(); sig != nil {
			return sig
		}
		if perr := e.printReading(f, t, r, err); perr != nil {
			return perr
		}
		if f.watch == 0 {
			return verdictOf(r, err)
		}
		if err != nil {
			e.report(err)
		}
		select {
		case <-ctx.Done():
			return cmp.Or(watch.signalled(), ctx.Err())
		case <-time.After(time.Duration(f.watch)):
		}
	}
}

// verdictOf is how time ends after one reading.
func verdictOf(r query.Reading, err error) error {
	if err != nil {
		return err
	}
	if r.NTP != nil && r.NTP.Problem != nil {
		return &unfitError{r.Target, r.NTP.Problem}
	}
	return nil
}

// An unfitError is a server that says itself that its time is not to be followed.
type unfitError struct {
	target endpoint.Target
	why    error
}

func (e *unfitError) Error() string {
	return fmt.Sprintf("%s@%s: its clock is not to be followed: %v", e.target.Service, printed(e.target.Endpoint), e.why)
}
func (e *unfitError) Unwrap() error { return e.why }

// An asker asks a server several times.
type asker struct {
	samples int
	options query.Options
}

// samplePause is between two questions.
const samplePause = 50 * time.Millisecond

// ask returns the best reading. It fails if every question did.
func (a asker) ask(ctx context.Context, t endpoint.Target) (query.Reading, error) {
	all, err := a.askAll(ctx, t)
	if err != nil {
		return query.Reading{Target: t}, err
	}
	return best(all), nil
}

// best is the reading of the least error, which for the most part is its delay.
func best(all []query.Reading) query.Reading {
	return slices.MinFunc(all, func(a, b query.Reading) int { return cmp.Compare(a.Error, b.Error) })
}

// askAll returns a reading for each question that was answered, at least one.
func (a asker) askAll(ctx context.Context, t endpoint.Target) (all []query.Reading, err error) {
	n := a.samples
	if n == 0 {
		n = 1
		if t.Service == "ntp" {
			n = 4
		}
	}
	for i := range n {
		if i > 0 {
			select {
			case <-ctx.Done():
				return all, ctx.Err()
			case <-time.After(samplePause):
			}
		}
		r, aerr := query.Ask(ctx, t, a.options)
		if aerr != nil {
			err = aerr
			if len(all) == 0 && !errors.Is(aerr, os.ErrDeadlineExceeded) {
				return nil, err // what is refused once is refused again
			}
			continue
		}
		all = append(all, r)
	}
	if len(all) > 0 {
		err = nil
	}
	return all, err
}

// printReading prints what a server said, in the form that f asks for. An error is only
// printed as JSON.
func (e *env) printReading(f *timeFlags, t endpoint.Target, r query.Reading, err error) error {
	switch {
	case f.json:
		a := readingJSON(t, r, err)
		if f.format != "" && r.Timed && t.Service != "timesync" {
			a.Formatted = f.formatted(r)
		}
		return writeJSON(e, a)
	case err != nil:
		return nil
	}
	text := f.said(r)
	if isTerminal(e.stdout) { // which would obey what the server says
		text = cleanLines(text)
	}
	if !f.quiet {
		text += aboutReading(r)
	}
	return writeOutput(e.stdout, []byte(text))
}

// cleanLines is text without what a terminal would obey but ends of lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, one := range lines {
		lines[i] = text.Clean(one)
	}
	return strings.Join(lines, "\n")
}

// said is the server's time as one line.
func (f *timeFlags) said(r query.Reading) string {
	switch {
	case r.Text != "" && (f.format == "" || r.Target.Service == "timesync"):
		return r.Text + "\n"
	case !r.Timed:
		return "no time that can be read: " + r.Text + "\n"
	}
	format := f.format
	if format == "" {
		return r.Time().Local().Format(timeLayout(r.Error)) + "\n"
	}
	return f.formatted(r) + "\n"
}

// formatted is the server's time in the format that was asked for.
func (f *timeFlags) formatted(r query.Reading) string {
	text, _ := timesync.Expand(nil, r.Time().Local(), f.format, 1<<16)
	return string(text)
}

// timeLayout shows no more of a second than is known.
func timeLayout(uncertain time.Duration) string {
	switch {
	case uncertain >= 500*time.Millisecond:
		return "2006-01-02 15:04:05 -0700"
	case uncertain >= 500*time.Microsecond:
		return "2006-01-02 15:04:05.000 -0700"
	}
	return "2006-01-02 15:04:05.000000 -0700"
}

// untilSignal returns a ctx that ends with the first signal. The caller stops the watch.
func (e *env) untilSignal(ctx context.Context) (context.Context, *signalWatch) {
	ctx, cancel := context.WithCancel(ctx)
	w := &signalWatch{cancel: cancel, quit: make(chan struct{}), done: make(chan struct{})}
	go w.run(e.signals)
	return ctx, w
}
