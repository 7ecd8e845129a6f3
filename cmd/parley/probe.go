package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"parley/endpoint"
	"parley/probe"
	"parley/transport"
)

const probeLong = `probe looks at each TARGET and says what is there. A TARGET is an endpoint, whose port
may be a list of numbers, names and ranges, as in tcp://HOST:20-1024,8080,https; with
SERVICE@ before it a datagram endpoint is asked for that service. icmp://HOST,
icmp4://HOST and icmp6://HOST ping.

  tcp unix      open, refused, timed out or unreachable, and what the peer says
                first
  udp           answered; closed, which is refused; or no answer, which is an open
                port, a filtered one or a lost datagram, and never called open. The
                question is one that the customary service of the port answers
  tls wss       version, cipher, key exchange, names, chain, days to expiry, pin,
                and why verification failed
  icmp          loss and round trip times

There is a line for each target as soon as it is known: the target, its state, the
time it took, and details, with the system's name and number of an error. More
than 20 that are alike and not up are one line, without --all. With
--json each is an object on a line, whose fields are only added to.

With --watch it looks again and again, until a signal. Lines then begin with the time;
a * is before what has changed, and of more than 20 targets only that is shown after
the first round.

Exit status: 0 everything is up: open, or answered, with a certificate that verifies;
1 something is not; 2 usage: nothing was sent, or stdout failed; 128+n ended by
signal n; 141 standard output was closed.`

const probeExample = `  parley probe tcp://127.0.0.1:7007
  parley probe tcp://host:20-1024,8080 udp://host:53 unix:/run/x.sock
  parley probe tls://example.org:443
  parley probe icmp://host icmp://::1 --count 10 --interval 1s
  parley probe ntp@udp://host:123 && echo the clock answers
  parley probe tcp://host:22 --watch 5s --json | jq 'select(.changed)'`

func newProbe(e *env) *cobra.Command {
	f := new(probeFlags)
	cmd := &cobra.Command{
		Use:               "probe [flags] TARGET...",
		Short:             "look at endpoints and say what is there",
		Long:              probeLong,
		Example:           probeExample,
		ValidArgsFunction: completeScheme,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.reportHinted(e.probe(cmd, f, args))
		},
	}
	f.add(cmd)
	return cmd
}

// completeScheme completes the scheme of an endpoint, or the service before it.
func completeScheme(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	if strings.ContainsAny(word, ":@/") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	words := []string{"tcp://", "udp://", "unix:", "unixgram:", "tls://", "ws://", "wss://", "icmp://"}
	for _, name := range probe.Services() {
		words = append(words, name+"@")
	}
	return words, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// probe is the verb.
func (e *env) probe(cmd *cobra.Command, f *probeFlags, args []string) error {
	if len(args) == 0 {
		return usageErrorf(cmd, "expected TARGET...")
	}
	targets, err := e.readTargets(cmd, args)
	if err != nil {
		return err
	}
	if err := f.check(cmd, args, targets); err != nil {
		return err
	}
	stop, ctx := newStopper(cmd.Context(), e.signals)
	defer stop.close()
	defer watchOutput(e, stop)()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := newProbeShow(e, f, targets, cancel)
	done := make(chan error, 1)
	go s.run(ctx, targets, f.options(), done) // ends with the targets, or ctx
	select {
	case err = <-done:
	case <-stop.now:
		s.line.end()
		return stop.err
	}
	switch {
	case s.err != nil:
		return s.err
	case err == nil && s.allUp:
		return nil
	case err == nil:
		return exitError{status: statusFailed}
	case stop.stopped():
		return stop.err
	}
	return err
}

// readTargets reads every argument. All that cannot be read are named.
func (e *env) readTargets(cmd *cobra.Command, args []string) ([]probe.Targets, error) {
	var all []probe.Targets
	var errs []error
	for _, arg := range args {
		t, err := probe.Parse(arg)
		if err == nil {
			err = notWithin(cmd, firstOf(t))
		}
		if err == nil {
			err = transport.CheckFiles(firstOf(t))
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		warnInsecure(e, firstOf(t))
		all = append(all, t)
	}
	if errs != nil {
		return nil, usageError{err: errors.Join(errs...)}
	}
	return all, nil
}

// firstOf is the first endpoint of t: all have its scheme, host and options.
func firstOf(t probe.Targets) endpoint.Endpoint {
	for one := range t.All() {
		return one.Endpoint
	}
	return endpoint.Endpoint{}
}

// run looks at the targets, and shows what is found.
func (s *probeShow) run(ctx context.Context, targets []probe.Targets, o probe.Options, done chan<- error) {
	up, err := probe.Run(ctx, targets, o, s.found)
	s.endRound()
	s.line.end()
	s.allUp = up
	if err != nil && s.seen < s.total && !s.flags.quiet {
		s.env.note("stopped after %d of %s", s.seen, count(int64(s.total), "target"))
	}
	s.giveHints()
	done <- err
}

// giveHints says what to try about what went wrong by itself, not by the state of
// what is there.
func (s *probeShow) giveHints() {
	if s.flags.quiet {
		return
	}
	for _, hint := range hintsFor(errors.Join(s.failures...)) {
		s.env.hint(hint)
	}
}

// noteFailure keeps why r is not up, if something can be tried about it.
func (s *probeShow) noteFailure(r probe.Result) {
	if r.Err == nil || r.Ping != nil || !s.few && s.failures != nil || r.State != probe.Failed && r.State != probe.Open {
		return
	}
	err := r.Err
	var op *transport.OpError
	if !errors.As(err, &op) {
		err = &transport.OpError{Op: "probe", Endpoint: r.Target.Endpoint, Err: err}
	}
	s.failures = append(s.failures, err)
}
