package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"parley/endpoint"
	"parley/transport"
)

// maxOneLine is the longest line that chat --one sends, in bytes. It has no
// protocol that bounds it: this is so that an input without line ends does not fill the
// memory.
const maxOneLine = 1 << 20

// chatOne is chat --one: exactly two parties, and no protocol.
func (e *env) chatOne(cmd *cobra.Command, f *chatFlags, at endpoint.Endpoint) error {
	for _, name := range []string{"frame", "idle", "total", "maxmessage"} {
		if _, ok := at.Option(name); ok && f.host {
			return usageErrorf(cmd, "option %s means nothing to --one: it ends when somebody leaves", name)
		}
	}
	p, ctx := newParty(cmd.Context(), e, talk{eof: eofHalf, maxMessage: maxMessage})
	defer p.close()
	if f.host {
		return e.hostOne(ctx, p, at)
	}
	warnInsecure(e, at)
	conn, err := transport.Dial(ctx, at)
	if err != nil {
		if p.stop.stopped() {
			return p.stop.err
		}
		return err
	}
	p.beginLines()
	lines := startTyping(p.in, maxOneLine)
	defer lines.close()
	return newDuo(p, at, conn, lines).run()
}

// linePrompt is before the line that is being typed, on a terminal.
const linePrompt = "> "

// beginLines prepares the input for lines.
func (p *party) beginLines() {
	p.prompt = linePrompt
	p.begin(false, false)
}

// oneHost waits for one peer, and turns others away while it is there.
type oneHost struct {
	*listening
	lines *typing
	kept  []typed // typed before the peer came

	quit chan struct{} // closed when nobody needs to be turned away any more
	work sync.WaitGroup
}

// hostOne has a conversation with the first peer that comes.
func (e *env) hostOne(ctx context.Context, p *party, at endpoint.Endpoint) error {
	h := &oneHost{listening: &listening{party: p, at: at, queue: oneQueue}, quit: make(chan struct{})}
	if err := h.open(ctx); err != nil {
		return err
	}
	defer h.close()
	e.announceChat(h.at, h.pin, "--one ")
	p.beginLines()
	h.lines = startTyping(p.in, maxOneLine)
	defer h.lines.close()
	conn, err := h.await()
	if conn == nil {
		return err
	}
	h.work.Add(1)
	go h.turnAway() // ends with quit
	defer h.work.Wait()
	defer close(h.quit)
	d := newDuo(p, h.at, conn, h.lines)
	d.peer, d.kept = peerName(conn), h.kept
	if d.peer != "" {
		e.note("conversation with %s", d.peer)
	}
	if err := d.run(); err != nil || h.peers == nil {
		return err
	}
	return h.droppedError()
}

// oneQueue is how many datagrams may wait to be shown: lines are made safe one by
// one, which is slower than a pipe sends them.
const oneQueue = 1 << 14

// announceChat says where a conversation is open, and how others come to it.
// flags are those that they need.
func (e *env) announceChat(at endpoint.Endpoint, pin, flags string) {
	e.plain("listening %s", printed(at))
	if everywhere(at) {
		e.note("that is every interface of this machine")
	}
	if _, cert := at.Option("cert"); pin != "" && !cert {
		e.note("the key was made for this run; join by: %s", chatCommand(at, pin, flags))
	}
}

// chatCommand is the command by which one comes to a conversation at e from this
// machine.
func chatCommand(e endpoint.Endpoint, pin, flags string) string {
	return "parley chat " + flags + strings.TrimPrefix(dialCommand("", printed(e), pin), "parley dial ")
}

// mostKept is how many lines are kept that were typed before there was a peer.
const mostKept = 1000

// await waits for the peer. What is typed meanwhile is kept; a q with nothing to
// be said before it, or from a person, is the end: then conn is nil and so is err.
func (h *oneHost) await() (conn net.Conn, err error) {
	h.callers.want()
	lines := h.lines.lines
	for {
		select {
		case c := <-h.callers.ready:
			return c.conn, c.err
		case err := <-h.callers.turned:
			h.env.note("%v; waiting for the next peer", err)
		case <-h.stop.first:
			return nil, h.stop.err
		case line := <-lines:
			if h.leaves(line) {
				h.sayUnsent()
				return nil, nil
			}
			h.keep(line)
			if !h.terminal || line.err != nil || len(h.kept) >= mostKept {
				lines = nil // a pipe waits
			}
		}
	}
}

// leaves reports whether line ends the program before a peer came.
func (h *oneHost) leaves(line typed) bool {
	if h.terminal {
		return line.err == io.EOF || isQuit(line.text)
	}
	return len(h.kept) == 0 && isQuit(line.text)
}

func (h *oneHost) keep(line typed) {
	h.kept = append(h.kept, line)
	if len(h.kept) == 1 && line.err == nil {
		h.env.note("nobody is here yet; it is sent when somebody comes")
	}
}

func (h *oneHost) sayUnsent() {
	if n := len(h.kept); n > 0 {
		h.env.note("nobody came; %s not sent", count(int64(n), "line"))
	}
}

// busy is what is said to whoever comes third.
const busy = "busy\n"

// turnAway tells others, while there is a conversation, that it is between two.
func (h *oneHost) turnAway() {
	defer h.work.Done()
	told := make(map[string]bool) // addresses of datagrams
	room := make(chan struct{}, handshakes)
	for n := 1; ; n++ {
		h.callers.want()
		select {
		case c := <-h.callers.ready:
			if c.err != nil {
				return // the listener is broken; the conversation is not
			}
			h.turned(c.conn, n, told, room)
		case <-h.callers.turned:
		case <-h.quit:
			return
		}
	}
}

// turned tells the n-th peer that was not awaited. On datagrams an address is told
// once: told has those that were.
func (h *oneHost) turned(conn net.Conn, n int, told map[string]bool, room chan struct{}) {
	if h.peers != nil {
		from := peerName(conn)
		if told[from] || len(told) >= mostTold {
			conn.Close()
			return
		}
		told[from] = true
	}
	if n <= maxOthers {
		h.env.note("%s came and was told that this is between two", peerName(conn))
	}
	select {
	case room <- struct{}{}:
		h.work.Add(1)
		go h.refuse(conn, room) // ends within the time of a close handshake
	default:
		conn.Close()
	}
}

// mostTold is how many addresses are told by datagrams that they come third.
const mostTold = 4096

// refuse says busy, and waits a little for the peer's end: a close with bytes
// unread would be a reset, which takes the word along.
func (h *oneHost) refuse(conn net.Conn, room <-chan struct{}) {
	defer h.work.Done()
	defer func() { <-room }()
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(partingTime))
	b := make([]byte, readSize)
	if h.peers != nil {
		if n, err := conn.Read(b); err != nil || 3*n < len(busy) {
			return // nobody may be made to send more than three times what he got
		}
	}
	io.WriteString(conn, busy)
	half, ok := conn.(transport.HalfCloser)
	if !ok || half.CloseWrite() != nil {
		return
	}
	for {
		if _, err := conn.Read(b); err != nil {
			return
		}
	}
}

// errBusy is the end of a conversation that did not begin.
var errBusy = errors.New("the other side has a conversation with somebody else")
