package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"parley/bench"
)

const benchLong = `bench puts load on TARGET and measures it. TARGET is SERVICE@ENDPOINT, or a SERVICE
alone, which is at its default endpoint; with --connect and --hold an ENDPOINT is
enough. Every answer is checked: of echo byte for byte, of ack, stamp, timesync and
ntp by its shape.

Without --rate it is a closed loop: each connection has --depth messages under way,
and an answer lets the next one go. That says what the target can do. With --rate it
is an open loop: messages are due at moments that do not depend on the target, and
the latency of each is counted from its moment, not from when it could be sent. That
says what users would see. --poisson spreads the moments as many independent users
would.

What is measured begins after --warmup and lasts for --time. On a terminal a line
shows how it goes. Then a table goes to standard output, or with --json one object,
whose fields are only added to; it is there after an error or a signal too, with what
was measured until then. When the generator was the limit and not the target, because
it had no processor left or missed its schedule, the report says so.

  --connect   opens and closes connections, -c at once: connections in a second
  --hold N    opens N connections and keeps them, until --time or a signal
              (with a SERVICE there is one message and its answer on each)
  --against   measures two targets in turn, in --rounds pairs, first one, then the
              other first: the ratios are of the second to the first, pair by pair

The file of --payload is one message; with --frame it is cut into messages, which are
sent in turn. On streams --frame puts each message in its frame and takes answers out
of theirs; without it an answer is known by its length. Messages of ack, stamp and
timesync on streams end in a line feed, which such servers answer at once. fixed:N is
N bytes without a frame.

Lost datagrams are a result, and not a failure.

Exit status: 0 all went well; 1 an answer was wrong or did not come, a connection
failed, or the target vanished; 2 usage: nothing was sent, or the report could not be
written; 128+n ended by signal n, with a report; 141 standard output was closed.`

const benchExample = `  parley bench echo@tcp://127.0.0.1:7007 -c 64 --size 64 --time 10s
  parley bench echo@udp://127.0.0.1:7007 --rate 50k --poisson
  parley bench echo@tcp://a:7 --against echo@tcp://b:7 --rounds 5
  parley bench stamp --rate 6000/m --json | jq .latency_us
  parley bench 'echo@tls://host:9443?ca=ca.pem' -c 8 --depth 16 --plot tls.svg
  parley bench echo --payload words.txt --frame line
  parley bench --connect tcp://a:7 -c 50
  parley bench --hold 10000 tcp://a:7 --time 1m`

func newBench(e *env) *cobra.Command {
	f := new(benchFlags)
	cmd := &cobra.Command{
		Use:               "bench [flags] TARGET",
		Short:             "put load on an endpoint and measure it",
		Long:              benchLong,
		Example:           benchExample,
		Args:              exactArgs("TARGET"),
		ValidArgsFunction: completeTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.reportHinted(e.bench(cmd, f, args[0]))
		},
	}
	f.add(cmd)
	return cmd
}

// bench is the verb.
func (e *env) bench(cmd *cobra.Command, f *benchFlags, arg string) error {
	b, err := e.benchOf(cmd, f, arg)
	if err == nil {
		return b.run(cmd.Context())
	}
	return e.benchFailed(f, err)
}

// benchFailed returns err. With --json it is an object too.
func (e *env) benchFailed(f *benchFlags, err error) error {
	if !f.json {
		return err
	}
	return cmp.Or(writeJSON(e, &bench.Report{Failure: err.Error()}), err)
}

// benchOf makes the loads, and opens the files that are written at the end. Nothing
// that could be refused is left to find once it has been made.
func (e *env) benchOf(cmd *cobra.Command, f *benchFlags, arg string) (*benching, error) {
	if err := f.check(cmd, []string{arg}); err != nil {
		return nil, err
	}
	b := &benching{env: e, flags: f, line: newStatusLine(e, f.quiet)}
	payload, err := f.readPayload(e.stdin)
	if err != nil {
		return nil, usageError{err: err}
	}
	for _, text := range append([]string{arg}, f.others()...) {
		target, err := f.target(cmd, text)
		if err != nil {
			return nil, err
		}
		load, err := f.load(cmd, target, payload)
		if err != nil {
			return nil, err
		}
		if err := bench.Check(load); err != nil {
			return nil, usageError{err: err}
		}
		warnInsecure(e, load.Endpoint)
		b.loads = append(b.loads, load)
	}
	if b.files, err = openReportFiles(f.plot, f.hgrm); err != nil {
		return nil, usageError{err: err}
	}
	return b, nil
}

// others are the targets beside the argument.
func (f *benchFlags) others() []string {
	if f.against == "" {
		return nil
	}
	return []string{f.against}
}

// benching is the verb at work.
type benching struct {
	env   *env
	flags *benchFlags
	loads []bench.Load // one, or two that are compared
	files reportFiles
	line  *statusLine
	stop  *stopper
}

// run measures, and says what was measured, whatever ended it.
func (b *benching) run(ctx context.Context) error {
	defer b.files.close()
	var stopped context.Context
	b.stop, stopped = newStopper(ctx, b.env.signals)
	defer b.stop.close()
	defer watchOutput(b.env, b.stop)()
	done := make(chan measured, 1)
	go b.measure(stopped, done) // ends with the loads, which the first signal ends
	var m measured
	select {
	case m = <-done:
	case <-b.stop.now:
		b.line.end()
		return b.stop.err
	}
	b.line.end()
	switch {
	case !m.empty():
		return b.conclude(m)
	case b.stop.stopped():
		return b.env.benchFailed(b.flags, b.stop.err)
	}
	return b.env.benchFailed(b.flags, usageError{err: m.err})
}

// conclude writes the files, then the output, and returns why the verb ends.
func (b *benching) conclude(m measured) error {
	filed := b.files.write(m)
	if err := b.print(m); err != nil {
		return err
	}
	switch {
	case filed != nil:
		return exitError{status: statusUsage, err: filed}
	case b.stop.stopped():
		return b.stop.err
	case m.err != nil:
		return m.err
	}
	return m.verdict()
}

// completeTarget completes the name of a service that bench knows, and nothing after
// its @.
func completeTarget(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeAgainst(nil, nil, word)
}

// completeAgainst is completeTarget for a flag.
func completeAgainst(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	if strings.Contains(word, "@") {
		return nil, directive
	}
	return bench.Exchanges(), directive
}
