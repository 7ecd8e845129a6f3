package client

import (
	"slices"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// An ask is something that the server has to answer, other than JOIN and posts.
// It is said again on each connection until it is answered, and on datagrams now and
// then.
type ask struct {
	verb, key string // key is a room, a tag, a name or ""
	line      wire.Line
	said      bool // on this connection
	tries     int
	repeat    repeat
	page      *page    // of PAST
	names     []string // of WHO so far
	rooms     []RoomInfo
}

const (
	mostAsks  = 256
	askTries  = 8       // on datagrams
	mostNames = 1 << 16 // of one answer
)

// ask asks for something, once at a time.
func (s *session) ask(verb, key string, l wire.Line) *ask {
	if a := s.findAsk(verb, key); a != nil {
		return a
	}
	a := &ask{verb: verb, key: key, line: l}
	s.asks = append(s.asks, a)
	return a
}

// askFor is ask for what a user wants.
func (s *session) askFor(now time.Time, verb, key string, words ...string) {
	l := wire.Line{Verb: verb, Words: words}
	if s.mayAsk(l) {
		s.ask(verb, key, l)
		s.settle(now)
	}
}

// mayAsk checks what a user wants.
func (s *session) mayAsk(l wire.Line) bool {
	if err := l.Check(); err != nil {
		s.emit(Problem{Verb: l.Verb, Code: wire.CodeBadLine, Text: text.Clean(err.Error())})
		return false
	}
	if len(s.asks) >= mostAsks {
		s.emit(Problem{Verb: l.Verb, Code: wire.CodeFlood, Text: "too much is asked and not answered"})
		return false
	}
	return true
}

// nick is the user's wish for another name; the last counts.
func (s *session) nick(now time.Time, name string) {
	clean, err := text.Name(name)
	if err != nil {
		s.emit(Problem{Verb: wire.VerbNick, Code: wire.CodeNameBad, Text: err.Error()})
		return
	}
	if !s.met {
		s.name = clean
		return
	}
	for a := s.firstAsk(wire.VerbNick); a != nil; a = s.firstAsk(wire.VerbNick) {
		s.forget(a)
	}
	s.askFor(now, wire.VerbNick, clean, clean)
}

func (s *session) who(now time.Time, room string) {
	room = cleanRoom(room, s.home)
	s.askFor(now, wire.VerbWho, room, room)
}

func (a *ask) disconnected() {
	a.said, a.tries, a.repeat, a.names, a.rooms = false, 0, repeat{}, nil, nil
	if a.page != nil {
		a.page.messages, a.page.tries = nil, 0
	}
}

// again says that the answer was not whole.
func (a *ask) again(now time.Time) {
	a.repeat = repeat{at: now}
}

func (s *session) findAsk(verb, key string) *ask {
	for _, a := range s.asks {
		if a.verb == verb && a.key == key {
			return a
		}
	}
	return nil
}

func (s *session) firstAsk(verb string) *ask {
	for _, a := range s.asks {
		if a.verb == verb {
			return a
		}
	}
	return nil
}

func (s *session) dropAsk(verb, key string) {
	if a := s.findAsk(verb, key); a != nil {
		s.forget(a)
	}
}

func (s *session) forget(a *ask) {
	s.asks = slices.DeleteFunc(s.asks, func(other *ask) bool { return other == a })
}

// sendAsks says what is due.
func (s *session) sendAsks(now time.Time) {
	for _, a := range slices.Clone(s.asks) {
		if a.said && !due(now, a.repeat.at) {
			continue
		}
		if a.said && a.tries >= askTries {
			s.unanswered(now, a)
			continue
		}
		a.said = true
		a.tries++
		s.send(a.line)
		a.repeat.at = time.Time{}
		a.repeat.sent(now, s.cfg.Datagram)
	}
}

func (s *session) nextAsk() (at time.Time) {
	for _, a := range s.asks {
		at = earlier(at, a.repeat.at)
	}
	return at
}

func (s *session) unanswered(now time.Time, a *ask) {
	s.refused(now, a, "", "the server does not answer")
}

// refused gives up an ask.
func (s *session) refused(now time.Time, a *ask, code, why string) {
	s.forget(a)
	s.emit(Problem{Verb: a.verb, Code: code, Text: why})
	if a.page != nil && a.page.own {
		if r := s.room(a.page.room); r != nil && r.history == a {
			s.endHistory(now, r)
		}
	}
	if r := s.room(a.key); a.verb == wire.VerbPart && r != nil {
		s.removeRoom(r)
	}
}

// onAnswer takes a part of an answer, or its end.
func (s *session) onAnswer(now time.Time, l wire.Line) {
	switch l.Verb {
	case wire.VerbPast:
		s.onPast(now, l)
	case wire.VerbWho:
		s.onWho(l)
	case wire.VerbRoom:
		s.onRoom(l)
	case wire.VerbEnd:
		switch l.Word(0) {
		case wire.VerbPast:
			s.endPast(now, l)
		case wire.VerbWho:
			s.endWho(now, l)
		case wire.VerbRooms:
			s.endRooms(now, l)
		}
	}
}

func (s *session) onWho(l wire.Line) {
	a := s.findAsk(wire.VerbWho, l.Word(0))
	if a == nil {
		return
	}
	for _, name := range l.Words[1:] {
		if len(a.names) < mostNames {
			a.names = append(a.names, text.Clean(name))
		}
	}
}

func (s *session) endWho(now time.Time, l wire.Line) {
	a := s.findAsk(wire.VerbWho, l.Word(1))
	if a == nil {
		return
	}
	slices.Sort(a.names)
	a.names = slices.Compact(a.names) // lines may have come twice
	if s.partial(now, a, len(a.names), l) {
		return
	}
	s.forget(a)
	s.emit(Members{Room: text.Clean(a.key), Names: a.names})
}

func (s *session) onRoom(l wire.Line) {
	a := s.firstAsk(wire.VerbRooms)
	members, err := l.Number(1)
	last, err2 := l.Number(2)
	if a == nil || err != nil || err2 != nil || len(a.rooms) >= mostNames {
		return
	}
	a.rooms = append(a.rooms, RoomInfo{Name: text.Clean(l.Word(0)), Members: int(min(members, 1<<31-1)), Last: last})
}

func (s *session) endRooms(now time.Time, l wire.Line) {
	a := s.firstAsk(wire.VerbRooms)
	if a == nil {
		return
	}
	slices.SortStableFunc(a.rooms, func(a, b RoomInfo) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	a.rooms = slices.CompactFunc(a.rooms, func(a, b RoomInfo) bool { return a.Name == b.Name })
	if s.partial(now, a, len(a.rooms), l) {
		return
	}
	s.forget(a)
	s.emit(RoomList{Rooms: a.rooms})
}

// partial reports whether an answer on datagrams is not whole, and asks again.
// After a few times what is there has to do.
func (s *session) partial(now time.Time, a *ask, got int, end wire.Line) bool {
	want, err := end.Number(len(end.Words) - 1)
	if !s.cfg.Datagram || err != nil || uint64(got) >= want || a.tries >= askTries/2 {
		return false
	}
	a.again(now)
	return true
}

// askOf finds what an ERR is about: it may say so, or it is the oldest of its verb.
func (s *session) askOf(verb string, l wire.Line) *ask {
	for _, key := range []string{"tag", "room"} {
		if value, ok := l.Value(key); ok {
			return s.findAsk(verb, value)
		}
	}
	return s.firstAsk(verb)
}

// onError takes an ERR: of what we asked, or just to be shown.
func (s *session) onError(now time.Time, l wire.Line) {
	verb, code, why := text.Clean(l.Word(0)), text.Clean(l.Word(1)), text.Clean(l.Text)
	if code == wire.CodeUnproved {
		s.strange(now)
		return
	}
	if verb == wire.VerbJoin {
		room, _ := l.Value("room")
		s.roomRefused(now, room, code, why)
		return
	}
	a := s.askOf(verb, l)
	switch {
	case a == nil:
		s.emit(Problem{Verb: verb, Code: code, Text: why})
	case (code == wire.CodeFlood || code == wire.CodeStore) && a.tries < askTries:
		a.repeat = repeat{at: now.Add(refusedTime)}
	default:
		s.refused(now, a, code, why)
	}
}
