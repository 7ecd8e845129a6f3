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

Exit status: 0 done in order; 1 network failure or negative answer; 2 usage, or
stdin or stdout failed; 128+n ended by signal n; 141 standard output was closed.`

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
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), secondUsage, "", 1))
	addVersion(root)
	root.AddCommand(newServe(e), newChat(e), newDial(e), newListen(e), newTime(e), newLookup(e), newBench(e), newProbe(e), newMan(e))
	root.SetHelpCommand(newHelp())
	addCompletion(root)
	return root
}

// secondUsage is what cobra says of a command that has others, which its own
// usage line says too.
const secondUsage = `{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}`

// newHelp is the verb that prints the help of a command.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:                   "help [COMMAND]",
		Short:                 "say how a command is used",
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     completeCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			switch {
			case err != nil:
				return usageErrorf(cmd, "%v", err)
			case len(rest) > 0 && about.HasSubCommands():
				return noCommand(about, rest)
			case len(rest) > 0:
				return usageErrorf(cmd, "unexpected argument %q", rest[0])
			}
			about.InitDefaultHelpFlag() // so that it is shown
			return about.Help()
		},
	}
}

func completeCommand(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if about, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
		for _, c := range about.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name()+"\t"+c.Short)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// addCompletion adds the verb that prints what makes a shell complete commands.
// It is cobra's, which takes an unknown shell for a wish for help.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Use, c.Args, c.RunE, c.DisableFlagsInUseLine = "completion SHELL", cobra.ArbitraryArgs, noCommand, true
		for _, shell := range c.Commands() {
			shell.Args = exactArgs()
		}
	}
}

// noCommand answers a command line without a verb, or with an unknown one; and
// completion without a shell.
func noCommand(cmd *cobra.Command, args []string) error {
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs = append(verbs, c.Name())
		}
	}
	what := "command"
	if cmd.HasParent() {
		what = "shell" // of completion
	}
	if len(args) == 0 {
		return usageErrorf(cmd, "expected a %s: %s", what, strings.Join(verbs, " "))
	}
	if near := endpoint.Nearest(args[0], verbs); near != "" {
		return usageErrorf(cmd, "unknown %s %q; nearest is %q", what, args[0], near)
	}
	return usageErrorf(cmd, "unknown %s %q; expected one of: %s", what, args[0], strings.Join(verbs, " "))
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
