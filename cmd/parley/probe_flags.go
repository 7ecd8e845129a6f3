package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"parley/probe"
)

// probeFlags are the flags of probe.
type probeFlags struct {
	timeout, banner, interval, watch spanFlag
	concurrency, count, tries        countFlag
	rate                             rateFlag
	json, all, quiet                 bool
}

func (f *probeFlags) add(cmd *cobra.Command) {
	f.timeout.low, f.interval.low, f.watch.low = shortest, shortest, 10*time.Millisecond
	f.banner = spanFlag{low: shortest, off: true}
	f.concurrency = countFlag{low: 1, high: 1 << 16}
	f.count = countFlag{low: 1, high: 1 << 20}
	f.tries = countFlag{low: 1, high: 100}
	f.rate.off = true
	set := cmd.Flags()
	set.Var(&f.timeout, "timeout", "how long each step of a target, or a ping, may take (default 2s)")
	set.Var(&f.concurrency, "concurrency", "targets under way at once (default 256)")
	set.Var(&f.rate, "rate", "targets begun a second, 0 is no limit (default 1000)")
	set.Var(&f.banner, "banner", "how long to listen to an open tcp or unix target for what it says first, 0 is not at all (default 250ms)")
	set.Var(&f.tries, "tries", "datagrams sent to a udp target (default 2)")
	set.Var(&f.count, "count", "pings of an icmp target (default 4)")
	set.Var(&f.interval, "interval", "between pings (default 200ms)")
	set.Var(&f.watch, "watch", "look again this long after the last look began, until a signal")
	set.BoolVar(&f.json, "json", false, "print an object for each target, on a line each")
	set.BoolVar(&f.all, "all", false, "a line for every target, however many are alike")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing; the exit status tells")
}

var probeConflicts = []flagConflict{
	{"json", "quiet", "one prints what the other does not"},
	{"all", "quiet", "one prints what the other does not"},
	{"json", "all", "every target is an object anyway"},
}

// ofSchemes says of which schemes a flag is.
var ofSchemes = []struct {
	flag    string
	schemes []string
}{
	{"banner", []string{"tcp", "tcp4", "tcp6", "unix", "unixpacket"}},
	{"tries", []string{"udp", "udp4", "udp6", "unixgram"}},
	{"count", []string{"icmp", "icmp4", "icmp6"}},
	{"interval", []string{"icmp", "icmp4", "icmp6"}},
}

// check finds flags that do not go together, or with no target.
func (f *probeFlags) check(cmd *cobra.Command, args []string, targets []probe.Targets) error {
	if err := checkFlags(cmd, args, probeConflicts, nil); err != nil {
		return err
	}
	for _, of := range ofSchemes {
		any := slices.ContainsFunc(targets, func(t probe.Targets) bool { return slices.Contains(of.schemes, firstOf(t).Scheme) })
		if cmd.Flags().Changed(of.flag) && !any {
			return hinted(cmd, fmt.Errorf("--%s is of %s, and no target is", of.flag, of.schemes[0]), "try "+commandLine(cmd, args, of.flag, ""))
		}
	}
	return nil
}

func (f *probeFlags) options() probe.Options {
	return probe.Options{
		Timeout: f.timeout.d, Concurrency: f.concurrency.n, Rate: f.rate.rate, Banner: f.banner.d,
		Count: f.count.n, Interval: f.interval.d, Tries: f.tries.n, Watch: f.watch.d,
	}
}
