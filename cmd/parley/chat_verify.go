package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"parley/chat/jetstream"
)

const verifyLong = `verify reads a whole store and prints what it found: messages, rooms, gaps,
messages that are stored twice, and what cannot be read. It changes nothing. A
directory is that of a server which does not run now; without --store and --nats it is
the one of this user.

A gap is a fault unless messages went because of a limit (age, count, size), or their
loss was accepted when the store was opened.

Exit status: 0 nothing is missing, and nothing is stored twice; 1 something is, or the
store cannot be read; 2 usage, or stdout failed; 141 standard output was closed.`

func newChatVerify(e *env) *cobra.Command {
	var c hallConfig
	cmd := &cobra.Command{
		Use:     "verify [flags]",
		Short:   "check a store: counts, gaps and duplicates",
		Long:    verifyLong,
		Example: "  parley chat verify --store /var/lib/chat\n  parley chat verify --nats nats://host:4222",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.reportHinted(e.chatVerify(cmd, c))
		},
	}
	set := cmd.Flags()
	set.StringVar(&c.store, "store", "", "the store in `DIR` (default: in the user's state directory)")
	set.StringVar(&c.nats, "nats", "", "the store of the NATS server at `URL`")
	set.StringVar(&c.credentials, "creds", "", "with --nats: `FILE` of credentials")
	set.StringVar(&c.ca, "ca", "", "with --nats: `FILE` of the authorities that vouch for it")
	noCompletion(cmd, "nats")
	return cmd
}

func (e *env) chatVerify(cmd *cobra.Command, c hallConfig) error {
	switch {
	case c.store != "" && c.nats != "":
		return usageErrorf(cmd, "--store and --nats do not go together")
	case c.nats == "" && (c.credentials != "" || c.ca != ""):
		return usageErrorf(cmd, "--creds and --ca belong to --nats")
	case c.store == storeNone:
		return usageErrorf(cmd, "--store none keeps nothing that could be checked")
	}
	c, err := c.resolved(e.getenv)
	if err != nil {
		return err
	}
	stop, ctx := newStopper(cmd.Context(), e.signals)
	defer stop.close()
	report, err := jetstream.Verify(ctx, c.jetstream())
	switch {
	case stop.stopped():
		return stop.err
	case errors.Is(err, jetstream.ErrLocked):
		return hintedError{err, "end the parley that serves it first, or check a copy of the directory"}
	case err != nil:
		return err
	}
	if _, err := io.WriteString(e.stdout, report.String()); err != nil {
		return stdoutError(err)
	}
	if !report.OK() {
		return exitError{status: statusFailed}
	}
	return nil
}
