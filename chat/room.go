package chat

import (
	"context"
	"sync"

	"parley/chat/wire"
)

// quietAbove is how many may be in a room that is still told who comes, goes and
// takes another name: in larger ones that would be most of what is said.
const quietAbove = 200

// A room is where people are. It lives while somebody has a seat in it.
//
// mu is held while a message is sent to everybody, and so orders what members
// see. Under it only Hub.mu and outbox.mu are taken.
type room struct {
	hub     *Hub
	name    string
	loading chan struct{} // holds a token while somebody asks the log for last
	refs    int           // seats, and who is about to take one; under hub.mu

	mu    sync.Mutex // guards what follows, and the seats' fields that say so
	seats []*seat
	last  uint64 // the last message of the room
	known bool   // what the log has last is known
	line  []byte // the message that is delivered, for clients
	text  []byte // and for plain peers
}

// A seat is the place of a person in a room.
type seat struct {
	person *person
	room   *room
	plain  bool

	// Under room.mu.
	member *member // nil while its person is away
	at     int     // in room.seats
	live   bool    // is sent what comes
	from   uint64  // after this
	wait   *waiting

	missed int // messages that were not sent; under member's outbox.mu
}

// waiting keeps what comes while a seat is sent what was before.
type waiting struct {
	messages []wire.Message
	bytes    int
	over     int // as many more than may wait
}

const waitingMessages, waitingBytes = 256, 64 << 10

func (w *waiting) add(m *wire.Message) {
	if w.over > 0 || len(w.messages) >= waitingMessages || w.bytes+len(m.Text) > waitingBytes {
		w.over++
		return
	}
	w.bytes += len(m.Text)
	w.messages = append(w.messages, *m)
}

// acquire finds or makes a room, for somebody who is about to take a seat.
func (h *Hub) acquire(name string) (*room, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[name]
	if r == nil {
		if len(h.rooms) >= h.maxRooms() && name != h.lobby { // people always get in
			return nil, &refusal{"full", "there are as many rooms as there may be"}
		}
		r = &room{hub: h, name: name, loading: make(chan struct{}, 1)}
		h.rooms[name] = r
	}
	r.refs++
	return r, nil
}

// release gives back what acquire took.
func (r *room) release() {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	if r.refs--; r.refs == 0 {
		delete(r.hub.rooms, r.name)
	}
}

// learn asks the log for the last message of the room, once.
func (r *room) learn(ctx context.Context) error {
	select {
	case r.loading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.loading }()
	r.mu.Lock()
	known := r.known
	r.mu.Unlock()
	if known {
		return nil
	}
	last, err := r.hub.log.Last(ctx, r.name)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.known = max(r.last, last), true
	return nil
}

// deliver sends m to everybody in the room. It allocates nothing for a member.
func (r *room) deliver(m *wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.Seq <= r.last {
		return // it was stored before last was asked for
	}
	prev := r.last
	r.last, r.known = m.Seq, true
	r.line, r.text = r.line[:0], r.text[:0]
	sent := int64(0)
	for _, s := range r.seats {
		switch {
		case s.wait != nil:
			s.wait.add(m)
		case !s.live || s.member == nil || m.Seq <= s.from:
		case !s.plain:
			if len(r.line) == 0 {
				r.line = wire.AppendMessage(r.line, *m, prev)
			}
			sent += s.member.offer(s, r.line)
		case s.person.author != m.Author: // its own terminal has shown it
			if len(r.text) == 0 {
				r.text = appendPlain(r.text, m)
			}
			sent += s.member.offer(s, r.text)
		}
	}
	r.hub.counts.deliveries.Add(sent)
}

// add gives p a seat, and tells the others.
func (r *room) add(p *person, m *member) *seat {
	s := &seat{person: p, room: r, plain: p.plain(), member: m}
	name := p.called()
	r.mu.Lock()
	s.at = len(r.seats)
	r.seats = append(r.seats, s)
	r.announceLocked(s, words(wire.VerbHere, r.name, name), notice(name+" joined"))
	r.mu.Unlock()
	r.hub.transcribe(r.name, name+" joined")
	return s
}

// remove takes a seat away, and tells the others why.
func (r *room) remove(s *seat, why string) {
	name := s.person.called()
	r.mu.Lock()
	if s.member != nil {
		s.member.forget(s)
	}
	r.announceLocked(s, withText(why, wire.VerbGone, r.name, name), notice(name+leftBecause(why)))
	end := len(r.seats) - 1
	r.seats[s.at] = r.seats[end]
	r.seats[s.at].at = s.at
	r.seats[end] = nil
	r.seats = r.seats[:end]
	s.member, s.live, s.wait = nil, false, nil
	r.mu.Unlock()
	r.release()
	r.hub.transcribe(r.name, name+leftBecause(why))
}

// leftBecause is how a plain peer is told that somebody left.
func leftBecause(why string) string {
	if why == wire.WhyLeft {
		return " left"
	}
	return " left (" + why + ")"
}

// announceLocked sends a line to everybody but s, unless the room is too large
// for it; mu is held.
func (r *room) announceLocked(but *seat, line, plain []byte) {
	if r.countLocked() > quietAbove {
		return
	}
	for _, s := range r.seats {
		if s != but && s.member != nil {
			s.member.send(s.member.either(line, plain))
		}
	}
}

// countLocked is how many are in the room, at any hub; mu is held.
func (r *room) countLocked() int {
	return len(r.seats) + r.hub.countAfar(r.name)
}

func (r *room) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.countLocked()
}

// gather adds those who are told of others in this room.
func (r *room) gather(to map[*member]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.countLocked() > quietAbove {
		return
	}
	for _, s := range r.seats {
		if s.member != nil {
			to[s.member] = true
		}
	}
}

// vacate keeps a seat for somebody who is away.
func (s *seat) vacate() {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.member != nil {
		s.member.forget(s)
	}
	s.member, s.live, s.wait = nil, false, nil
}

func (s *seat) vacant() bool {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	return s.member == nil
}
