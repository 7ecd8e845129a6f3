package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"parley/chat/text"
	"parley/endpoint"
	"parley/transport"
)

const chatLong = `chat takes part in a conversation at ENDPOINT, or with --host opens it there.

What is said is kept by the server, which gives it a place in the room's history.
On a terminal it is a screen; with --plain, TERM=dumb or PARLEY_PLAIN=1, and where
standard input or output is no terminal, it is lines: "15:04 ada: text", and notices
that begin with "* ". Both have the same commands: /help lists them, q alone on a line
leaves. The end of input leaves once all that was said is acknowledged.

A connection that is lost is made again, with a note on stderr, and goes on where it
was: nothing is shown twice, left out, or posted twice. With --once it is not.

--host opens the conversation at each ENDPOINT, :PORT being every interface of this
machine, prints "listening ENDPOINT" for each to stderr, and takes part in it. Who dials
in with telnet, a bare socket program or a browser takes part too. When the host leaves,
the conversation ends for all; the end of a host's input from a pipe or file leaves it open
until a signal. parley serve chat is a server without anybody at its keyboard.

--one is between exactly two, without names, rooms or protocol: what one types the other
reads, at any time. The other may be any program that sends text: a line is what ends with
a line feed, or what it pauses after. The host takes one peer and tells others "busy". q
or Q alone on a line, of either side, ends both with status 0. The end of input from a
pipe is passed on as a half-close; where there is none (datagrams, WebSocket) it is q a
second after the last message. When the peer ends first, the rest of a pipe is sent until
it gives nothing for a second. On datagrams the peer is who sends first; lines
typed before it comes are kept. q is said three times there unless it is answered.

--pipe posts every line of standard input as it is: no commands, no q. Empty lines are
left out. The end of input waits for the last acknowledgement, --wait bounds that. A line
of more than 4096 bytes is refused and said on stderr. Nothing goes to stdout.
--json is --pipe with JSON lines both ways. In: {"text": ...} and, if wanted, "room",
"kind" ("me") or "to" (a name, for a private message). Out: objects with a "type":
message (room seq time name text own kind id author past), ack (id seq line), refused
(id code text line), told, joined, parted, came, left, renamed, missed, notice, connected,
disconnected, error. An ack's line is the number of the line of input. A line that is no
such object is an error, said with its number, and those after it are posted. Fields and
types are only added.

Exit status: 0 left in order, and all was acknowledged; 1 the network failed, the name
of --pipe is taken, or something was not posted, and how much is said; 2 usage, or stdin or
stdout failed; 128+n ended by signal n; 141 standard output was closed.`

const chatExample = `  parley chat --host tcp://:9527
  parley chat tcp://host:9527 --name ada --room ops --room lobby
  parley chat --host --one udp://:9527
  tail -f app.log | parley chat tcp://host:9527 --room ops --pipe
  parley chat export tcp://host:9527 --room ops --json`

// chatFlags are the flags of parley chat.
type chatFlags struct {
	host, one   bool
	name        string
	rooms       []string
	since, wait durationFlag
	history     int
	plain       bool
	pipe, json  bool
	once        bool
	store, nats string
}

func newChat(e *env) *cobra.Command {
	f := new(chatFlags)
	cmd := &cobra.Command{
		Use:     "chat [flags] ENDPOINT ...",
		Short:   "take part in a conversation of two or many, or open one",
		Long:    chatLong,
		Example: chatExample,
		Args:    cobra.ArbitraryArgs, // check counts them
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.chat(cmd, f, args)
		},
	}
	set := cmd.Flags()
	set.BoolVar(&f.host, "host", false, "open the conversation at ENDPOINT, and take part in it")
	set.BoolVar(&f.one, "one", false, "exactly two parties, no names, no rooms, no protocol")
	set.StringVar(&f.name, "name", "", "be called `NAME`; without it the server gives a name")
	set.StringArrayVar(&f.rooms, "room", nil, "be in `ROOM`; may be repeated, the first is where you speak (default: the server's)")
	set.Var(&f.since, "since", "show what was said in the last `DURATION` on joining")
	set.IntVar(&f.history, "history", 50, "show the last `N` messages of a room on joining; with --pipe none are unless it is given")
	set.BoolVar(&f.plain, "plain", false, "lines in place of the screen")
	set.BoolVar(&f.pipe, "pipe", false, "post every line of standard input as it is")
	set.BoolVar(&f.json, "json", false, "JSON lines in and out; implies --pipe")
	set.Var(&f.wait, "wait", "with --pipe: wait at the end of input at most `DURATION` for acknowledgements")
	set.BoolVar(&f.once, "once", false, "do not connect again when the connection is lost")
	set.StringVar(&f.store, "store", "", "with --host: keep the history in `DIR`, or none for memory (default: the user's state directory)")
	set.StringVar(&f.nats, "nats", "", "with --host: keep the history on the NATS server at `URL`")
	noCompletion(cmd, "name", "room", "since", "history", "wait", "nats")
	cmd.AddCommand(newChatExport(e), newChatVerify(e))
	return cmd
}

// noCompletion keeps shells from offering files as the values of flags.
func noCompletion(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		completeChoices(cmd, name)
	}
}

// chat is the verb.
func (e *env) chat(cmd *cobra.Command, f *chatFlags, args []string) error {
	if err := f.check(cmd, args); err != nil {
		return err
	}
	places, err := e.chatPlaces(cmd, f, args)
	if err != nil {
		return err
	}
	if f.one {
		return e.chatOne(cmd, f, places[0].Endpoint)
	}
	return e.reportHinted(e.chatRooms(cmd, f, places))
}

// together are pairs of flags that do not go together.
var apart = [][2]string{
	{"one", "name"}, {"one", "room"}, {"one", "since"}, {"one", "history"}, {"one", "pipe"}, {"one", "json"},
	{"one", "wait"}, {"one", "once"}, {"one", "store"}, {"one", "nats"},
	{"plain", "pipe"}, {"plain", "json"}, {"since", "history"}, {"store", "nats"},
}

// check reports flags and arguments that do not go together, and makes names as
// the server takes them.
func (f *chatFlags) check(cmd *cobra.Command, args []string) error {
	for _, pair := range apart {
		if cmd.Flags().Changed(pair[0]) && cmd.Flags().Changed(pair[1]) {
			return usageErrorf(cmd, "--%s and --%s do not go together", pair[0], pair[1])
		}
	}
	f.pipe = f.pipe || f.json
	switch {
	case len(args) == 0:
		return usageErrorf(cmd, "expected ENDPOINT")
	case len(args) > 1 && (!f.host || f.one):
		return usageErrorf(cmd, "unexpected argument %q: several endpoints are for --host with rooms", args[1])
	case (f.store != "" || f.nats != "") && !f.host:
		return usageErrorf(cmd, "--store and --nats belong to --host: the history is the server's")
	case f.wait != 0 && !f.pipe:
		return usageErrorf(cmd, "--wait belongs to --pipe")
	case f.history < 0:
		return usageErrorf(cmd, "--history %d: want 0 or more", f.history)
	}
	if f.pipe && !cmd.Flags().Changed("history") {
		f.history = 0
	}
	return f.checkNames(cmd)
}

func (f *chatFlags) checkNames(cmd *cobra.Command) (err error) {
	if f.name != "" {
		if f.name, err = text.Name(f.name); err != nil {
			return usageErrorf(cmd, "--name: %v", err)
		}
	}
	for i, room := range f.rooms {
		if f.rooms[i], err = text.Room(room); err != nil {
			return usageErrorf(cmd, "--room: %v", err)
		}
	}
	return nil
}

// chatPlaces reads the arguments: endpoints, or targets of chat. A target's
// parameters are the hub's, and so are the host's.
func (e *env) chatPlaces(cmd *cobra.Command, f *chatFlags, args []string) ([]endpoint.Target, error) {
	check := transport.CheckDial
	if f.host {
		check = transport.CheckListen
	}
	var all []endpoint.Target
	for _, arg := range args {
		t, err := chatPlace(arg)
		if err == nil && f.host {
			t.Endpoint, err = e.listenFDs().resolve(t.Endpoint)
		}
		if err == nil {
			err = check(t.Endpoint)
		}
		if err != nil {
			return nil, usageError{err: err}
		}
		if err := notWithin(cmd, t.Endpoint); err != nil {
			return nil, err
		}
		for name := range t.Params() {
			if !f.host || f.one {
				return nil, usageErrorf(cmd, "%s: parameter %s belongs to the server; here it is for --host with rooms", arg, name)
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// chatPlace reads ENDPOINT, or chat@ENDPOINT.
func chatPlace(arg string) (endpoint.Target, error) {
	service, _, _ := strings.Cut(arg, "@")
	service, _, _ = strings.Cut(service, "?")
	if service == "chat" {
		t, err := endpoint.ParseTarget(arg)
		if err == nil && t.Endpoint.IsZero() {
			err = fmt.Errorf("%s: expected an endpoint after @", arg)
		}
		return t, err
	}
	at, err := endpoint.Parse(arg)
	if err == nil && at.Scheme == "ip" {
		err = errors.New(arg + ": chat is not for raw IP, whose packets hold no text")
	}
	return endpoint.Target{Service: "chat"}.WithEndpoint(at), err
}
