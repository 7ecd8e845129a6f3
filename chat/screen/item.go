package screen

import (
	"time"

	"parley/chat/client"
	"parley/chat/text"
	"parley/chat/wire"
)

// An item is what takes lines in a room. Its texts are clean.
type item struct {
	kind       itemKind
	at         time.Time // in the location of the screen
	seq, id    uint64    // of a message; id of our own only
	name, text string

	own     bool
	mention bool // it has our name in it
	first   bool // what is unread begins with it
	mark    mark
	why     string // it was refused

	// presence is what a notice of coming and going has to say so far, so that
	// more can be added: see room.announce.
	presence *presence

	shown lines
}

type itemKind uint8

const (
	kindSay     itemKind = iota
	kindMe               // /me
	kindNotice           // nobody said it
	kindTold             // name told us
	kindTelling          // we told name
)

// mark says what became of something of our own.
type mark uint8

// Post ── markPending ──┬─> markSent: the server has stored it, or handed it over
//
//	└─> markRefused
const (
	markNone mark = iota
	markPending
	markSent
	markRefused
)

var markSigns = [...]string{markNone: " ", markPending: "·", markSent: "✓", markRefused: "✗"}

func (m *model) notice(s string) *item {
	return &item{kind: kindNotice, at: m.o.now(), text: text.Clean(s)}
}

// received makes the item of a message.
func (m *model) received(w *wire.Message, own bool) *item {
	it := &item{
		at: w.Time.In(m.o.location()), seq: w.Seq,
		name: text.Clean(w.Name), text: text.Clean(w.Text), own: own,
	}
	if w.Kind == wire.Me {
		it.kind = kindMe
	}
	if own {
		it.id, it.mark = w.ID, markSent
	} else {
		it.mention = mentions(it.text, m.name)
	}
	return it
}

// posting makes the item of something of our own that is on its way.
func (m *model) posting(kind itemKind, name, s string) *item {
	return &item{kind: kind, at: m.o.now(), name: name, text: text.Clean(s), own: true, mark: markPending}
}

// become makes something pending the message that it has become.
func (it *item) become(w *item) {
	it.at, it.seq, it.name, it.text, it.mark = w.at, w.seq, w.name, w.text, w.mark
	it.shown = lines{}
}

// refuse marks what will not be stored.
func (it *item) refuse(why string) {
	it.mark, it.why = markRefused, text.Clean(why)
}

func refusal(ev client.Refused) string {
	if ev.Text != "" {
		return ev.Text
	}
	return ev.Code
}
