package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A flagConflict is two flags that do not go together, and why. drop is the one
// that the corrected command line is without.
type flagConflict struct{ keep, drop, why string }

// A flagNeed is a flag that means nothing without another one. The corrected
// command line has the other with value, which is "" for one that takes none.
type flagNeed struct{ flag, other, value string }

// checkFlags finds the first conflict, or need, among the flags that were given.
func checkFlags(cmd *cobra.Command, args []string, conflicts []flagConflict, needs []flagNeed) error {
	given := cmd.Flags().Changed
	for _, c := range conflicts {
		if given(c.keep) && given(c.drop) {
			err := fmt.Errorf("--%s and --%s do not go together: %s", c.keep, c.drop, c.why)
			return hinted(cmd, err, "try "+commandLine(cmd, args, c.drop, ""))
		}
	}
	for _, n := range needs {
		if given(n.flag) && !given(n.other) {
			err := fmt.Errorf("--%s means nothing without --%s", n.flag, n.other)
			return hinted(cmd, err, "try "+commandLine(cmd, args, "", strings.TrimSpace("--"+n.other+" "+n.value)))
		}
	}
	return nil
}

// commandLine is the command that was given, for a shell, without the flag drop,
// and with what add has, which is words for a shell already.
func commandLine(cmd *cobra.Command, args []string, drop, add string) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == drop {
			return
		}
		words = append(words, "--"+f.Name)
		if f.NoOptDefVal == "" {
			words = append(words, quoted(writtenAs(f)))
		}
	})
	if add != "" {
		words = append(words, add)
	}
	for _, arg := range args {
		words = append(words, quoted(arg))
	}
	return "`" + strings.Join(words, " ") + "`"
}

// writtenAs is the value of a flag as it was written, where the flag keeps it.
func writtenAs(f *pflag.Flag) string {
	if kept, ok := f.Value.(interface{ written() string }); ok {
		return kept.written()
	}
	return f.Value.String()
}

// hinted is a usage error with a hint of its own, which reportHinted says.
func hinted(cmd *cobra.Command, err error, hint string) error {
	return usageError{err: hintedError{err, hint}, usage: cmd.UseLine()}
}
