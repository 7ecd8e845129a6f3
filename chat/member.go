package chat

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley"
	"parley/chat/text"
	"parley/chat/wire"
	"parley/endpoint"
)

// A member is a session of the hub. What it is shows when it says something, or
// does not:
//
//	fresh ── a hello ──────────────────────> client
//	  ├── another line, or Hub.Hello ──> plain ── a hello, as its first line ──> client
//	  └── the session's end ──> over <── from both
type member struct {
	// Constant after Open.
	hub      *Hub
	conn     *parley.Conn
	datagram bool          // lines may be lost, and there is no end but silence
	silence  time.Duration // after which a peer of datagrams has left, 0 is never
	proof    *proof        // nil where none is needed

	// Of Serve, which is called by one goroutine at a time.
	lines    int       // that the peer has said
	begun    []byte    // what may be the beginning of a hello
	skipping time.Time // when the last piece of a line that is too long came; zero is none

	// Of the turn of its person.
	farewell string      // why it leaves, if it said so
	leaving  atomic.Bool // it ends when what it said is stored; set by the turn only
	scolded  time.Time

	out outbox

	mu     sync.Mutex // guards what follows
	state  memberState
	person *person     // nil while it is fresh, or has not proved its address
	timer  *time.Timer // of the hello, or of the silence
	heard  time.Time   // of a peer of datagrams
}

type memberState uint8

const (
	fresh memberState = iota
	plain
	client
	over
)

// Open begins a session.
func (h *Hub) Open(c *parley.Conn) error {
	if !h.started.Load() {
		return errNotStarted
	}
	e := c.Endpoint()
	m := &member{hub: h, conn: c, datagram: e.Datagram()}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return errors.New("chat: the hub is closed")
	}
	h.members[m] = struct{}{}
	h.mu.Unlock()
	c.SetData(m)
	if m.datagram {
		m.openDatagrams(e)
	} else {
		m.openStream(e)
	}
	return nil
}

func (m *member) openStream(e endpoint.Endpoint) {
	if _, ok := e.Option("idle"); !ok {
		m.conn.SetIdle(0)
	}
	if wait := m.hub.hello(); wait > 0 {
		m.mu.Lock()
		m.timer = time.AfterFunc(wait, m.helloOver)
		m.mu.Unlock()
	}
}

// openDatagrams makes the silence of the peer the hub's business, so that it can
// be told.
func (m *member) openDatagrams(e endpoint.Endpoint) {
	m.silence = m.hub.idle()
	if v, ok := e.Option("idle"); ok {
		if d, err := endpoint.ParseDuration(v); err == nil {
			m.silence = d
		}
	}
	m.conn.SetIdle(0)
	if m.proof = newProof(m.conn); m.proof == nil {
		m.conn.Trust()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = time.Now()
	if limit := m.patienceLocked(); limit > 0 {
		m.timer = time.AfterFunc(limit, m.silent)
	}
}

// patienceLocked is for how long the peer of datagrams may be silent now.
func (m *member) patienceLocked() time.Duration {
	if m.proved() {
		return m.silence
	}
	if m.silence > 0 {
		return min(m.silence, proveTime)
	}
	return proveTime
}

// silent ends the session of a peer of datagrams that has been silent for too long.
func (m *member) silent() {
	p, late := m.tooSilent()
	switch {
	case !late:
	case p == nil:
		m.conn.End()
	default:
		m.leaveAs(p, wire.WhyIdle)
	}
}

// tooSilent reports whether the peer has been silent for too long, and who it is.
func (m *member) tooSilent() (*person, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	limit := m.patienceLocked()
	if m.state == over || limit == 0 {
		return nil, false
	}
	if left := limit - time.Since(m.heard); left > 0 {
		m.timer.Reset(left)
		return nil, false
	}
	m.state = over
	return m.person, true
}

// helloOver takes a peer for a plain one that has been silent for Hub.Hello.
func (m *member) helloOver() {
	m.mu.Lock()
	if m.state != fresh {
		m.mu.Unlock()
		return
	}
	m.becomePlain()
}

// becomePlain makes a fresh session a plain one. mu is held, and released.
func (m *member) becomePlain() {
	p := m.hub.newPerson(newAuthor(), "")
	m.state, m.person = plain, p
	m.mu.Unlock()
	p.begin(func() { p.welcome(m) })
}

// Serve takes what a peer said: a line, or where the transport keeps the
// boundaries of messages perhaps several.
func (h *Hub) Serve(c *parley.Conn, msg []byte) error {
	m, ok := c.Data().(*member)
	if !ok {
		return errNotStarted
	}
	if m.datagram {
		m.hear(len(msg))
	}
	for line := range bytes.Lines(msg) {
		m.take(line)
	}
	return nil
}

// hear notes that a peer of datagrams is there.
func (m *member) hear(n int) {
	if m.proof != nil {
		m.proof.earn(n)
	}
	m.mu.Lock()
	m.heard = time.Now()
	m.mu.Unlock()
}

// take takes one line, or of a plain stream what there was when it paused.
func (m *member) take(line []byte) {
	state, p := m.standing()
	if state == client {
		if m.datagram && wire.IsHello(line) {
			m.hello(line)
			return
		}
		m.protocol(p, line)
		return
	}
	if state == over || m.skips(line) {
		return
	}
	if first := m.lines == 0; first || m.datagram {
		if m.begun = append(m.begun, line...); first && m.waitsForHello() {
			return
		}
		line, m.begun = m.begun, nil
		if wire.IsHello(line) {
			m.lines++
			m.hello(line)
			return
		}
	}
	if m.datagram && m.lines == 0 && strays(line) {
		m.write(problem(wire.NoVerb, &refusal{wire.CodeUnproved, "PARLEY comes first"}))
		m.conn.End()
		return
	}
	m.lines++
	m.plainLine(bytes.Clone(line))
}

// holdsSecret reports whether line is a client's first line or the beginning of
// one, which is never shown to anybody.
func holdsSecret(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(wire.VerbHello+" "))
	return ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}

// strays reports whether line is that of a client whose session is over: on
// datagrams it may not know, after the server was started again.
func strays(line []byte) bool {
	l, err := wire.ParseLine(line)
	if err != nil {
		return false
	}
	switch l.Verb {
	case wire.VerbPost, wire.VerbTell:
		_, err = l.Number(0)
		return err == nil && l.HasText
	case wire.VerbPing:
		_, err = l.Number(0)
		return err == nil && len(l.Words) == 1
	case wire.VerbJoin, wire.VerbPast:
		_, ok := l.Value("after")
		return ok
	case wire.VerbProof, wire.VerbPart, wire.VerbNick:
		return len(l.Words) == 1
	case wire.VerbQuit, wire.VerbRooms:
		return len(l.Words) == 0
	}
	return false
}

// standing is what the session is, and whose.
func (m *member) standing() (memberState, *person) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.person
}

// waitsForHello reports whether a stream has begun what may become a hello, and
// paused.
func (m *member) waitsForHello() bool {
	b := m.begun
	verb := []byte(wire.VerbHello)
	return !m.conn.KeepsMessages() && len(b) < wire.MaxLine && b[len(b)-1] != '\n' && (bytes.HasPrefix(b, verb) || bytes.HasPrefix(verb, b))
}

// Closed ends a session.
func (h *Hub) Closed(c *parley.Conn, err error) {
	m, ok := c.Data().(*member)
	if !ok {
		return
	}
	h.forget(m)
	m.mu.Lock()
	m.state = over
	p := m.person
	if m.timer != nil {
		m.timer.Stop()
	}
	m.mu.Unlock()
	if p != nil {
		p.do(func() { p.detach(m, err) }, false, 0)
	}
}

// forget takes a session out of those who are here.
func (h *Hub) forget(m *member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.members, m)
}

// Ended is the end of a peer that sends no more: it leaves when everything that it
// said is stored.
func (h *Hub) Ended(c *parley.Conn) error {
	m, ok := c.Data().(*member)
	if !ok {
		return errNotStarted
	}
	if len(m.begun) > 0 {
		m.lines++
		m.plainLine(m.begun)
	}
	if _, p := m.standing(); p != nil {
		m.leaveAs(p, "")
		return nil
	}
	c.End()
	return nil
}

// leaveAs is leave in the turn of p, or of who the session belongs to by then.
func (m *member) leaveAs(p *person, why string) {
	p.do(func() {
		if _, now := m.standing(); now != p {
			m.leaveAs(now, why)
			return
		}
		m.leave(why)
	}, false, 0)
}

// leave ends the session in the turn of its person, as soon as everything that
// it posted has been stored or refused. why is empty if the peer has just ended.
func (m *member) leave(why string) {
	if m.farewell == "" {
		m.farewell = why
	}
	m.leaving.Store(true)
	m.goIfSettled()
}

// goIfSettled ends a session that is leaving.
func (m *member) goIfSettled() {
	_, p := m.standing()
	if !m.leaving.Load() || p != nil && p.posts.underway() > 0 {
		return
	}
	if m.farewell != "" {
		m.sayBye(m.farewell)
	}
	m.conn.End()
	m.hub.forget(m)
	if p != nil {
		p.detach(m, nil) // now, not when the peer has ended too
	}
}

// sayBye tells the peer why the server ends the session.
func (m *member) sayBye(why string) {
	state, p := m.standing()
	if p == nil && state != fresh {
		return
	}
	if p != nil && !p.plain() {
		m.send(withText(why, wire.VerbBye))
		return
	}
	switch why {
	case wire.WhyQuit: // it knows
	case wire.WhyIdle:
		m.send(notice("you said nothing for long, and have left"))
	case wire.WhyShutdown:
		m.send(notice("the server shuts down"))
	default:
		m.send(notice(why))
	}
}

// reason is why others are told that m has left, whose session ended with err.
func (m *member) reason(err error) string {
	switch {
	case m.farewell == wire.WhyQuit:
		return wire.WhyLeft
	case m.farewell != "":
		return m.farewell
	case errors.Is(err, parley.ErrIdle):
		return wire.WhyIdle
	case parley.Reason(err) == "drain":
		return wire.WhyShutdown
	case err == nil:
		return wire.WhyLeft
	}
	return wire.WhyLost
}

// either is the line for what m is.
func (m *member) either(forClient, forPlain []byte) []byte {
	if _, p := m.standing(); p != nil && !p.plain() {
		return forClient
	}
	return forPlain
}

// notify sends a plain peer a notice.
func (m *member) notify(what string) { m.send(notice(what)) }

// cleanLine is what a plain peer typed, made safe.
func cleanLine(b []byte) string {
	b = text.StripTelnet(b)
	return text.Clean(strings.TrimRight(string(b), "\r\n"))
}
