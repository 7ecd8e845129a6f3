package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parley/chat/client"
	"parley/chat/text"
	"parley/chat/wire"
	"parley/transport"
)

const exportLong = `export prints the history of a room, a line a message, in order: the time in RFC
3339, the name and the text; with --json an object with seq, time, name, author, id,
kind, text and room. It ends with the last message that was there when it began.

Exit status: 0 all of it was printed; 1 the network failed, or it was cut short; 2 usage,
or stdout failed; 141 standard output was closed.`

// exportFlags are the flags of parley chat export.
type exportFlags struct {
	room  string
	json  bool
	since durationFlag
}

func newChatExport(e *env) *cobra.Command {
	f := new(exportFlags)
	cmd := &cobra.Command{
		Use:     "export [flags] ENDPOINT",
		Short:   "print a room's history",
		Long:    exportLong,
		Example: "  parley chat export tcp://host:9527 --room ops --json\n  parley chat export :9527 --since 2h",
		Args:    exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.reportHinted(e.chatExport(cmd, f, args[0]))
		},
	}
	cmd.Flags().StringVar(&f.room, "room", "", "of `ROOM` (default: where people meet)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON objects")
	cmd.Flags().Var(&f.since, "since", "only the last `DURATION`")
	noCompletion(cmd, "room", "since")
	return cmd
}

func (e *env) chatExport(cmd *cobra.Command, f *exportFlags, arg string) error {
	place, err := chatPlace(arg)
	if err == nil {
		err = transport.CheckDial(place.Endpoint)
	}
	if err == nil && f.room != "" {
		f.room, err = text.Room(f.room)
	}
	if err != nil {
		return usageError{err: err}
	}
	if err := notWithin(cmd, place.Endpoint); err != nil {
		return err
	}
	warnInsecure(e, place.Endpoint)
	p, ctx := newParty(cmd.Context(), e, talk{})
	defer p.close()
	x := &export{
		chatSession: &chatSession{party: p, flags: &chatFlags{}, at: place.Endpoint},
		flags:       f, out: bufio.NewWriterSize(e.stdout, readSize),
	}
	return x.run(ctx)
}

// export is the verb at work.
type export struct {
	*chatSession
	flags *exportFlags
	out   *bufio.Writer
	query client.Query
	tag   string // of the page that was asked for
	done  bool   // everything was printed
	last  uint64 // the last message printed
}

func (x *export) run(ctx context.Context) error {
	x.client = client.New(x.config())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x.cancel, x.ran = cancel, make(chan error, 1)
	go x.runClient(ctx) // ends with leave, or with the first signal
	var failure error
	for event := range x.client.Events() {
		if failure == nil && !x.done {
			failure = x.event(event)
		}
		if failure != nil || x.done {
			x.leave(partingTime)
		}
	}
	err := <-x.ran
	if x.quitting != nil {
		<-x.quitting
	}
	if flushed := x.flush(); failure == nil {
		failure = flushed
	}
	switch {
	case x.stop.stopped():
		return x.stop.err
	case failure != nil:
		return failure
	case x.done:
		return nil
	}
	if err = x.explain(err); err == nil {
		err = &chatError{x.at, errors.New("the server ended")}
	}
	if x.last > 0 {
		return fmt.Errorf("%w; the history is cut short", err)
	}
	return err
}

// config is that of a client that is not among people.
func (x *export) config() client.Config {
	config := (&chatFlags{once: true}).clientConfig(x.at)
	config.Apart = true
	return config
}

// event asks for one page after another.
func (x *export) event(event client.Event) error {
	switch e := event.(type) {
	case client.Connected:
		if x.flags.room == "" {
			x.flags.room = e.Lobby
		}
		if x.flags.since > 0 {
			x.query.Since = time.Now().Add(-time.Duration(x.flags.since))
		}
		x.ask()
	case client.Page:
		if e.Tag == x.tag {
			return x.page(e)
		}
	case client.Problem:
		return &chatError{x.at, errors.New(e.Text)}
	}
	return nil
}

func (x *export) ask() { x.tag = x.client.Past(x.flags.room, x.query) }

func (x *export) page(e client.Page) error {
	for _, m := range e.Messages {
		m.Room = x.flags.room
		if err := x.print(m); err != nil {
			return err
		}
		x.last = m.Seq
	}
	switch {
	case !e.More:
		x.done = true
	case e.Next <= x.query.After:
		return &chatError{x.at, errors.New("the server gives the same page again; the history is cut short")}
	default:
		x.query.After = e.Next
		x.ask()
	}
	return nil
}

func (x *export) print(m wire.Message) error {
	line := []byte(jsonTime(m.Time) + " " + said(m) + "\n")
	if x.flags.json {
		var err error
		if line, err = marshalLine(newJSONMessage(m)); err != nil {
			return err
		}
	}
	_, err := x.out.Write(line)
	return stdoutError(err)
}

func (x *export) flush() error { return stdoutError(x.out.Flush()) }
