package client

import (
	"slices"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// A room is one that we are in, or want to be in. What is received goes
//
//	MSG ──> ahead, while one before it is missing ──> held, until the history is there ──> shown
type room struct {
	name    string
	seen    bool   // it was live once: have is known
	have    uint64 // everything up to it was taken
	ahead   []stored
	held    []wire.Message
	history *ask // asked for on joining, and not there yet
	missed  int  // what the server said it left out since the last gap

	parting bool // the user wants to leave it

	// Of this connection.
	live   bool
	asking bool      // JOIN is said and not answered
	asked  uint64    // with after= this
	repeat repeat    // of JOIN
	later  time.Time // when to say JOIN; zero: not
	stuck  int       // answers in a row that brought nothing and left a gap
	failed string    // the code of the last answer, if it was an ERR
}

// stored is a message and the Seq of the one before it in its room.
type stored struct {
	wire.Message
	prev uint64
}

// The bounds of what a room keeps. What is beyond is not taken, and asked for
// again.
const (
	mostAhead = 1024
	mostHeld  = 1024
)

// How often a gap may stay when the server has sent all it has: then what is
// missing is not there any more. On datagrams it may just be lost again and
// again, so there must be no doubt.
const (
	stuckStream   = 2
	stuckDatagram = 16
)

const (
	reorderTime = 30 * time.Millisecond // before a gap on datagrams is taken for a loss
	refusedTime = 2 * time.Second       // before a JOIN that the server could not do is said again
)

func (s *session) room(name string) *room {
	for _, r := range s.rooms {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (r *room) disconnected() {
	r.live, r.asking, r.repeat, r.later, r.stuck, r.failed = false, false, repeat{}, time.Time{}, 0, ""
}

// join is the user's wish to be in a room.
func (s *session) join(now time.Time, name string) {
	name, err := text.Room(name)
	if err != nil {
		s.emit(Problem{Verb: wire.VerbJoin, Code: wire.CodeRoomBad, Text: err.Error()})
		return
	}
	if r := s.room(name); r != nil {
		if !r.parting {
			return
		}
		r.parting = false
		s.dropAsk(wire.VerbPart, name)
		r.disconnected() // PART may have been said
	} else {
		s.rooms = append(s.rooms, &room{name: name})
	}
	s.settle(now)
}

// part is the user's wish to leave a room. What was posted to it goes first.
func (s *session) part(now time.Time, name string) {
	r := s.room(cleanRoom(name, s.home))
	if r == nil {
		s.emit(Problem{Verb: wire.VerbPart, Code: wire.CodeNotJoined, Text: ErrNotJoined.Error()})
		return
	}
	r.parting = true
	s.partRooms(now)
	s.settle(now)
}

// cleanRoom is a room's name as it is used, or home for "".
func cleanRoom(name, home string) string {
	if name == "" {
		return home
	}
	if clean, err := text.Room(name); err == nil {
		return clean
	}
	return name
}

// partRooms leaves the rooms that the user wants to leave, once nothing posted
// to them waits.
func (s *session) partRooms(time.Time) {
	for _, r := range slices.Clone(s.rooms) {
		switch {
		case !r.parting || s.posting.waits(r.name):
		case s.state != stateOpen, !r.live && !r.asking:
			s.removeRoom(r)
		case r.live && s.findAsk(wire.VerbPart, r.name) == nil:
			s.ask(wire.VerbPart, r.name, wire.Line{Verb: wire.VerbPart, Words: []string{r.name}})
		}
	}
}

func (s *session) onParted(l wire.Line) {
	s.dropAsk(wire.VerbPart, l.Word(0))
	if r := s.room(l.Word(0)); r != nil && (r.parting || !s.cfg.Datagram && !r.asking) {
		s.removeRoom(r)
	}
}

func (s *session) removeRoom(r *room) {
	s.rooms = slices.DeleteFunc(s.rooms, func(other *room) bool { return other == r })
	if r.history != nil {
		s.forget(r.history)
	}
	s.emit(Parted{Room: r.name})
}

// joinRooms says JOIN where it is due. Rooms that are not live are joined one
// after the other, since an ERR does not name the room.
func (s *session) joinRooms(now time.Time) {
	joining := false
	resumed := true
	for _, r := range s.rooms {
		next := !r.live && !joining && !r.asking && r.later.IsZero() && !r.full()
		if next || due(now, r.later) || r.asking && due(now, r.repeat.at) {
			s.askRoom(now, r)
		}
		joining = joining || !r.live
		resumed = resumed && r.live
	}
	s.resumed = s.resumed || resumed
}

func (s *session) nextRooms() (at time.Time) {
	for _, r := range s.rooms {
		at = earlier(at, r.later)
		if r.asking {
			at = earlier(at, r.repeat.at)
		}
	}
	return at
}

// askRoom says JOIN.
func (s *session) askRoom(now time.Time, r *room) {
	l := wire.Line{Verb: wire.VerbJoin, Words: []string{r.name}}
	if r.seen {
		l.Words = append(l.Words, wire.Pair("after", r.have))
	}
	s.send(l)
	r.asking, r.asked, r.later = true, r.have, time.Time{}
	r.repeat.sent(now, s.cfg.Datagram)
}

// askSoon says JOIN after a while, unless it is said already.
func (s *session) askSoon(now time.Time, r *room, wait time.Duration) {
	if !r.asking && r.later.IsZero() {
		r.later = now.Add(wait)
	}
}

// onLive takes the answer to JOIN: everything up to its SEQ was sent.
func (s *session) onLive(now time.Time, l wire.Line) {
	r := s.room(l.Word(0))
	seq, err := l.Number(1)
	if r == nil || err != nil || r.live && !r.asking {
		return
	}
	r.answered()
	r.failed = ""
	if !r.seen {
		r.seen, r.have = true, seq
		s.askHistory(r)
	}
	if !r.live {
		r.live = true
		count, _ := l.Number(2)
		s.emit(Joined{Room: r.name, Seq: seq, Count: int(min(count, 1<<31-1))})
	}
	s.checkGap(now, r, seq)
}

// onMore takes the answer to JOIN where a page was not enough.
func (s *session) onMore(now time.Time, l wire.Line) {
	r := s.room(l.Word(0))
	seq, err := l.Number(1)
	if r == nil || err != nil || !r.asking || !r.seen {
		return
	}
	r.answered()
	if r.full() {
		return // until the history is there
	}
	if seq > r.asked && s.stays(r) { // else it has sent nothing: it waits for us to read
		s.giveUp(r, seq)
	}
	s.askSoon(now, r, r.gapWait())
}

func (r *room) answered() {
	r.asking, r.repeat = false, repeat{}
}

// full reports whether no more can be taken until the history is there.
func (r *room) full() bool { return len(r.held) >= mostHeld }

// checkGap asks again if something is missing though everything up to seq was
// sent.
func (s *session) checkGap(now time.Time, r *room, seq uint64) {
	tail := s.cfg.Datagram && seq > r.have
	if r.full() || len(r.ahead) == 0 && !tail {
		r.stuck = 0
		return
	}
	covered := len(r.ahead) == 0 || r.ahead[0].Seq <= seq
	if covered && s.stays(r) {
		s.giveUp(r, 0)
		if len(r.ahead) == 0 {
			return
		}
	}
	s.askSoon(now, r, r.gapWait())
}

// gapWait is how long to wait before asking for what an answer has left out:
// not if it has brought something.
func (r *room) gapWait() time.Duration {
	if r.have > r.asked {
		return 0
	}
	return firstRepeat
}

// stays reports whether the gap is for good.
func (s *session) stays(r *room) bool {
	if r.have > r.asked {
		r.stuck = 0
		return false
	}
	r.stuck++
	if s.cfg.Datagram {
		return r.stuck >= stuckDatagram
	}
	return r.stuck >= stuckStream
}

// giveUp goes on after a gap: with what is there, or else after seq.
func (s *session) giveUp(r *room, seq uint64) {
	r.stuck = 0
	switch {
	case len(r.ahead) > 0:
		r.have = max(r.have, r.ahead[0].prev)
	case seq > r.have:
		r.have = seq
	default:
		return
	}
	s.emit(Missed{Room: r.name, Count: r.missed})
	r.missed = 0
	s.drain(r)
}

// onMissed asks for what the server has left out, since we did not read.
func (s *session) onMissed(now time.Time, l wire.Line) {
	r := s.room(l.Word(0))
	count, err := l.Number(1)
	if r == nil || err != nil || !r.live {
		return
	}
	r.missed = int(min(uint64(r.missed)+min(count, 1<<30), 1<<30))
	s.askSoon(now, r, 0)
}

func (s *session) onMessage(now time.Time, l wire.Line) {
	m, prev, err := wire.ParseMessage(l)
	if err != nil {
		return
	}
	s.saw(m)
	r := s.room(m.Room)
	if r == nil || !r.seen || m.Seq <= r.have {
		return
	}
	if prev > r.have || r.full() {
		r.keep(stored{m, prev})
		s.missing(now, r)
		return
	}
	s.take(r, m)
	s.drain(r)
}

// missing asks for what is before the messages in ahead. While the room is
// joined again it comes anyway.
func (s *session) missing(now time.Time, r *room) {
	switch {
	case !r.live || r.full():
	case s.cfg.Datagram:
		s.askSoon(now, r, reorderTime)
	default:
		s.askSoon(now, r, 0)
	}
}

// keep puts m where it belongs in ahead.
func (r *room) keep(m stored) {
	i, found := slices.BinarySearchFunc(r.ahead, m.Seq, func(a stored, seq uint64) int {
		switch {
		case a.Seq < seq:
			return -1
		case a.Seq > seq:
			return 1
		}
		return 0
	})
	if found {
		return
	}
	if len(r.ahead) >= mostAhead {
		if i == len(r.ahead) {
			return
		}
		r.ahead = r.ahead[:mostAhead-1] // the last is the last to be of use
	}
	r.ahead = slices.Insert(r.ahead, i, m)
}

// drain takes what is no longer ahead.
func (s *session) drain(r *room) {
	n := 0
	for n < len(r.ahead) && !r.full() {
		m := r.ahead[n]
		if m.Seq > r.have {
			if m.prev > r.have {
				break
			}
			s.take(r, m.Message)
		}
		n++
	}
	r.ahead = slices.Delete(r.ahead, 0, n)
	if len(r.ahead) == 0 {
		r.ahead = nil
		if r.live && r.stuck == 0 && !r.full() {
			r.later = time.Time{} // what was missing has come
		}
	}
}

// take takes the next message of a room.
func (s *session) take(r *room, m wire.Message) {
	r.have = m.Seq
	r.stuck = 0
	if r.history != nil {
		r.held = append(r.held, m)
		return
	}
	s.show(m, false)
}

func (s *session) show(m wire.Message, past bool) {
	own := m.Author == s.self
	s.emit(Message{Message: cleanMessage(m), Own: own, Past: past})
}

// cleanMessage makes m safe to show. Author needs nothing: it is of
// hexadecimal digits.
func cleanMessage(m wire.Message) wire.Message {
	m.Room, m.Name, m.Text = text.Clean(m.Room), text.Clean(m.Name), text.Clean(m.Text)
	return m
}

// roomRefused takes an ERR about a JOIN. If it does not name the room it is about
// one that waits for an answer; of several, one that is not live.
func (s *session) roomRefused(now time.Time, name, code, why string) {
	r := s.room(name)
	for _, other := range s.rooms {
		if name == "" && other.asking && (r == nil || r.live && !other.live) {
			r = other
		}
	}
	if r == nil || !r.asking {
		return
	}
	r.answered()
	if r.failed != code {
		s.emit(Problem{Verb: wire.VerbJoin, Code: code, Text: why})
	}
	r.failed = code
	if code == wire.CodeRoomBad || code == wire.CodeFull && !r.seen {
		s.removeRoom(r)
		return
	}
	s.askSoon(now, r, refusedTime)
}
