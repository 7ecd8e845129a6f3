package jetstream

import (
	"slices"

	"parley/chat"
)

// A table is what a hub knows of the others: which live, what names they have,
// and what of that it has reported. Its methods return what is to be reported.
type table struct {
	hubs    map[string]*peer
	seats   map[string]seat     // names, by key
	authors map[string][]string // keys of seats, by author
	shown   map[string]shown    // what was reported, by author
	mine    func(author string) (seat, bool)
}

// A peer is another hub.
type peer struct {
	rev   uint64 // of its beat
	quiet int    // beats of this hub since
	dead  bool
}

// A seat is a name of a hub, at a revision.
type seat struct {
	presence
	rev uint64
}

// after reports whether s is to be believed rather than o, of the same author:
// what he claimed himself rather than what a hub that came back claimed again, and
// then the later claim.
func (s *seat) after(o *seat) bool {
	if s.Again != o.Again {
		return o.Again
	}
	return s.claimed() > o.claimed()
}

func (s *seat) claimed() uint64 {
	if s.Claim != 0 {
		return s.Claim
	}
	return s.rev
}

// shown is a presence that was reported, and its key.
type shown struct {
	key string
	chat.Presence
}

// news is a call of one of the functions of [chat.Elsewhere].
type news struct {
	chat.Presence
	was    string
	absent bool
	why    string
}

func newTable() table {
	return table{
		hubs: map[string]*peer{}, seats: map[string]seat{},
		authors: map[string][]string{}, shown: map[string]shown{},
		mine: func(string) (seat, bool) { return seat{}, false },
	}
}

func (t *table) live(hub string) bool { p := t.hubs[hub]; return p != nil && !p.dead }
func (t *table) dead(hub string) bool { p := t.hubs[hub]; return p != nil && p.dead }

// set notes that a hub has a name.
func (t *table) set(key string, s seat) []news {
	was := t.drop(key)
	t.seats[key] = s
	t.authors[s.Author] = append(t.authors[s.Author], key)
	if was == s.Author {
		return t.review(nil, was, "left")
	}
	return t.review(t.review(nil, was, "left"), s.Author, "left")
}

// clear notes that no other hub has a name.
func (t *table) clear(key, why string) []news { return t.review(nil, t.drop(key), why) }

// drop takes a seat out of the table and returns its author.
func (t *table) drop(key string) (author string) {
	s, ok := t.seats[key]
	if !ok {
		return ""
	}
	delete(t.seats, key)
	if keys := slices.DeleteFunc(t.authors[s.Author], func(k string) bool { return k == key }); len(keys) == 0 {
		delete(t.authors, s.Author)
	} else {
		t.authors[s.Author] = keys
	}
	return s.Author
}

// beat notes that a hub lives.
func (t *table) beat(hub string, rev uint64) []news {
	p := t.hubs[hub]
	if p != nil && !p.dead {
		p.rev, p.quiet = rev, 0
		return nil
	}
	t.hubs[hub] = &peer{rev: rev}
	return t.reviewHub(hub, "lost")
}

// tick notes a beat of this hub; others that were quiet for so many are lost.
func (t *table) tick(lostAfter int) (n []news) {
	for id, p := range t.hubs {
		p.quiet++
		switch {
		case !p.dead && p.quiet >= lostAfter:
			p.dead = true
			n = append(n, t.reviewHub(id, "lost")...)
		case p.dead && p.rev == 0 && !t.has(id):
			delete(t.hubs, id)
		}
	}
	return n
}

// bye notes that a hub's beat is erased. Names that it still has are a dead hub's.
func (t *table) bye(hub string) []news {
	t.hubs[hub] = &peer{dead: true}
	return t.reviewHub(hub, "left")
}

// has reports whether a hub has names.
func (t *table) has(hub string) bool {
	for _, s := range t.seats {
		if s.Hub == hub {
			return true
		}
	}
	return false
}

func (t *table) reviewHub(hub, why string) (n []news) {
	for _, s := range t.seats {
		if s.Hub == hub {
			n = t.review(n, s.Author, why)
		}
	}
	return n
}

// review appends to n what is to be reported of an author.
func (t *table) review(n []news, author, why string) []news {
	if author == "" {
		return n
	}
	key, best := t.best(author)
	was, known := t.shown[author]
	switch {
	case key == "" && known:
		delete(t.shown, author)
		if _, here := t.mine(author); here {
			why = "moved"
		}
		return append(n, news{Presence: was.Presence, absent: true, why: why})
	case key == "":
		return n
	}
	now := shown{key, best.chat()}
	t.shown[author] = now
	switch {
	case !known:
		return append(n, news{Presence: now.Presence})
	case now.Name != was.Name:
		return append(n, news{Presence: now.Presence, was: was.Name})
	case !slices.Equal(now.Rooms, was.Rooms):
		return append(n, news{Presence: now.Presence})
	}
	return n
}

// best is the seat of an author that is to be believed, if he is not here and
// there is one; else key is empty.
func (t *table) best(author string) (key string, best seat) {
	here, isHere := t.mine(author)
	for _, k := range t.authors[author] {
		s := t.seats[k]
		if !t.live(s.Hub) || isHere && !s.after(&here) {
			continue
		}
		if key == "" || s.after(&best) {
			key, best = k, s
		}
	}
	return key, best
}

// later is a seat of the same author elsewhere that is to be believed rather
// than own.
func (t *table) later(own seat) (seat, bool) {
	for _, k := range t.authors[own.Author] {
		if s := t.seats[k]; t.live(s.Hub) && s.after(&own) {
			return s, true
		}
	}
	return seat{}, false
}

// estates are the names and the beats of hubs that are lost.
func (t *table) estates() map[string]gone {
	keys := map[string]gone{}
	for key, s := range t.seats {
		if t.dead(s.Hub) {
			keys[key] = gone{rev: s.rev, hub: s.Hub, why: "lost"}
		}
	}
	for id, p := range t.hubs {
		if p.dead && p.rev != 0 {
			keys[hubKey(id)] = gone{rev: p.rev, hub: id, why: "lost"}
		}
	}
	return keys
}

// first reports whether a hub's id is the first of those that live.
func (t *table) first(id string) bool {
	for other, p := range t.hubs {
		if !p.dead && other < id {
			return false
		}
	}
	return true
}
