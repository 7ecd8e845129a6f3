package screen

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// A search looks through what is shown of the current room.
//
//	off ── Ctrl-F ──> typing ── Enter ──> moving ── Esc ──> off
//	 ^─────── Esc ──────┘ <── Ctrl-F ──────┘
type search struct {
	state   searchState
	input   editor
	query   []rune // in lower case; empty while typing
	hit     *item
	nth, of int  // which hit it is, from the newest, of how many
	chasing bool // older messages are asked for to find more
}

type searchState uint8

const (
	searchOff searchState = iota
	searchTyping
	searchMoving
)

// maxQuery bounds what is looked for, in characters.
const maxQuery = 200

func (s *search) stop() { *s = search{} }

// finds reports whether an item has what is looked for.
func (s *search) finds(it *item) bool {
	if s.state != searchMoving || it.kind == kindNotice {
		return false
	}
	from, _ := index(it.text, s.query)
	if from < 0 {
		from, _ = index(it.name, s.query)
	}
	return from >= 0
}

// find begins to look for a text from the end of what is visible upwards.
func (m *model) find(what string) {
	query := []rune(what)
	for i, r := range query {
		query[i] = unicode.ToLower(r)
	}
	m.search = search{state: searchMoving, query: query[:min(len(query), maxQuery)]}
	at, _ := m.current.lowest()
	m.findFrom(at, -1)
}

// findNext goes to the next hit, an older one if step is -1, a newer one if it is 1.
func (m *model) findNext(step int) {
	at := m.current.place(m.search.hit)
	if at == 0 {
		at = m.current.size()
	}
	m.findFrom(at+step, step)
}

// findFrom goes to the first hit from a place on. Where there is none above, it
// asks for older messages, to go on when they come.
func (m *model) findFrom(at, step int) {
	r := m.current
	for ; at > 0 && at < r.size(); at += step {
		if it := r.item(at); m.search.finds(it) {
			m.search.hit = it
			m.countHits()
			m.center(at)
			return
		}
	}
	if step < 0 && m.canChase(r) {
		m.search.chasing = true
		m.askOlder(r)
	}
	m.countHits()
	if m.search.hit == nil && !m.search.chasing {
		m.flash = "nothing found"
	}
}

func (m *model) canChase(r *room) bool {
	return !r.older.done && len(r.items) < r.most && r.oldest() > 0 && m.state == connected
}

// searchOn goes on searching in older messages that came.
func (m *model) searchOn(r *room) {
	if !m.search.chasing || r != m.current {
		return
	}
	m.search.chasing = false
	if m.search.state == searchMoving {
		at := m.current.place(m.search.hit)
		if at == 0 {
			at = m.current.size()
		}
		m.findFrom(at-1, -1)
	}
}

// countHits counts the hits, and which one is shown.
func (m *model) countHits() {
	m.search.nth, m.search.of = 0, 0
	for at := m.current.size() - 1; at > 0; at-- {
		if it := m.current.item(at); m.search.finds(it) {
			m.search.of++
			if it == m.search.hit {
				m.search.nth = m.search.of
			}
		}
	}
}

// says is what the status line has about the search.
func (s *search) says() string {
	what := "\"" + string(s.query) + "\""
	switch {
	case s.chasing:
		return "looking for " + what + " in older messages"
	case s.of == 0:
		return what + " is not here · Esc leaves"
	}
	return what + " " + strconv.Itoa(s.nth) + " of " + strconv.Itoa(s.of) + " · n older, N newer, Esc leaves"
}

// index returns where s has a query, which is in lower case, whatever its own
// case; from is -1 if it has not.
func index(s string, query []rune) (from, to int) {
	if len(query) == 0 {
		return -1, -1
	}
	for from = 0; from < len(s); {
		if to = prefix(s[from:], query); to >= 0 {
			return from, from + to
		}
		_, n := utf8.DecodeRuneInString(s[from:])
		from += n
	}
	return -1, -1
}

// prefix returns how much of s is a query that it begins with, or -1.
func prefix(s string, query []rune) int {
	at := 0
	for _, q := range query {
		if at >= len(s) {
			return -1
		}
		r, n := utf8.DecodeRuneInString(s[at:])
		if r != q && unicode.ToLower(r) != q {
			return -1
		}
		at += n
	}
	return at
}

// mentions reports whether a text has a name in it, as a word.
func mentions(s, name string) bool {
	if name == "" {
		return false
	}
	query := []rune(name)
	for i, r := range query {
		query[i] = unicode.ToLower(r)
	}
	for base := 0; base < len(s); {
		from, to := index(s[base:], query)
		if from < 0 {
			return false
		}
		from, to = base+from, base+to
		r, _ := utf8.DecodeLastRuneInString(s[:from])
		next, _ := utf8.DecodeRuneInString(s[to:])
		if !isNameRune(r) && !isNameRune(next) {
			return true
		}
		base = to
	}
	return false
}

func isNameRune(r rune) bool {
	return r != utf8.RuneError && (r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r))
}
