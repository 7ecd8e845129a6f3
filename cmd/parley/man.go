package main

import (
	"github.com/spf13/cobra"
)

// newMan is the hidden verb that prints the manual page: doc/parley.1 is its
// output.
func newMan(e *env) *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "print the manual page, in roff",
		Hidden: true,
		Args:   exactArgs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return stdoutError(writeMan(cmd.Root(), e.stdout))
		},
	}
}
