package client

import (
	"slices"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// toldKey is who told us something and their number of it; the network may have
// repeated it.
type toldKey struct {
	author string
	id     uint64
}

const mostTold = 128

// onNews takes what is just to be shown.
func (s *session) onNews(l wire.Line) {
	switch l.Verb {
	case wire.VerbHere:
		if r := s.room(l.Word(0)); r != nil && l.Need(2, false) == nil {
			s.emit(Came{Room: r.name, Name: text.Clean(l.Word(1))})
		}
	case wire.VerbGone:
		if r := s.room(l.Word(0)); r != nil && len(l.Words) > 1 {
			s.emit(Left{Room: r.name, Name: text.Clean(l.Word(1)), Why: text.Clean(l.Text)})
		}
	case wire.VerbNamed:
		s.onNamed(l)
	case wire.VerbTold:
		s.onTold(l)
	case wire.VerbNote:
		s.emit(Notice{Text: text.Clean(l.Text)})
	}
}

func (s *session) onNamed(l wire.Line) {
	if l.Need(2, false) != nil {
		return
	}
	was, is := l.Word(0), l.Word(1)
	asked := s.findAsk(wire.VerbNick, is)
	own := was == s.name || asked != nil
	if own {
		s.name = is
	}
	if asked != nil {
		s.forget(asked)
	}
	if was != is {
		s.emit(Renamed{Old: text.Clean(was), New: text.Clean(is), Own: own})
	}
}

// onTold takes TOLD TIME NAME SELF ID :TEXT.
func (s *session) onTold(l wire.Line) {
	if l.Need(4, true) != nil {
		return
	}
	ms, err := l.Number(0)
	id, err2 := l.Number(3)
	key := toldKey{l.Word(2), id}
	if err != nil || err2 != nil || ms > 1<<48 || slices.Contains(s.told, key) {
		return
	}
	if len(s.told) >= mostTold {
		s.told = slices.Delete(s.told, 0, 1)
	}
	s.told = append(s.told, key)
	s.emit(Told{Time: time.UnixMilli(int64(ms)).UTC(), Name: text.Clean(l.Word(1)), Text: text.Clean(l.Text)})
}
