package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/term"
)

// party is our side of a verb's conversations: where the input comes from, where
// the output goes, and when to end.
type party struct {
	env      *env
	talk     talk
	in       *input
	out      io.Writer
	stop     *stopper
	terminal bool    // stdin is one
	chatty   bool    // say what a person who watches wants to know
	screen   *screen // nil: no line editing
	prompt   string  // of the screen
	unwatch  func()
}

// newParty begins to watch for signals and for the end of stdout. ctx ends with
// the first signal. The caller closes the party.
func newParty(ctx context.Context, e *env, t talk) (*party, context.Context) {
	p := &party{env: e, talk: t, out: e.stdout, unwatch: func() {}}
	p.stop, ctx = newStopper(ctx, e.signals)
	p.terminal = isTerminal(e.stdin)
	p.chatty = t.verbose || isTerminal(e.stderr)
	if f, ok := e.stdout.(*os.File); ok {
		p.unwatch = watchStdout(f, p.stop.outputGone)
	}
	p.in = newInput(e.stdin)
	if t.crlf {
		p.in.crlf = new(crlfWriter)
	}
	return p, ctx
}

// begin prepares the input for the first conversation: from now on the terminal,
// if stdin and stdout are one, edits lines.
func (p *party) begin(datagram, messages bool) {
	if p.in.begun {
		return
	}
	p.in.size, p.in.framing, p.in.max = readSize, p.talk.framing, p.talk.maxMessage
	if datagram && !p.terminal && p.talk.framing == nil {
		p.in.size = datagramSize
	}
	if p.screen == nil && p.terminal && isTerminal(p.env.stdout) && p.env.getenv("TERM") != "dumb" {
		if s, err := openScreen(p.env, p.prompt, p.stop.interrupt); err == nil {
			p.screen, p.in.r, p.out = s, s, s
		}
	}
}

// readSize is the size of reads and of pieces, in bytes. datagramSize is that
// of the datagrams made of piped input: it passes every usual link without
// being cut into fragments.
const (
	readSize     = 64 << 10
	datagramSize = 1400
)

// close restores the terminal.
func (p *party) close() {
	p.unwatch()
	p.in.close()
	if p.screen != nil {
		p.screen.close()
	}
	p.stop.close()
}

// isTerminal reports whether stream is a terminal.
func isTerminal(stream any) bool {
	if s, ok := stream.(interface{ terminal() bool }); ok {
		return s.terminal()
	}
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	rc, err := f.SyscallConn() // Fd would make a non-blocking file blocking
	if err != nil {
		return false
	}
	var yes bool
	rc.Control(func(fd uintptr) { yes = term.IsTerminal(int(fd)) })
	return yes
}
