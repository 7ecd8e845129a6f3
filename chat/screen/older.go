package screen

import (
	"time"

	"parley/chat/client"
	"parley/chat/wire"
)

// olderPage is how many older messages are asked for at a time.
const olderPage = 200

// older is the state of a room's older messages, those before its first.
type older struct {
	done  bool   // there are none
	tag   string // of the page that is awaited, "" if none is
	query client.Query
	got   []wire.Message // pages that came, of a query that is not answered wholly
	show  bool           // who asked wants to see the first of them
}

// beginning is the line that stands before a room's first item.
func (r *room) beginning() string {
	switch {
	case r.older.tag != "":
		return "... asking for older messages"
	case r.older.done:
		return "── beginning of " + r.name
	case len(r.items) >= r.most:
		return "... older messages are not kept on this screen; parley chat export has them"
	case r.oldest() == 0:
		return ""
	}
	return "... PgUp asks for older messages"
}

// askOlder asks for the messages before the first.
func (m *model) askOlder(r *room) {
	if before := r.oldest(); before > 0 {
		m.askPast(r, client.Query{Before: before, Last: olderPage}, false)
	}
}

// askHistory asks for what /history wants: count messages before those that are
// shown, since a time if it is not zero.
func (m *model) askHistory(r *room, count int, since time.Time) {
	m.askPast(r, client.Query{Before: r.oldest(), Since: since, Last: count}, true)
}

func (m *model) askPast(r *room, q client.Query, show bool) {
	switch {
	case r.name == "" || r.older.tag != "":
	case r.older.done:
		m.flash = "this is the beginning of " + r.name
	case len(r.items) >= r.most:
		m.flash = r.beginning()[4:]
	default:
		r.older.query, r.older.show = q, show
		r.older.tag = m.chat.Past(r.name, q)
	}
}

// page takes a page of history.
func (m *model) page(ev client.Page) {
	r := m.room(ev.Room)
	if r == nil || r.older.tag == "" || r.older.tag != ev.Tag {
		return
	}
	o := &r.older
	o.got = append(o.got, ev.Messages...)
	if ev.More && len(ev.Messages) > 0 && len(o.got) < r.most {
		o.query.After = ev.Next
		o.tag = m.chat.Past(r.name, o.query)
		return
	}
	n := m.prependOlder(r)
	if n == 0 && m.current == r {
		m.flash = "no older messages"
	}
	if o.show && n > 0 && m.current == r {
		m.scrollTo(0, 0)
	}
	*o = older{done: o.query.Since.IsZero() && len(o.got) < o.query.Last}
	m.searchOn(r)
}

// prependOlder puts what came before the first message.
func (m *model) prependOlder(r *room) int {
	before := r.oldest()
	var its []*item
	for i := range r.older.got {
		w := &r.older.got[i]
		if before == 0 || w.Seq < before {
			its = append(its, m.received(w, m.self != "" && w.Author == m.self))
		}
	}
	return r.prepend(its)
}

// notAnswered drops what was asked for, so that it can be asked again: the server
// will not answer.
func (m *model) notAnswered() {
	for _, r := range m.rooms {
		r.older = older{done: r.older.done}
	}
	m.search.chasing = false
}
