package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parley"
	"parley/bench"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	connections, depth, workers, rounds, hold countFlag

	size           bytesFlag
	payload, frame string
	rate           rateFlag
	poisson        bool
	time, warmup   spanFlag
	timeout        spanFlag
	retry          bool
	seed           uint64
	against        string
	connect, reset bool
	json, quiet    bool
	plot, hgrm     string
}

// defaultRounds is how often each of two targets is measured.
const defaultRounds = 5

// shortest is the shortest time that is no slip of the finger.
const shortest = time.Millisecond

func (f *benchFlags) add(cmd *cobra.Command) {
	f.connections = countFlag{low: 1, high: bench.MostSessions}
	f.hold = countFlag{low: 1, high: bench.MostSessions}
	f.depth = countFlag{low: 1, high: bench.MostDepth}
	f.workers = countFlag{low: 1, high: bench.MostWorkers}
	f.rounds = countFlag{n: defaultRounds, low: 1, high: bench.MostRounds}
	f.size.high = bench.MostSize
	f.time.low, f.timeout.low = shortest, shortest
	f.warmup = spanFlag{low: shortest, off: true}
	set := cmd.Flags()
	set.VarP(&f.connections, "connections", "c", "connections at once (default 1)")
	set.Var(&f.size, "size", "size of each message (default 64; of ntp 48)")
	set.StringVar(&f.payload, "payload", "", "send what `FILE` has, - is stdin")
	set.StringVar(&f.frame, "frame", "", "the `FRAME` of messages on streams, and how --payload is cut: line, nul, len32, fixed:N")
	set.Var(&f.depth, "depth", "messages of each connection under way at once (default 1)")
	set.Var(&f.rate, "rate", "send so many messages, or with --connect and --hold open so many connections, a second, whether the target keeps up or not: 200, 50k, 1.5M, 6000/m")
	set.BoolVar(&f.poisson, "poisson", false, "with --rate: moments that are independent of each other, in place of even ones")
	set.Var(&f.time, "time", "how long is measured (default 10s; of --hold until a signal)")
	set.Var(&f.warmup, "warmup", "before that, and not measured; 0 is none (default a tenth of --time, at most 1s)")
	set.Var(&f.timeout, "timeout", "how long an answer, or connecting, may take (default 10s; an answer on datagrams 1s)")
	set.BoolVar(&f.retry, "retry", false, "open connections again that fail")
	set.Var(&f.workers, "workers", "event loops, each on a processor (default 1 for a target of this machine, else one for each processor)")
	set.Uint64Var(&f.seed, "seed", 0, "`NUMBER` that the contents of messages and the moments of --poisson are made of")
	set.StringVar(&f.against, "against", "", "measure this `TARGET` too, in turn with the other")
	set.Var(&f.rounds, "rounds", "with --against: how often each is measured (default 5)")
	set.BoolVar(&f.connect, "connect", false, "measure connecting: open connections and close them")
	set.BoolVar(&f.reset, "reset", false, "with --connect: close by a reset, which leaves no address in TIME_WAIT here")
	set.Var(&f.hold, "hold", "open so many connections and hold them")
	set.BoolVar(&f.json, "json", false, "print one JSON object")
	set.StringVar(&f.plot, "plot", "", "draw latency by percentile, and rate and latency over time, into `FILE.svg`")
	set.StringVar(&f.hgrm, "hgrm", "", "write the percentiles to `FILE`, as HdrHistogram's plotter reads them")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "no line that shows how it goes")
	completeChoices(cmd, "frame", "line", "nul", "len32", "fixed:")
	completeFiles(cmd, "plot", "svg")
	if err := cmd.RegisterFlagCompletionFunc("against", completeAgainst); err != nil {
		panic(err) // there is no such flag
	}
}

// completeFiles makes shells complete the value of the flag called name by files
// with that extension.
func completeFiles(cmd *cobra.Command, name, extension string) {
	if err := cmd.MarkFlagFilename(name, extension); err != nil {
		panic(err) // there is no such flag
	}
}

var benchConflicts = []flagConflict{
	{"connect", "hold", "one closes connections that the other keeps"},
	{"hold", "connections", "--hold says how many"},
	{"hold", "against", "what is held is not measured in turn"},
	{"hold", "warmup", "nothing is cut off of what is held"},
	{"hold", "depth", "messages are not what is measured"},
	{"hold", "workers", "one opens all connections"},
	{"connect", "depth", "messages are not what is measured"},
	{"connect", "workers", "one opens all connections"},
	{"rate", "depth", "with a rate messages go when they are due, however many are under way"},
	{"payload", "size", "the file says how long a message is"},
	{"against", "hgrm", "that file is of one run"},
}

var benchNeeds = []flagNeed{
	{"poisson", "rate", "50k"},
	{"rounds", "against", "TARGET"},
	{"reset", "connect", ""},
}

// check finds flags that do not go together.
func (f *benchFlags) check(cmd *cobra.Command, args []string) error {
	if err := checkFlags(cmd, args, benchConflicts, benchNeeds); err != nil {
		return err
	}
	return checkReportFiles(cmd, f.plot, f.hgrm)
}

func (f *benchFlags) mode() bench.Mode {
	switch {
	case f.connect:
		return bench.Connects
	case f.hold.n > 0:
		return bench.Holds
	}
	return bench.Messages
}

// framing is that of --frame, or nil.
func (f *benchFlags) framing() (bench.Framing, error) {
	switch f.frame {
	case "":
		return nil, nil
	case "raw", "text":
		return nil, fmt.Errorf("--frame %s: answers cannot be told apart by it; want line, nul, len32 or fixed:N, or no --frame for answers of a known length", f.frame)
	}
	framing, err := parley.ParseFraming(f.frame)
	if err != nil {
		return nil, fmt.Errorf("--frame %q: want line, nul, len32 or fixed:N, with N from 1 to %d", f.frame, parley.MaxFixed)
	}
	return framing, nil
}
