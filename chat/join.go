package chat

import (
	"fmt"
	"strconv"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// sit gives p a seat in a room that it has none in. before runs when nothing is
// in the way any more, with how many will be there.
func (p *person) sit(m *member, name string, before func(count int)) (*seat, error) {
	r, err := p.hub.acquire(name)
	if err != nil {
		return nil, err
	}
	if err := r.learn(p.hub.ctx); err != nil && !p.plain() {
		r.release()
		return nil, unreadable(err)
	}
	before(r.count() + 1)
	s := r.add(p, m)
	p.seats = append(p.seats, s)
	return s, nil
}

// join is a client's JOIN.
func (p *person) join(m *member, l wire.Line) {
	after, has, err := l.Uint("after")
	if err != nil {
		m.send(problem(wire.VerbJoin, badLine(err)))
		return
	}
	s, r := p.seatFor(m, l.Word(0))
	if r != nil {
		m.send(problem(wire.VerbJoin, r, "room="+l.Word(0)))
		return
	}
	if !has {
		s.room.mu.Lock()
		defer s.room.mu.Unlock()
		s.goLiveLocked(m, 0)
		return
	}
	p.catchUp(m, s, after)
}

// seatFor is the seat that a client has, or now gets, in a room.
func (p *person) seatFor(m *member, room string) (*seat, *refusal) {
	name, err := text.Room(room)
	if err != nil {
		return nil, badRoom(err)
	}
	if s := p.seat(name); s != nil {
		s.room.mu.Lock()
		s.member = m
		s.room.mu.Unlock()
		return s, nil
	}
	if len(p.seats) >= p.hub.memberRooms() {
		return nil, &refusal{wire.CodeFull, fmt.Sprintf("in %d rooms, which is as many as one may be in", len(p.seats))}
	}
	if p.posts.allow(p.hub.Flood) > 0 {
		return nil, &refusal{wire.CodeFlood, "too much at a time"}
	}
	s, err := p.sit(m, name, func(int) {})
	if err != nil {
		return nil, refusalOf(err, wire.CodeStore)
	}
	p.updated()
	return s, nil
}

// catchUp sends a page of what came after a message, and then, if that is all,
// what comes. What comes meanwhile waits in the seat, so that nothing is left out
// and nothing comes twice, however fast people post.
func (p *person) catchUp(m *member, s *seat, after uint64) {
	r := s.room
	after, err := s.checked(after)
	if err != nil {
		m.send(problem(wire.VerbJoin, unreadable(err), "room="+r.name))
		return
	}
	upTo, live := s.waitFrom(m, after)
	if live {
		return
	}
	page, more, err := p.hub.log.Read(p.hub.ctx, Query{Room: r.name, After: after})
	if err != nil {
		s.stopWaiting()
		m.send(problem(wire.VerbJoin, unreadable(err), "room="+r.name))
		return
	}
	at, all := s.replay(m, after, page)
	r.mu.Lock()
	defer r.mu.Unlock()
	w := s.wait
	s.wait = nil
	if all && !more {
		if at = max(at, upTo); s.replayWaitingLocked(m, &at, w) {
			s.goLiveLocked(m, at)
			return
		}
	}
	m.send(words(wire.VerbMore, r.name, strconv.FormatUint(at, 10)))
}

// checked is the place that a client says it has reached, or the end of the log
// if that comes earlier: the log is another one than the client knew. The room
// alone cannot tell: what is stored is in history before it is delivered.
func (s *seat) checked(after uint64) (uint64, error) {
	s.room.mu.Lock()
	reached := s.room.last
	s.room.mu.Unlock()
	if after <= reached {
		return after, nil
	}
	last, err := s.room.hub.log.Last(s.room.hub.ctx, s.room.name)
	return min(after, max(last, reached)), err
}

// waitFrom makes what comes wait, unless the client has everything: then it is
// sent from now on.
func (s *seat) waitFrom(m *member, after uint64) (upTo uint64, live bool) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if after >= r.last {
		s.goLiveLocked(m, after)
		return r.last, true
	}
	s.live, s.wait = false, new(waiting)
	return r.last, false
}

// waitFromNow makes what comes wait.
func (s *seat) waitFromNow() (upTo uint64) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.live, s.wait = false, new(waiting)
	return s.room.last
}

func (s *seat) stopWaiting() {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.wait = nil
}

// goLiveLocked sends what comes after at from now on, and says so; room.mu is held.
func (s *seat) goLiveLocked(m *member, at uint64) {
	s.from = max(at, s.room.last)
	s.live, s.wait = true, nil
	m.send(words(wire.VerbLive, s.room.name, strconv.FormatUint(s.from, 10), strconv.Itoa(s.room.countLocked())))
}

// replay sends a client messages of the past, and returns the last one's place.
// all is false if the client did not take them all.
func (s *seat) replay(m *member, at uint64, list []wire.Message) (last uint64, all bool) {
	var line []byte
	for i := range list {
		if list[i].Seq <= at {
			continue
		}
		line = wire.AppendMessage(line[:0], list[i], at)
		if !m.try(line) {
			return at, false
		}
		at = list[i].Seq
	}
	return at, true
}

// replayWaitingLocked sends what waited, and reports whether that is all there
// is; room.mu is held.
func (s *seat) replayWaitingLocked(m *member, at *uint64, w *waiting) bool {
	last, all := s.replay(m, *at, w.messages)
	*at = last
	return all && w.over == 0
}

// welcome makes somebody of a plain peer: it gets a name, and comes into the
// lobby.
func (p *person) welcome(m *member) {
	p.member.Store(m)
	p.takeGuest()
	_, err := p.comeInto(m, p.hub.lobby, func(count int) {
		m.notify(fmt.Sprintf("you are %s in %s, %d here; /help lists the commands, q leaves", p.called(), p.hub.lobby, count))
	})
	if err != nil {
		m.notify(err.Error())
		m.leave("")
	}
}

// comeInto brings a plain peer into a room, of which it is told by greet.
func (p *person) comeInto(m *member, name string, greet func(count int)) (*seat, error) {
	s, err := p.sit(m, name, greet)
	if err != nil {
		return nil, err
	}
	if n := p.hub.Replay; n > 0 {
		p.remind(m, s, n)
	} else {
		s.room.mu.Lock()
		s.live, s.from = true, s.room.last
		s.room.mu.Unlock()
	}
	p.updated()
	return s, nil
}

// remind shows a plain peer the last n messages of a room, and then what comes.
func (p *person) remind(m *member, s *seat, n int) {
	upTo := s.waitFromNow()
	at := p.showLast(m, Query{Room: s.room.name, Before: upTo + 1, Last: n})
	at = max(at, upTo)
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	w := s.wait
	for i := range w.messages {
		if msg := &w.messages[i]; msg.Seq > at && msg.Author != p.author {
			m.send(appendPlain(nil, msg))
		}
	}
	s.live, s.from, s.wait = true, at, nil
	if w.over > 0 {
		m.send(missedNotice(w.over))
	}
}

// showLast shows a plain peer what q asks for, the last of it in any case, and
// returns the place of the last message shown.
func (p *person) showLast(m *member, q Query) (at uint64) {
	now := time.Now()
	for more := true; more && q.Last > 0; {
		page, again, err := p.hub.log.Read(p.hub.ctx, q)
		if err != nil {
			m.notify(unreadable(err).text)
			return at
		}
		for i := range page {
			if !m.try(appendOld(nil, &page[i], now)) {
				m.notify("you do not read as fast as it comes, /history shows the rest")
				return at
			}
			at = page[i].Seq
		}
		q.After, q.Last = at, q.Last-len(page)
		more = again && len(page) > 0
	}
	return at
}
