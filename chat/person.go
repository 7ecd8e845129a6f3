package chat

import (
	"crypto/rand"
	"encoding/hex"
	"sync/atomic"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// A person is who is behind a session: for a client the same over several of
// them, with the name and the rooms.
//
//	new ── attach ──> present ── detach ──> away ── attach ──> present
//	                     └── leave ──> gone <── grace is over ──┘
type person struct {
	// Constant.
	hub    *Hub
	author string
	token  string // of a client; "" is a plain peer

	name   atomic.Pointer[string] // changed in its turn, under hub.mu; nil before it has one
	member atomic.Pointer[member] // the session, changed in its turn; nil while away

	// Of the turn.
	seats []*seat
	guest int // its number, 0 is none; under hub.mu too
	gone  bool
	away  bool        // its session has ended, and it is counted in hub.away
	moved bool        // to another hub, which has the name now
	timer *time.Timer // of the grace

	turn  turn
	posts posts
}

// newPerson is somebody new, whose turn is taken: begin gives it on.
func (h *Hub) newPerson(author, token string) *person {
	p := &person{hub: h, author: author, token: token}
	p.posts.base, p.posts.next = 1, 1
	p.turn.busy = true
	return p
}

// begin runs the first of what a new person does. What came meanwhile waits.
func (p *person) begin(f func()) {
	if p.hub.inline {
		defer p.goOn()
		f()
		return
	}
	t := &p.turn
	t.mu.Lock()
	t.queue = append([]task{{run: f}}, t.queue...)
	t.mu.Unlock()
	p.startWork()
}

func (p *person) plain() bool { return p.token == "" }

// called is the name, which one who is not known yet does not have.
func (p *person) called() string {
	if name := p.name.Load(); name != nil {
		return *name
	}
	return ""
}

// presence is what the directory is told.
func (p *person) presence(name string) Presence {
	rooms := make([]string, len(p.seats))
	for i, s := range p.seats {
		rooms[i] = s.room.name
	}
	return Presence{Name: name, Author: p.author, Rooms: rooms}
}

// updated tells the directory where p is now, after what p is at. An error is
// not the peer's: it is put right by the next update.
func (p *person) updated() {
	h := p.hub
	if h.Directory == nil {
		return
	}
	p.do(func() {
		if !p.gone {
			h.Directory.Update(h.ctx, p.presence(p.called()))
		}
	}, true, 0)
}

// attach makes m the session of p, in its turn, and ends the one before.
func (p *person) attach(m *member) {
	p.back()
	old := p.member.Swap(m)
	if old != nil && old != m {
		old.sayBye(wire.WhyResumed)
		old.conn.End()
	}
	if len(p.seats) > 0 && old != m {
		for _, s := range p.seats {
			s.vacate()
		}
		p.hub.counts.resumed.Add(1)
		p.startGrace() // for the rooms that it does not join again
	}
}

// detach takes m away, whose session has ended.
func (p *person) detach(m *member, err error) {
	if p.gone || !p.member.CompareAndSwap(m, nil) {
		return // another session has taken its place
	}
	grace := p.hub.grace()
	if p.plain() || m.farewell != "" || grace == 0 || !m.proved() {
		p.leave(m.reason(err))
		return
	}
	if p.hub.away.Add(1) > mostAway {
		p.hub.away.Add(-1)
		p.leave(wire.WhyLost)
		return
	}
	p.away = true
	for _, s := range p.seats {
		s.vacate()
	}
	p.startGrace()
}

// mostAway is how many may be away at a time; who would be one more has left.
const mostAway = 10_000

// back is called when p is away no longer.
func (p *person) back() {
	if p.away {
		p.away = false
		p.hub.away.Add(-1)
	}
}

// startGrace begins the time after which the places that nobody has taken again
// are given up.
func (p *person) startGrace() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(p.hub.grace(), func() { p.do(p.expire, false, 0) })
}

// expire gives up what is not in use when the grace is over.
func (p *person) expire() {
	if p.gone {
		return
	}
	m := p.member.Load()
	if m == nil {
		p.leave(wire.WhyLost)
		return
	}
	for _, s := range append([]*seat(nil), p.seats...) {
		if s.vacant() {
			p.giveUp(s, wire.WhyLost)
		}
	}
	p.updated()
}

// leave ends p: nobody has that name any more.
func (p *person) leave(why string) {
	if p.gone {
		return
	}
	p.gone = true
	p.back()
	if p.timer != nil {
		p.timer.Stop()
	}
	name := p.called()
	last := p.presence(name)
	for len(p.seats) > 0 {
		p.giveUp(p.seats[0], why)
	}
	h := p.hub
	h.mu.Lock()
	if name != "" && h.names[text.Fold(name)] == p {
		delete(h.names, text.Fold(name))
	}
	if p.token != "" && h.clients[p.author] == p {
		delete(h.clients, p.author)
	}
	h.guests.free(p.guest)
	h.mu.Unlock()
	if h.Directory != nil && name != "" && !p.moved {
		p.do(func() { h.Directory.Release(h.ctx, last, why) }, true, 0)
	}
}

// giveUp leaves a room.
func (p *person) giveUp(s *seat, why string) {
	for i := range p.seats {
		if p.seats[i] == s {
			p.seats = append(p.seats[:i], p.seats[i+1:]...)
			break
		}
	}
	s.room.remove(s, why)
}

// seat is p's place in a room, or nil.
func (p *person) seat(room string) *seat {
	for _, s := range p.seats {
		if s.room.name == room {
			return s
		}
	}
	return nil
}

// newAuthor is the public half of a plain peer, which has no other.
func newAuthor() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
