package servicetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"weak"

	"parley"
)

// A probe stands between the server and the service and looks at every call. It
// has the same optional interfaces as the service where that matters to the
// server; see service.
type probe struct {
	// Constant.
	svc       parley.Service
	framing   parley.Framing
	datagrams bool
	fault     func(format string, args ...any) // reports something broken
	changed   func()                           // tells who waits for calls

	entered chan struct{} // gets one for each call that is held

	mu       sync.Mutex // guards what follows
	calls    int        // of Open and Serve
	held     chan struct{}
	track    bool // look whether messages are kept
	messages []weak.Pointer[byte]
	sessions map[*parley.Conn]*life
}

// life is where a session stands.
type life struct{ opened, closed, serving bool }

func newProbe(svc parley.Service, framing parley.Framing, datagrams bool, fault func(string, ...any), changed func()) *probe {
	if f, ok := svc.(parley.Framed); ok {
		framing = f.Framing()
	}
	if framing == nil {
		framing = parley.Raw
	}
	return &probe{svc: svc, framing: framing, datagrams: datagrams, fault: fault, changed: changed,
		entered: make(chan struct{}, 1000), sessions: make(map[*parley.Conn]*life)}
}

// service is p with those of the optional interfaces that the service has. An
// Opener, Framed and LoopFree it always is: to the server that is the same.
func (p *probe) service() parley.Service {
	_, closes := p.svc.(parley.Closer)
	_, ends := p.svc.(parley.Ender)
	_, streams := p.svc.(parley.Streamer)
	switch {
	case closes && ends && streams:
		return struct {
			*probe
			closing
			ending
			streaming
		}{p, closing{p}, ending{p}, streaming{p}}
	case closes && ends:
		return struct {
			*probe
			closing
			ending
		}{p, closing{p}, ending{p}}
	case closes && streams:
		return struct {
			*probe
			closing
			streaming
		}{p, closing{p}, streaming{p}}
	case ends && streams:
		return struct {
			*probe
			ending
			streaming
		}{p, ending{p}, streaming{p}}
	case closes:
		return struct {
			*probe
			closing
		}{p, closing{p}}
	case ends:
		return struct {
			*probe
			ending
		}{p, ending{p}}
	case streams:
		return struct {
			*probe
			streaming
		}{p, streaming{p}}
	}
	return p
}

// Framing is the service's.
func (p *probe) Framing() parley.Framing { return p.framing }

// LoopFree is the service's.
func (p *probe) LoopFree() bool {
	l, ok := p.svc.(parley.LoopFree)
	return ok && l.LoopFree()
}

// String is the service's name.
func (p *probe) String() string {
	if s, ok := p.svc.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", p.svc)
}

// Open opens a session.
func (p *probe) Open(c *parley.Conn) (err error) {
	p.enter(c, "Open", func(l *life) string {
		switch {
		case l.opened:
			return "twice"
		case l.closed:
			return "after Closed"
		}
		l.opened = true
		return ""
	})
	if p.datagrams { // which Open may answer alone
		p.hold()
	}
	if o, ok := p.svc.(parley.Opener); ok {
		err = o.Open(c)
	}
	p.leave(c, func(l *life) { l.opened = err == nil })
	return err
}

// Serve gives the service a message of its own memory, and spoils it afterwards.
func (p *probe) Serve(c *parley.Conn, msg []byte) error {
	p.enter(c, "Serve", serving)
	p.hold()
	defer p.leave(c, func(l *life) { l.serving = false })
	own := p.clone(msg)
	defer p.spoil(own)
	return p.svc.Serve(c, own.msg)
}

// closing, ending and streaming are the interfaces that make a difference.
type closing struct{ p *probe }

func (x closing) Closed(c *parley.Conn, err error) {
	x.p.enter(c, "Closed", func(l *life) string {
		if l.closed {
			return "twice"
		}
		l.closed = true
		return unopened(l)
	})
	x.p.svc.(parley.Closer).Closed(c, err)
}

type ending struct{ p *probe }

func (x ending) Ended(c *parley.Conn) error {
	x.p.enter(c, "Ended", serving)
	defer x.p.leave(c, func(l *life) { l.serving = false })
	return x.p.svc.(parley.Ender).Ended(c)
}

type streaming struct{ p *probe }

func (x streaming) Stream(ctx context.Context, conn net.Conn) error {
	c := parley.ConnOf(ctx)
	x.p.enter(c, "Stream", serving)
	defer x.p.leave(c, func(l *life) { l.serving = false })
	return x.p.svc.(parley.Streamer).Stream(ctx, conn)
}

// serving marks a session as being served.
func serving(l *life) string {
	if l.serving {
		return "while the session is served"
	}
	if l.closed {
		return "after Closed"
	}
	l.serving = true
	return unopened(l)
}

func unopened(l *life) string {
	if !l.opened {
		return "without Open"
	}
	return ""
}

// enter notes a call for c, if it is a session, and says what is wrong with it.
func (p *probe) enter(c *parley.Conn, call string, step func(*life) string) {
	p.mu.Lock()
	p.calls++
	wrong := ""
	if c.ID() != 0 {
		l := p.sessions[c]
		if l == nil {
			l = new(life)
			p.sessions[c] = l
		}
		wrong = step(l)
	}
	p.mu.Unlock()
	if wrong != "" {
		p.fault("%s was called %s for session %d", call, wrong, c.ID())
	}
}

// leave notes the end of a call.
func (p *probe) leave(c *parley.Conn, step func(*life)) {
	p.mu.Lock()
	if l := p.sessions[c]; l != nil {
		step(l)
	}
	p.mu.Unlock()
	p.changed()
}

// trackMessages makes kept know the messages from here on.
func (p *probe) trackMessages() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.track = true
}

func (p *probe) called() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// unpaired is how many sessions were opened and not closed, of a service that is
// told.
func (p *probe) unpaired() (n int) {
	if _, ok := p.svc.(parley.Closer); !ok {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.sessions {
		if l.opened && !l.closed {
			n++
		}
	}
	return n
}

// holdCalls makes every call of Serve, on datagrams of Open too, wait, until the function that is returned
// is called. Each says that it waits on entered.
func (p *probe) holdCalls() (release func()) {
	held := make(chan struct{})
	p.mu.Lock()
	p.held = held
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		p.held = nil
		p.mu.Unlock()
		close(held)
	}
}

func (p *probe) hold() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held == nil {
		return
	}
	select {
	case p.entered <- struct{}{}:
	default: // more than anybody waits for
	}
	<-held
}

// The bytes behind a message, which are another's, and those of a message that
// is gone.
const (
	beyond  = 0xEE
	spoiled = 0xA5
)

// ownMessage is a message in memory of its own, with room behind it as in a
// server's buffer.
type ownMessage struct{ room, msg []byte }

func (p *probe) clone(msg []byte) ownMessage {
	const behind = 64
	room := make([]byte, len(msg)+behind)
	n := copy(room, msg)
	for i := n; i < len(room); i++ {
		room[i] = beyond
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.track {
		p.messages = append(p.messages, weak.Make(&room[0]))
	}
	return ownMessage{room: room, msg: room[:n]}
}

func (p *probe) spoil(m ownMessage) {
	if behind := m.room[len(m.msg):]; len(bytes.Trim(behind, string([]byte{beyond}))) > 0 {
		p.fault("Serve wrote behind its message, which is where the next one lies: append to a copy")
	}
	for i := range m.room {
		m.room[i] = spoiled
	}
}

// kept is how many of the messages that were served since trackMessages are
// still referred to. The caller has run the garbage collector.
func (p *probe) kept() (n, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.messages {
		if m.Value() != nil {
			n++
		}
	}
	return n, len(p.messages)
}
