package chat

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// tell hands over what a client tells somebody, or answers why not.
func (p *person) tell(m *member, id uint64, to, body string) {
	switch p.posts.look(id) {
	case postEarly:
		p.nak(m, wire.Nak{ID: id, Code: wire.CodeOrder, Again: true, Text: "another post comes first"})
		return
	case postUnderway:
		return
	case postRepeat:
		if p.posts.wasUntold(id) {
			p.nak(m, wire.Nak{ID: id, Code: wire.CodeNobody, Text: "nobody was told"})
			return
		}
		p.hub.counts.repeats.Add(1)
		m.send(wire.AppendAck(nil, id, 0))
		return
	}
	if wait := p.mayPost(); wait > 0 {
		p.nak(m, wire.Nak{ID: id, Code: wire.CodeFlood, Retry: wait, Text: "too much at a time"})
		return
	}
	p.posts.set(id, postSettled)
	if r := p.handOver(id, to, body); r != nil {
		p.posts.noteUntold(id)
		p.nak(m, wire.Nak{ID: id, Code: r.code, Text: r.text})
		return
	}
	m.send(wire.AppendAck(nil, id, 0))
}

// keepUntold is how many numbers of what was told to nobody are kept, for
// repeats on datagrams.
const keepUntold = 64

func (q *posts) noteUntold(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.untold) == keepUntold {
		q.untold = q.untold[1:]
	}
	q.untold = append(q.untold, id)
}

func (q *posts) wasUntold(id uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Contains(q.untold, id)
}

// handOver tells somebody something, here or at another hub.
func (p *person) handOver(id uint64, to, body string) *refusal {
	body, r := cleanText(body)
	if r != nil {
		return r
	}
	h, msg := p.hub, Private{Name: p.called(), Author: p.author, ID: id, Text: body}
	err := h.tellHere(to, msg)
	if errors.Is(err, ErrNobody) && h.Directory != nil && h.isAfar(to) {
		err = h.Directory.Tell(h.ctx, to, msg)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNobody):
		return &refusal{wire.CodeNobody, "nobody is called " + brief(text.Clean(to))}
	}
	return refusalOf(err, wire.CodeNobody)
}

// tellHere hands a message to who has that name here.
func (h *Hub) tellHere(to string, msg Private) error {
	p := h.find(to)
	if p == nil {
		return ErrNobody
	}
	m := p.member.Load()
	if m == nil {
		return &refusal{wire.CodeNobody, p.called() + " is away"}
	}
	if p.plain() {
		m.send([]byte(msg.Name + " -> you: " + msg.Text + "\n"))
		return nil
	}
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	m.send(withText(msg.Text, wire.VerbTold, now, msg.Name, msg.Author, strconv.FormatUint(msg.ID, 10)))
	return nil
}

// toldFromAfar is tellHere for what is told at another hub.
func (h *Hub) toldFromAfar(to string, msg Private) error {
	if name, err := text.Name(msg.Name); err != nil && !text.IsGuest(msg.Name) {
		return err
	} else if err == nil {
		msg.Name = name
	}
	msg.Text = text.Clean(msg.Text)
	return h.tellHere(to, msg)
}
