package chat

import (
	"errors"
	"time"

	"parley"
	"parley/chat/text"
	"parley/chat/wire"
)

// hello makes a session that of a client.
func (m *member) hello(line []byte) {
	m.conn.SetFraming(clientFraming{parley.Line})
	l, err := wire.ParseLine(line)
	var hello wire.Hello
	if err == nil {
		hello, err = wire.ParseHello(l)
	}
	if err != nil {
		m.refuseHello(err)
		return
	}
	m.mu.Lock()
	m.state = client
	if m.timer != nil && !m.datagram {
		m.timer.Stop()
	}
	m.mu.Unlock()
	m.introduce(hello, len(line)+lineCost)
}

// refuseHello ends the session of a client that cannot be understood.
func (m *member) refuseHello(err error) {
	code := wire.CodeBadLine
	if errors.Is(err, wire.ErrVersion) {
		code = wire.CodeVersion
	}
	m.write(problem(wire.VerbHello, &refusal{code, text.Clean(err.Error())}))
	if code == wire.CodeVersion {
		m.write(withText(code, wire.VerbBye))
	}
	m.conn.End()
}

// introduce finds out who a client is. size is what hello holds while it waits.
func (m *member) introduce(hello wire.Hello, size int) {
	p, isNew := m.hub.identify(hello.Token)
	if p == nil {
		m.refuseHello(errors.New("another token has the same public half"))
		return
	}
	m.mu.Lock()
	before := m.person
	m.person = p
	m.mu.Unlock()
	if before != nil && before != p {
		before.do(func() { before.replace(m) }, false, 0)
	}
	f := func() { p.answerHello(m, hello) }
	if isNew {
		p.begin(f)
	} else if !p.do(f, m.hub.Directory != nil, size) && !m.datagram { // which says it again
		m.write(problem(wire.VerbHello, &refusal{wire.CodeFlood, "too much at a time"}))
		m.conn.End()
	}
}

// replace ends who a session was taken for.
func (p *person) replace(m *member) {
	if p.member.CompareAndSwap(m, nil) {
		p.leave(wire.WhyLeft)
	}
}

// identify finds who has that token, or makes somebody new, whose turn is taken.
// It is nil where a stranger's token has the same public half.
func (h *Hub) identify(token string) (p *person, isNew bool) {
	self := wire.PublicHalf(token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.clients[self]; p != nil {
		if p.token != token {
			return nil, false
		}
		return p, false
	}
	p = h.newPerson(self, token)
	h.clients[self] = p
	return p, true
}

// answerHello makes m the session of p, and tells it who it is.
func (p *person) answerHello(m *member, hello wire.Hello) {
	if p.gone { // since it was identified
		m.introduce(hello, 0)
		return
	}
	p.attach(m)
	p.posts.resume(hello.Next)
	old := p.called()
	refused := p.ownName(hello.Name)
	w := wire.Welcome{
		Name: p.called(), Self: p.author, Next: p.posts.expected(), Room: p.hub.lobby,
		Max: wire.MaxText, Idle: m.silence,
	}
	if !m.proved() {
		w.Prove = m.proof.word + m.proof.rest
	}
	m.send(w.Append(nil))
	if refused != nil {
		m.send(problem(wire.VerbHello, refused))
	}
	if old != "" && old != p.called() {
		p.renamed(old)
	}
	if state, _ := m.standing(); state == over {
		p.detach(m, nil) // it ended while p was another one: Closed has not told p
	}
}

// ownName gives a client the name that it asks for, if it can have it, and any
// other one if it has none. A guest's name is nothing to ask for.
func (p *person) ownName(want string) *refusal {
	var refused *refusal
	if want != "" && want != p.called() && !text.IsGuest(want) {
		if p.called() != "" && p.posts.allow(p.hub.Flood) > 0 {
			refused = &refusal{wire.CodeFlood, "too much at a time"}
		} else if err := p.takeName(want); err != nil {
			refused = refusalOf(err, wire.CodeNameBad)
		}
	}
	if p.called() == "" {
		p.takeGuest()
	}
	return refused
}

// protocol takes a line of a client.
func (m *member) protocol(p *person, line []byte) {
	l, err := wire.ParseLine(line)
	if err != nil {
		if len(line) > 0 && string(line) != "\n" {
			m.send(problem(wire.NoVerb, badLine(err)))
		}
		return
	}
	switch {
	case l.Verb == wire.VerbProof:
		m.proofCame(l.Word(0))
	case !m.proved():
		m.send(problem(l.Verb, &refusal{wire.CodeUnproved, "send PROOF first"}))
	case l.Verb == wire.VerbPing:
		m.send(words(wire.VerbPong, l.Words...)) // not in the turn: it says that the connection lives
	default:
		m.dispatch(p, l, len(line))
	}
}

func badLine(err error) *refusal {
	if errors.Is(err, wire.ErrLineTooLong) {
		return &refusal{wire.CodeTooLong, err.Error()}
	}
	return &refusal{wire.CodeBadLine, text.Clean(err.Error())}
}

func (m *member) proofCame(word string) {
	if m.proveClient(word) {
		m.send(words(wire.VerbProved))
		return
	}
	m.send(problem(wire.VerbProof, &refusal{wire.CodeUnproved, "not the word"}))
}

// dispatch has a line obeyed in the turn of p.
func (m *member) dispatch(p *person, l wire.Line, size int) {
	if p.do(func() { p.obey(m, l, size) }, m.hub.slow(l.Verb), size+lineCost) {
		return
	}
	busy := &refusal{wire.CodeFlood, "too much at a time"}
	id, err := l.Number(0)
	if (l.Verb == wire.VerbPost || l.Verb == wire.VerbTell) && err == nil {
		p.nak(m, wire.Nak{ID: id, Code: busy.code, Retry: time.Second, Text: busy.text})
		return
	}
	m.send(problem(l.Verb, busy))
}

// lineCost is what a line takes in a queue beside its bytes.
const lineCost = 128

// slow reports whether to obey verb may take waiting.
func (h *Hub) slow(verb string) bool {
	switch verb {
	case wire.VerbJoin, wire.VerbPast, wire.VerbRooms:
		return true
	case wire.VerbNick, wire.VerbTell:
		return h.Directory != nil
	}
	return false
}

// obey does what a client's line asks, in its turn.
func (p *person) obey(m *member, l wire.Line, size int) {
	if p.member.Load() != m || m.leaving.Load() {
		if _, now := m.standing(); now != p && p.gone {
			m.dispatch(now, l, size)
		}
		return
	}
	form, known := forms[l.Verb]
	if !known {
		m.send(problem(l.Verb, &refusal{wire.CodeUnknownVerb, "no such verb"}))
		return
	}
	if err := l.Need(form.words, form.text); err != nil {
		m.send(problem(l.Verb, badLine(err)))
		return
	}
	var id uint64
	if form.id {
		var err error
		if id, err = l.Number(0); err == nil && (id == 0 || id > maxID) {
			err = errors.New("IDs are from 1 on")
		}
		if err != nil {
			m.send(problem(l.Verb, badLine(err)))
			return
		}
	}
	form.do(p, m, l, id)
}

// maxID bounds the numbers of posts, so that there is always a next one.
const maxID = 1 << 62

// A form is what a verb needs, and does.
type form struct {
	words int
	text  bool
	id    bool // the first word is an ID
	do    func(p *person, m *member, l wire.Line, id uint64)
}

// forms are the verbs of a client that is known. It is not changed.
var forms = map[string]form{
	wire.VerbJoin: {words: 1, do: func(p *person, m *member, l wire.Line, _ uint64) { p.join(m, l) }},
	wire.VerbPart: {words: 1, do: func(p *person, m *member, l wire.Line, _ uint64) { p.part(m, l.Word(0)) }},
	wire.VerbPost: {words: 3, text: true, id: true, do: func(p *person, m *member, l wire.Line, id uint64) {
		p.post(m, id, l.Word(1), wire.Kind(l.Word(2)), l.Text)
	}},
	wire.VerbTell: {words: 2, text: true, id: true, do: func(p *person, m *member, l wire.Line, id uint64) {
		p.tell(m, id, l.Word(1), l.Text)
	}},
	wire.VerbNick:  {words: 1, do: func(p *person, m *member, l wire.Line, _ uint64) { p.nick(m, l.Word(0)) }},
	wire.VerbWho:   {words: 1, do: func(p *person, m *member, l wire.Line, _ uint64) { p.who(m, l.Word(0)) }},
	wire.VerbRooms: {do: func(p *person, m *member, l wire.Line, _ uint64) { p.listRooms(m) }},
	wire.VerbPast:  {words: 2, do: func(p *person, m *member, l wire.Line, _ uint64) { p.past(m, l) }},
	wire.VerbQuit:  {do: func(p *person, m *member, l wire.Line, _ uint64) { m.leave(wire.WhyQuit) }},
}

// part is a client's PART.
func (p *person) part(m *member, room string) {
	name, err := text.Room(room)
	if err != nil {
		m.send(problem(wire.VerbPart, badRoom(err), "room="+room))
		return
	}
	if s := p.seat(name); s != nil {
		p.giveUp(s, wire.WhyLeft)
		p.updated()
	}
	m.send(words(wire.VerbParted, name))
}

// nick gives a client another name.
func (p *person) nick(m *member, want string) {
	old := p.called()
	if p.posts.allow(p.hub.Flood) > 0 {
		m.send(problem(wire.VerbNick, &refusal{wire.CodeFlood, "too much at a time"}))
		return
	}
	if err := p.takeName(want); err != nil {
		m.send(problem(wire.VerbNick, refusalOf(err, wire.CodeNameBad)))
		return
	}
	p.renamed(old)
}
