package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"parley/endpoint"
)

const rootLong = `parley has every conversation that two programs can have over a socket.

An ENDPOINT says where: tcp://HOST:PORT, udp://HOST:PORT, unix:/PATH, tls://HOST:PORT,
ws://HOST:PORT/RESOURCE and more, each with ?option=value&...; :PORT and HOST:PORT are
tcp, /PATH and ./PATH are unix. A PORT may be the name of a service.

Exit status: 0 done in order; 1 network failure or negative answer; 2 usage;
128+n ended by signal n; 141 standard output was closed.`

// newRoot builds the command line. Errors are returned by its Execute, not
// printed; help goes to stdout.
func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:                   "parley COMMAND",
		Short:                 "serve and dial any socket",
		Long:                  rootLong,
		Args:                  cobra.ArbitraryArgs, // so that noCommand sees them
		SilenceErrors:         true,
		DisableFlagsInUseLine: true,
		SilenceUsage:          true,
	}
	root.RunE = noCommand
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetFlagErrorFunc(badFlag)
	root.AddCommand(newServe(e), newDial(e), newListen(e), newLookup(e), newMan(e))
	return root
}

// noCommand answers a command line without a verb, or with an unknown one.
func noCommand(cmd *cobra.Command, args []string) error {
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	if len(args) == 0 {
		return usageErrorf(cmd, "expected a command: %s", strings.Join(verbs, " "))
	}
	if near := endpoint.Nearest(args[0], verbs); near != "" {
		return usageErrorf(cmd, "unknown command %q; nearest is %q", args[0], near)
	}
	return usageErrorf(cmd, "unknown command %q; expected one of: %s", args[0], strings.Join(verbs, " "))
}

// badFlag makes a usage error of what the flag parser says.
func badFlag(cmd *cobra.Command, err error) error {
	return usageError{err: err, usage: cmd.UseLine()}
}

func usageErrorf(cmd *cobra.Command, format string, args ...any) error {
	return usageError{err: fmt.Errorf(format, args...), usage: cmd.UseLine()}
}

// exactArgs is the check of how many arguments a verb takes, with names in its
// error.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageErrorf(cmd, "expected %s", strings.Join(names[len(args):], " "))
		case len(args) > len(names):
			return usageErrorf(cmd, "unexpected argument %q", args[len(names)])
		}
		return nil
	}
}
