package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

const dialLong = `dial connects to ENDPOINT and has one conversation with it: standard input is
sent, what the peer sends goes to standard output.

The two directions are independent. The end of input is passed on as a half-close,
and receiving goes on until the peer ends, without a timer; --eof and --linger
change that. When the peer ends first, sending goes on until the end of input or
until the peer refuses; if standard input is a terminal, the peer's end is the end.
Datagrams and WebSocket have no half-close: replies are awaited until --linger
after the last one.

A line typed on a terminal is one datagram or message, its line feed included.
From a pipe or file each read is one, of at most 1400 bytes on datagrams and 64 KiB
on WebSocket and unixpacket; --frame line makes each line one, without its line
feed, and writes each one that arrives as a line.

On a terminal lines are edited, with a history; Ctrl-D ends the input, Ctrl-C the
program. SIGINT and SIGTERM close in order, a second one at once.

With --reconnect an attempt that fails, and a connection that is reset or that the
peer ends, is followed by another one after a pause: at random up to 250ms, which
doubles up to 30s, and starts anew after a connection that lasted longer than it.
The input goes on where it was; what the system had taken when a connection broke
is not sent again. It ends when the input has ended and was delivered (with
--eof ignore, never).

Exit status: 0 both directions ended in order; 1 the network failed, a limit ran
out, or data is known to be lost; 2 usage, or stdin or stdout failed; 128+n ended
by signal n; 141 standard output was closed.`

const dialExample = `  printf hihi | parley dial :31500
  parley dial --ask :21567
  echo ping | parley dial udp://127.0.0.1:7007
  parley dial --hex 'tls://example.org:443?alpn=http/1.1'
  generate | parley dial --reconnect unix:/run/sink.sock`

// dialFlags are the flags of dial alone.
type dialFlags struct {
	talkFlags
	connect        durationFlag
	ask, reconnect bool
}

func newDial(e *env) *cobra.Command {
	f := new(dialFlags)
	cmd := &cobra.Command{
		Use:     "dial [flags] ENDPOINT",
		Short:   "have a conversation with an endpoint on stdin and stdout",
		Long:    dialLong,
		Example: dialExample,
		Args:    exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dial(cmd, e, f, args[0])
		},
	}
	f.add(cmd)
	cmd.Flags().Var(&f.connect, "connect", "give up connecting after this long (default: the system's limits)")
	cmd.Flags().BoolVar(&f.ask, "ask", false, "send a line, print the answer, and again; an empty line ends")
	cmd.Flags().BoolVar(&f.reconnect, "reconnect", false, "connect again, with growing pauses, when connecting fails or the connection ends")
	return cmd
}

// dial is the verb.
func dial(cmd *cobra.Command, e *env, f *dialFlags, arg string) error {
	at, err := endpoint.Parse(arg)
	if err != nil {
		return usageError{err: err}
	}
	if f.connect > 0 && at.Scheme != "fd" {
		at = at.With("connect", time.Duration(f.connect).String())
	}
	if err := notWithin(cmd, at); err != nil {
		return err
	}
	if err := transport.CheckDial(at); err != nil {
		return usageError{err: err}
	}
	t, err := f.talkOf(cmd, at)
	if err != nil {
		return err
	}
	warnInsecure(e, at)
	p, ctx := newParty(cmd.Context(), e, t)
	defer p.close()
	if f.ask {
		p.prompt = askPrompt
	}
	d := &dialer{party: p, at: at, reconnect: f.reconnect}
	return d.run(ctx)
}

// talkOf checks the flags of dial with each other.
func (f *dialFlags) talkOf(cmd *cobra.Command, at endpoint.Endpoint) (talk, error) {
	t, err := f.talk(cmd, at)
	if err != nil {
		return t, err
	}
	if f.ask {
		for _, other := range []string{"reconnect", "eof", "peer-eof", "frame"} {
			if cmd.Flags().Changed(other) {
				return t, usageErrorf(cmd, "--ask and --%s do not go together", other)
			}
		}
		if f.crlf && hasMessages(at) && at.Scheme != "fd" {
			return t, usageErrorf(cmd, "--ask and --crlf do not go together at %s: a line is sent without its end", at.Scheme)
		}
		t.ask, t.eof, t.framing = true, eofClose, parley.Line
	}
	if f.reconnect {
		if t.peerEOF == peerKeep {
			return t, usageErrorf(cmd, "--reconnect and --peer-eof keep do not go together: a new connection is made when the peer ends")
		}
		t.peerEOF, t.next = peerExit, true
	}
	return t, nil
}

// warnInsecure says that a peer is not who it is because it says so.
func warnInsecure(e *env, at endpoint.Endpoint) {
	v, ok := at.Option("insecure")
	if insecure, err := endpoint.ParseBool(v); ok && err == nil && insecure {
		e.warn("insecure=1: whoever answers at %s is believed to be it", printed(at))
	}
}

// dialer makes the conversations of dial: one, or with --reconnect one after
// another.
type dialer struct {
	*party
	at        endpoint.Endpoint
	reconnect bool
}

// run returns the error of the last conversation.
func (d *dialer) run(ctx context.Context) error {
	var b backoff
	for {
		began := time.Now()
		err, again := d.once(ctx)
		if !again {
			return err
		}
		pause := b.next(time.Since(began))
		d.sayAgain(err, b.attempt, pause)
		select {
		case <-d.stop.first:
			return d.stop.err
		case <-time.After(pause):
		}
	}
}

// once makes one connection and has the conversation. again is whether another
// one is to follow.
func (d *dialer) once(ctx context.Context) (err error, again bool) {
	conn, err := transport.Dial(ctx, d.at)
	if err != nil {
		if d.stop.stopped() {
			return d.stop.err, false
		}
		return err, d.reconnect && transient(err)
	}
	c := newConversation(d.party, "dial", d.at, conn)
	err = c.run()
	if !d.reconnect || d.stop.stopped() || c.stuck() {
		return err, false
	}
	if c.inputEnded() && d.talk.eof != eofIgnore {
		return err, false
	}
	if err == nil {
		return errPeerEnded, c.recv.err != nil && !isTimeout(c.recv.err)
	}
	var ended *conversationError
	return err, errors.As(err, &ended) && transient(err)
}
