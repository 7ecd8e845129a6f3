package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"parley/bench"
	"parley/endpoint"
	"parley/service"
)

// target reads SERVICE@ENDPOINT, a service alone, or, where connections are what is
// measured, an endpoint alone.
func (f *benchFlags) target(cmd *cobra.Command, text string) (endpoint.Target, error) {
	at, notEndpoint := endpoint.Parse(text)
	t, err := endpoint.ParseTarget(text)
	switch {
	case err != nil && notEndpoint == nil && f.mode() != bench.Messages:
		return endpoint.Target{Endpoint: at}, nil
	case err != nil && notEndpoint == nil:
		return t, hinted(cmd, err, fmt.Sprintf("bench speaks %s, as in `parley bench %s`; `parley bench --connect %s` measures connecting alone",
			strings.Join(bench.Exchanges(), " "), quoted("echo@"+text), quoted(text)))
	case err != nil && !strings.Contains(text, "@") && f.mode() != bench.Messages:
		return t, usageError{err: notEndpoint}
	case err != nil:
		return t, usageError{err: err}
	case !t.Endpoint.IsZero():
		return t, nil
	}
	return t, f.atDefault(cmd, &t)
}

// atDefault gives t the first endpoint at which its service is served by default.
func (f *benchFlags) atDefault(cmd *cobra.Command, t *endpoint.Target) error {
	if _, err := bench.NewExchange(t.Service, t.Params(), bench.Content{}); err != nil && f.mode() == bench.Messages {
		return usageError{err: err} // it may be no service at all
	}
	kind, err := service.Find(kinds(), t.Service)
	if err != nil || len(kind.Default) == 0 {
		return hinted(cmd, fmt.Errorf("%s has no default endpoint", t.Service), fmt.Sprintf("say where it is, as in %s", quoted(t.String()+"@udp://HOST:PORT")))
	}
	usual, err := endpoint.ParseTarget(kind.Default[0])
	if err != nil {
		return fmt.Errorf("service %s: %w", t.Service, err)
	}
	*t = t.WithEndpoint(usual.Endpoint)
	return nil
}

// load is what to do to t, with messages of payload, if there is one.
func (f *benchFlags) load(cmd *cobra.Command, t endpoint.Target, payload [][]byte) (bench.Load, error) {
	l := bench.Load{
		Mode: f.mode(), Endpoint: t.Endpoint,
		Sessions: max(f.connections.n, f.hold.n), Depth: f.depth.n, Workers: f.workers.n,
		Rate: f.rate.rate, Seed: f.seed,
		Time: f.time.d, Warmup: f.warmup.d, Timeout: f.timeout.d,
		Retry: f.retry, Reset: f.reset,
	}
	if f.poisson {
		l.Arrivals = bench.Poisson
	}
	if err := notWithin(cmd, t.Endpoint); err != nil {
		return l, err
	}
	var err error
	if l.Framing, err = f.framing(); err != nil {
		return l, usageErrorf(cmd, "%w", err)
	}
	keeps := hasMessages(t.Endpoint)
	if keeps && l.Framing != nil && f.payload == "" {
		return l, usageErrorf(cmd, "--frame is of streams, and of --payload; %s keeps messages apart", t.Endpoint.Scheme)
	}
	if t.Service == "" {
		return l, f.unsaid(cmd, t)
	}
	content, err := f.content(cmd, keeps, payload)
	if err != nil {
		return l, err
	}
	if l.Exchange, err = bench.NewExchange(t.Service, t.Params(), content); err != nil {
		return l, usageError{err: err}
	}
	return l, nil
}

// unsaid refuses flags of messages where nothing is said.
func (f *benchFlags) unsaid(cmd *cobra.Command, t endpoint.Target) error {
	for _, name := range []string{"size", "payload", "frame"} {
		if cmd.Flags().Changed(name) {
			return hinted(cmd, fmt.Errorf("--%s is of messages, and %s names no service to say them to", name, printed(t.Endpoint)),
				"name one: "+quoted("echo@"+t.Endpoint.String()))
		}
	}
	return nil
}

// content is what messages hold.
func (f *benchFlags) content(cmd *cobra.Command, keeps bool, payload [][]byte) (bench.Content, error) {
	c := bench.Content{Messages: payload, Size: int(f.size.n), Seed: f.seed, Lines: !keeps && f.frame == "" && f.payload == ""}
	sized := cmd.Flags().Changed("size")
	if text, ok := strings.CutPrefix(f.frame, "fixed:"); ok && f.payload == "" {
		n, _ := strconv.Atoi(text) // was read before
		if sized && c.Size != n {
			return c, usageErrorf(cmd, "--frame %s and --size %s do not go together: each message is %s", f.frame, f.size.text, count(int64(n), "byte"))
		}
		c.Size = n
	}
	if sized && c.Size == 0 {
		if !keeps && f.frame == "" {
			return c, usageErrorf(cmd, "--size 0: an empty message cannot be seen on a stream; at least 1, or put it into a frame by --frame")
		}
		c.Messages = [][]byte{{}} // a Size of 0 would be the default
	}
	return c, nil
}
