package client

import (
	"slices"
	"strconv"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// A page is history that was asked for and is coming.
type page struct {
	room     string
	q        Query
	own      bool // asked for on joining, not by the user
	messages []stored
	tries    int // answers that left something out
}

// The bounds of a page, whatever the server sends. It sends no more than 500
// messages.
const (
	mostPage  = 1000
	pageTries = 4
)

// askHistory asks for what was said before we joined.
func (s *session) askHistory(r *room) {
	q := Query{Before: r.have + 1, Last: s.cfg.past()}
	if !s.cfg.Since.IsZero() {
		q.Since, q.Last = s.cfg.Since, 0
	} else if q.Last == 0 {
		return
	}
	if r.have == 0 || q.Before == 0 {
		return
	}
	r.history = s.askPage(&page{room: r.name, q: q, own: true})
}

// past is the user's wish for a page.
func (s *session) past(now time.Time, name string, q Query) (tag string) {
	p := &page{room: cleanRoom(name, s.home), q: q}
	s.tags++
	tag = "p" + strconv.Itoa(s.tags)
	if s.mayAsk(p.line(tag)) {
		s.ask(wire.VerbPast, tag, p.line(tag)).page = p
		s.settle(now)
	}
	return tag
}

// askPage asks for a page of the history that is shown on joining.
func (s *session) askPage(p *page) *ask {
	s.tags++
	tag := "p" + strconv.Itoa(s.tags)
	a := s.ask(wire.VerbPast, tag, p.line(tag))
	a.page = p
	return a
}

// line is how a page is asked for.
func (p *page) line(tag string) wire.Line {
	l := wire.Line{Verb: wire.VerbPast, Words: []string{tag, p.room}}
	if p.q.After > 0 {
		l.Words = append(l.Words, wire.Pair("after", p.q.After))
	}
	if p.q.Before > 0 {
		l.Words = append(l.Words, wire.Pair("before", p.q.Before))
	}
	if ms := p.q.Since.UnixMilli(); !p.q.Since.IsZero() && ms > 0 {
		l.Words = append(l.Words, wire.Pair("since", uint64(ms)))
	}
	if p.q.Last > 0 {
		l.Words = append(l.Words, wire.Pair("last", uint64(p.q.Last)))
	}
	return l
}

// onPast takes a message of a page.
func (s *session) onPast(now time.Time, l wire.Line) {
	tag, m, prev, err := wire.ParsePast(l)
	if err != nil {
		return
	}
	a := s.findAsk(wire.VerbPast, tag)
	if a == nil || a.page == nil {
		return
	}
	p := a.page
	m.Room = p.room
	s.saw(m)
	if m.Seq <= p.q.After || p.q.Before > 0 && m.Seq >= p.q.Before {
		return
	}
	i, found := slices.BinarySearchFunc(p.messages, m.Seq, func(a stored, seq uint64) int {
		switch {
		case a.Seq < seq:
			return -1
		case a.Seq > seq:
			return 1
		}
		return 0
	})
	if !found && len(p.messages) < mostPage {
		p.messages = slices.Insert(p.messages, i, stored{m, prev})
	}
}

// endPast takes the end of a page: END PAST TAG SEQ more|done.
func (s *session) endPast(now time.Time, l wire.Line) {
	a := s.findAsk(wire.VerbPast, l.Word(1))
	seq, err := l.Number(2)
	if a == nil || a.page == nil || err != nil {
		return
	}
	p := a.page
	more := l.Word(3) == wire.PastMore
	if s.cfg.Datagram && !p.whole(seq, more) && p.tries < pageTries {
		p.tries++
		a.again(now)
		return
	}
	s.forget(a)
	if last := p.last(); last > seq {
		seq = last
	}
	more = more && seq > p.q.After
	if !p.own {
		s.emit(p.event(a.key, more, seq))
		return
	}
	s.showHistory(now, p, more, seq)
}

// showHistory shows a page of what was said before we joined, and goes on with the next, or with
// what was held back.
func (s *session) showHistory(now time.Time, p *page, more bool, seq uint64) {
	for _, m := range p.messages {
		s.show(m.Message, true)
	}
	r := s.room(p.room)
	if r == nil {
		return
	}
	if more && seq+1 < p.q.Before {
		r.history = s.askPage(&page{room: p.room, own: true, q: Query{After: seq, Before: p.q.Before}})
		return
	}
	s.endHistory(now, r)
}

// endHistory shows what was held back.
func (s *session) endHistory(now time.Time, r *room) {
	wasFull := r.full()
	r.history = nil
	for _, m := range r.held {
		s.show(m, false)
	}
	r.held = nil
	s.drain(r)
	if wasFull || len(r.ahead) > 0 {
		s.missing(now, r)
	}
}

// whole reports whether nothing of the page seems lost on the way. It may be
// wrong about one that the log's limits have cut; then it is asked for a few
// times in vain.
func (p *page) whole(seq uint64, more bool) bool {
	if len(p.messages) == 0 {
		return !more && (seq == 0 || seq <= p.q.After)
	}
	for i, m := range p.messages[1:] {
		if m.prev > p.messages[i].Seq {
			return false
		}
	}
	first := p.messages[0]
	switch {
	case p.last() < seq && (p.q.Before == 0 || seq < p.q.Before):
		return false
	case p.q.After > 0:
		return first.prev <= p.q.After
	case p.q.Last > 0:
		return len(p.messages) >= p.q.Last || first.prev == 0 || more
	}
	return !p.q.Since.IsZero() || first.prev == 0
}

func (p *page) last() uint64 {
	if len(p.messages) == 0 {
		return 0
	}
	return p.messages[len(p.messages)-1].Seq
}

func (p *page) event(tag string, more bool, next uint64) Page {
	e := Page{Tag: tag, Room: text.Clean(p.room), More: more, Next: next}
	for _, m := range p.messages {
		e.Messages = append(e.Messages, cleanMessage(m.Message))
	}
	return e
}
