package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parley"
	"parley/endpoint"
)

// What our end of input does, and what the peer's end does: the values of --eof
// and --peer-eof.
const (
	eofHalf   = "half"
	eofClose  = "close"
	eofIgnore = "ignore"

	peerExit = "exit"
	peerKeep = "keep"
)

// defaultLinger is how long a conversation without a half-close waits for
// replies after the last message.
const defaultLinger = time.Second

// talkFlags are the flags that dial and listen have in common.
type talkFlags struct {
	eof, peerEOF             choiceFlag
	linger, idle, total      durationFlag
	idleOK, crlf, hex, stats bool
	verbose                  bool
	frame                    string
}

func (f *talkFlags) add(cmd *cobra.Command) {
	f.eof = choiceFlag{eofHalf, []string{eofHalf, eofClose, eofIgnore}}
	f.peerEOF = choiceFlag{"", []string{peerExit, peerKeep}}
	set := cmd.Flags()
	set.Var(&f.eof, "eof", "what our end of input does: half-close and go on receiving, close, or nothing")
	set.Var(&f.peerEOF, "peer-eof", "what the peer's end does: exit, or keep sending (default: exit if stdin is a terminal)")
	set.Var(&f.linger, "linger", "after our end of input, wait for replies until this long after the last one (default 1s on datagrams and WebSocket, without limit on streams)")
	set.Var(&f.idle, "idle", "fail when nothing is sent or received for this long")
	set.BoolVar(&f.idleOK, "idle-ok", false, "with --idle: exit with 0 then")
	set.Var(&f.total, "total", "fail when the conversation lasts this long")
	set.BoolVar(&f.crlf, "crlf", false, "send line ends as CR LF")
	set.BoolVar(&f.hex, "hex", false, "dump both directions, with time and direction, to stderr")
	set.BoolVar(&f.stats, "stats", false, "say at the end how much was sent and received, to stderr")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "say more on stderr")
	completeChoices(cmd, "eof", f.eof.choices...)
	completeChoices(cmd, "peer-eof", f.peerEOF.choices...)
	set.StringVar(&f.frame, "frame", "raw", "on datagrams and messages, how stdin is cut into them and stdout joined from them: raw, line, text, nul, len32, fixed:N")
	completeChoices(cmd, "frame", "raw", "line", "text", "nul", "len32")
}

// talk is how conversations are to go. It is not modified once it is made.
type talk struct {
	eof, peerEOF string // peerEOF "": by the kind of stdin
	linger       time.Duration
	lingerSet    bool
	idle, total  time.Duration // 0: none
	idleOK       bool
	crlf         bool
	hex, stats   bool
	verbose      bool
	framing      parley.Framing // nil: each read is a message, each message is written as it is
	maxMessage   int
	ask          bool
	next         bool // a next conversation takes the input that this one has not sent
}

// maxMessage is the longest message taken when the endpoint does not say.
const maxMessage = 16 << 20

// talk checks the flags for conversations at e.
func (f *talkFlags) talk(cmd *cobra.Command, e endpoint.Endpoint) (talk, error) {
	t := talk{
		eof: f.eof.value, peerEOF: f.peerEOF.value,
		linger: time.Duration(f.linger), lingerSet: cmd.Flags().Changed("linger"),
		idle: time.Duration(f.idle), total: time.Duration(f.total), idleOK: f.idleOK,
		crlf: f.crlf, hex: f.hex, stats: f.stats, verbose: f.verbose,
		maxMessage: maxMessage,
	}
	if f.idleOK && f.idle == 0 {
		return t, usageErrorf(cmd, "--idle-ok says what --idle does, and there is no --idle")
	}
	framing, err := parley.ParseFraming(f.frame)
	if err != nil {
		return t, usageErrorf(cmd, "--frame: %v", err)
	}
	if framing != parley.Raw {
		t.framing = framing
	}
	if t.framing != nil && !hasMessages(e) {
		return t, usageErrorf(cmd, "--frame belongs to datagrams and messages; %s is a stream of bytes", e.Scheme)
	}
	if t.crlf && framing == parley.Line {
		return t, usageErrorf(cmd, "--crlf and --frame line do not go together: a line is sent without its end")
	}
	if v, ok := e.Option("maxmessage"); ok {
		n, err := endpoint.ParseSize(v)
		if err != nil {
			return t, usageErrorf(cmd, "option maxmessage: %v", err)
		}
		if n > 0 {
			t.maxMessage = int(min(n, 1<<30))
		}
	}
	return t, nil
}

// notWithin refuses an endpoint that only this process can reach, which has no
// peer for it.
func notWithin(cmd *cobra.Command, e endpoint.Endpoint) error {
	if e.Scheme != "mem" {
		return nil
	}
	return usageErrorf(cmd, "%s: mem is within one program, and no other can be its peer; unix: is for two", e)
}

// hasMessages reports whether a conversation at e keeps message boundaries, or
// may do so.
func hasMessages(e endpoint.Endpoint) bool { return e.KeepsMessages() || e.Scheme == "fd" }

// options takes the timers that a listening endpoint has as options, where
// there is no flag.
func (t *talk) options(e endpoint.Endpoint) error {
	for name, value := range map[string]*time.Duration{"idle": &t.idle, "total": &t.total} {
		v, ok := e.Option(name)
		if !ok || *value != 0 {
			continue
		}
		d, err := endpoint.ParseDuration(v)
		if err != nil {
			return usageError{err: fmt.Errorf("option %s: %w", name, err)}
		}
		*value = d
	}
	return nil
}
