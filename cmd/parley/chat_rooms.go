package main

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"parley/chat/client"
	chatscreen "parley/chat/screen"
	"parley/endpoint"
	"parley/transport"
)

// chatRooms is chat with rooms: on a screen, in lines, or from a pipe.
func (e *env) chatRooms(cmd *cobra.Command, f *chatFlags, places []endpoint.Target) (err error) {
	var hall hallConfig
	if f.host {
		if hall, err = f.hallConfig(cmd, places); err != nil {
			return err
		}
	}
	p, ctx := newParty(cmd.Context(), e, talk{})
	defer p.close()
	s := &chatSession{party: p, flags: f, at: places[0].Endpoint}
	config := f.clientConfig(s.at)
	if f.host {
		host, err := e.openChatHost(ctx, hall, places)
		if err != nil {
			if p.stop.stopped() {
				return p.stop.err
			}
			return err
		}
		s.at = host.where()
		config.Dial, config.Datagram, config.Message = host.dial, false, false
		defer func() { err = errors.Join(err, host.close(p.stop.now)) }()
	} else {
		warnInsecure(e, s.at)
	}
	s.client = client.New(config)
	if e.chatOnScreen(f) {
		return s.onScreen(ctx)
	}
	return s.inLines()
}

// clientConfig is how the client connects to at.
func (f *chatFlags) clientConfig(at endpoint.Endpoint) client.Config {
	c := client.Config{
		Dial:     func(ctx context.Context) (net.Conn, error) { return transport.Dial(ctx, at) },
		Datagram: at.Datagram(),
		Message:  at.Scheme != "fd" && hasMessages(at),
		Name:     f.name,
		Rooms:    f.rooms,
		Past:     f.history,
		Once:     f.once || at.Scheme == "fd", // which can be dialled once
	}
	if f.history == 0 {
		c.Past = -1
	}
	if f.since > 0 {
		c.Since = time.Now().Add(-time.Duration(f.since))
	}
	return c
}

// chatOnScreen reports whether there is a terminal for the screen, and nobody
// wants lines.
func (e *env) chatOnScreen(f *chatFlags) bool {
	plain := e.getenv("PARLEY_PLAIN")
	return !f.pipe && !f.plain && (plain == "" || plain == "0") && e.getenv("TERM") != "dumb" &&
		isTerminal(e.stdin) && isTerminal(e.stdout)
}

// onScreen runs the client and the screen until one of them ends.
func (s *chatSession) onScreen(ctx context.Context) error {
	run, cancel := context.WithCancel(context.Background()) // a signal ends the screen, and Quit the client
	defer cancel()
	s.ran = make(chan error, 1)
	go s.runClient(run) // ends with Quit, or with cancel
	err := chatscreen.Run(ctx, s.client, chatscreen.Options{
		In: s.env.stdin, Out: s.env.stdout, Where: s.at.String(), NoColor: s.env.getenv("NO_COLOR") != "",
	})
	go drainEvents(s.client) // ends with the client
	quit, cancelQuit := context.WithTimeout(context.Background(), quitFlush)
	defer cancelQuit()
	s.client.Quit(quit)
	cancel()
	failure := <-s.ran
	switch {
	case s.stop.stopped():
		return s.stop.err
	case err != nil && !errors.Is(err, context.Canceled):
		return err
	}
	return errors.Join(s.explain(failure), s.account())
}

func drainEvents(c *client.Client) {
	for range c.Events() {
	}
}

// quitFlush is how long leaving waits for what was said to be acknowledged.
const quitFlush = 2 * time.Second

// explain is err with a hint, if there is something to try. The end that we asked
// for is no error.
func (s *chatSession) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, client.ErrNotChat):
		return hintedError{&chatError{s.at, err},
			"`parley dial " + quoted(printed(s.at).String()) + "` talks to whatever that is, and `parley chat --one` to one other person"}
	case errors.Is(err, client.ErrReplaced):
		return &chatError{s.at, err}
	}
	var op *transport.OpError
	if !errors.As(err, &op) {
		return &chatError{s.at, err}
	}
	if errors.Is(err, winsock(syscall.ECONNREFUSED)) || errors.Is(err, winsock(syscall.ENOENT)) {
		return hintedError{err, "`" + hostCommand(s.at) + "` there opens a conversation"}
	}
	return err
}

// hostCommand is the command that opens a conversation at e.
func hostCommand(e endpoint.Endpoint) string {
	at := e.Bare()
	if at.Port != "" {
		at.Host = ""
	}
	return "parley chat --host " + quoted(at.String())
}

// chatError is an end of the conversation that says where that was.
type chatError struct {
	at  endpoint.Endpoint
	err error
}

func (e *chatError) Error() string { return "chat " + printed(e.at).String() + ": " + e.err.Error() }
func (e *chatError) Unwrap() error { return e.err }

// hintedError has a hint of its own. reportHinted says it.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }

// reportHinted reports an error that has a hint of its own, and returns the status
// in its place.
func (e *env) reportHinted(err error) error {
	var hinted hintedError
	if !errors.As(err, &hinted) {
		return err
	}
	e.report(err)
	e.hint(hinted.hint)
	return exitError{status: statusOf(err)}
}
