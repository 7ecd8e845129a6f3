package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley"
	"parley/service"
)

const serveLong = `serve runs services at endpoints until a signal ends it.

Without a SERVICE and without -f it serves every service at its default
endpoints, on loopback: one that is busy is a warning, and the rest serve. A
SERVICE without an endpoint is served at its default ones. Endpoints that were
named open all, or none.

For every listener it prints "listening SERVICE@ENDPOINT" to stdout, with the real
address and port, before it serves. Nothing else goes to stdout. The log goes to
stderr; lines that stderr does not take are left out, and how many is a line too.

All chat of one command that has the same store is one chat, whatever it is served
over. Its store is opened before any endpoint, and one process at a time has it. In
the default set a store that cannot be opened is a warning, and chat is left out.

The file of -f has one SERVICE@ENDPOINT a line. Empty lines are skipped, and so is
what follows a # that begins a line or comes after a space.

SIGINT, SIGTERM and SIGHUP drain: no new sessions, what peers have sent is
answered, and sessions end in order. A second signal ends at once. There is
nothing to reload. Status 0: drained; 1: an endpoint could not be opened, or
--drain ran out and sessions were cut; 2: a text that cannot be read.`

const serveExample = `  parley serve
  parley serve echo@tcp://:0 echo@udp://:0 stamp@tls://:9443
  parley serve chat@tcp://:9527 chat@udp://:9528 chat@ws://:8081/chat
  parley serve 'gate?secret=1&wait=5s@unix:/run/gate.sock?mode=0660'
  parley serve -f services.conf --metrics :9100 --log json`

// serveFlags are the flags of parley serve.
type serveFlags struct {
	file    string
	drain   durationFlag
	log     string
	verbose int
	quiet   bool
	metrics string
	limits  parley.Limits
}

func newServe(e *env) *cobra.Command {
	f := &serveFlags{drain: durationFlag(parley.DrainTime)}
	cmd := &cobra.Command{
		Use:               "serve [flags] [SERVICE[?param=value]@ENDPOINT ...]",
		Short:             "serve small services at endpoints",
		Long:              serveLong + "\n\nServices:\n" + serviceTable(kinds()),
		Example:           serveExample,
		ValidArgsFunction: completeService,
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", "", "read services from `FILE`, - is stdin")
	flags.Var(&f.drain, "drain", "how long sessions may take to end after a signal")
	flags.StringVar(&f.log, "log", "text", "log as `text|json`; with json notes are lines of the log too")
	flags.CountVarP(&f.verbose, "verbose", "v", "log listeners and the limits in force; -vv: every message")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "log errors only")
	flags.StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at `HOST:PORT`; no host is loopback")
	addLimitFlags(flags, &f.limits)
	completeChoices(cmd, "log", "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return usageError{err: err, usage: cmd.UseLine()}
		}
		return e.serveQueued(cmd.Context(), f, args)
	}
	return cmd
}

// check reports flags that are wrong, or do not go together.
func (f *serveFlags) check() error {
	switch {
	case f.log != "text" && f.log != "json":
		return fmt.Errorf("--log %q: want text or json", f.log)
	case f.quiet && f.verbose > 0:
		return fmt.Errorf("-q and -v do not go together")
	}
	return nil
}

// serviceTable lists services for the help, aligned. A service of many parameters
// has a line for each.
func serviceTable(kinds []service.Kind) string {
	var b strings.Builder
	for _, k := range kinds {
		name := k.Name
		for i, p := range k.Params {
			name += map[bool]string{true: "?", false: "&"}[i == 0] + p.Name + "="
		}
		if len(k.Params) <= 2 {
			fmt.Fprintf(&b, "  %-20s %s\n", name, k.Summary)
			continue
		}
		fmt.Fprintf(&b, "  %-20s %s; parameters:\n", k.Name, k.Summary)
		for _, p := range k.Params {
			fmt.Fprintf(&b, "    %-18s %s%s\n", p.Name+"=", p.Summary, defaultOf(p))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func defaultOf(p service.Param) string {
	if p.Default == "" {
		return ""
	}
	return " (default " + p.Default + ")"
}

// completeService completes the name of a service, and nothing after its @.
func completeService(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(word, "@") {
		return nil, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range kinds() {
		names = append(names, k.Name+"\t"+k.Summary)
	}
	return names, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// serveQueued is the verb, with a stderr that may not be read: neither sessions
// nor signals wait for it. All that serve says goes through the queue, the error
// included, so that lines keep their order.
func (e *env) serveQueued(ctx context.Context, f *serveFlags, args []string) error {
	direct := e.stderr
	queue := newLogQueue(direct, leftOutLine(f.log == "json"))
	e.stderr = queue
	err := e.serve(ctx, f, args)
	e.report(err)
	queue.close(flushTime)
	e.stderr = direct
	if err != nil {
		return exitError{status: statusOf(err)} // it is said
	}
	return nil
}

// serve does what the verb does: read what to serve, open it, say so, serve, drain.
func (e *env) serve(ctx context.Context, f *serveFlags, args []string) error {
	entries, err := e.entriesOf(f, args)
	if err != nil {
		return err
	}
	s := newServing(e, f)
	named := len(args) > 0 || f.file != ""
	if err := s.open(ctx, entries, named); err != nil {
		return err
	}
	defer s.metrics.stop()
	if err := s.announce(); err != nil {
		s.server.Close()
		return s.closeHalls(err)
	}
	return s.closeHalls(s.run(ctx, time.Duration(f.drain)))
}
