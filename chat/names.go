package chat

import (
	"errors"

	"parley/chat/text"
	"parley/chat/wire"
)

// A refusal is why something was not done: a word for programs, and for people.
type refusal struct{ code, text string }

func (r *refusal) Error() string { return r.text }

// refusalOf is err as a refusal; the word for one that is none is code.
func refusalOf(err error, code string) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	return &refusal{code, text.Clean(err.Error())}
}

// takeName gives p the name that it wants, in its turn. The error is a refusal,
// and p keeps the name that it had.
func (p *person) takeName(want string) error {
	name, err := text.Name(want)
	if err != nil {
		return &refusal{wire.CodeNameBad, text.Clean(err.Error())}
	}
	return p.take(name, 0)
}

// take takes a name that is in order, or that of a guest.
func (p *person) take(name string, guest int) error {
	h, fold := p.hub, text.Fold(name)
	mine, err := h.reserve(p, fold)
	if err != nil {
		return err
	}
	if h.Directory != nil {
		switch err := h.Directory.Claim(h.ctx, p.presence(name)); {
		case err == nil:
		case guest > 0 && !errors.Is(err, ErrNameTaken): // a guest has to be called something
		default:
			if !mine {
				h.unreserve(p, fold)
			}
			if errors.Is(err, ErrNameTaken) {
				return errTaken(name)
			}
			return &refusal{wire.CodeStore, "the name cannot be taken now: " + text.Clean(err.Error())}
		}
	}
	h.commit(p, name, guest)
	return nil
}

func errTaken(name string) error { return &refusal{wire.CodeNameTaken, name + " is taken"} }

// reserve keeps a name for p, unless somebody has it. mine reports that p had it
// before.
func (h *Hub) reserve(p *person, fold string) (mine bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q := h.names[fold]; q != nil {
		if q == p {
			return true, nil
		}
		return false, errTaken(q.called())
	}
	if q, ok := h.afar.people[fold]; ok && q.Author != p.author {
		return false, errTaken(q.Name)
	}
	h.names[fold] = p
	return false, nil
}

func (h *Hub) unreserve(p *person, fold string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.names, fold)
}

// commit makes a reserved name p's, and gives the one before back. If p was at
// another hub until now, it has left there.
func (h *Hub) commit(p *person, name string, guest int) {
	h.mu.Lock()
	if old := text.Fold(p.called()); p.called() != "" && old != text.Fold(name) {
		delete(h.names, old)
	}
	if p.guest != guest {
		h.guests.free(p.guest)
	}
	p.guest = guest
	p.name.Store(&name)
	before := h.afar.remove(name)
	h.mu.Unlock()
	h.tellMoves(before, Presence{Name: before.Name})
}

// takeGuest gives p the name of a guest, the one of the lowest number that is free.
func (p *person) takeGuest() {
	var tried []int
	for {
		n := p.hub.nextGuest()
		if p.take(text.Guest(n), n) == nil {
			break
		}
		tried = append(tried, n) // taken at another hub
	}
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	for _, n := range tried {
		p.hub.guests.free(n)
	}
}

func (h *Hub) nextGuest() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.guests.take()
}

// guests are the numbers of the guests.
type guests struct {
	used []bool // used[n] is guest n+1
	low  int    // none below is free
}

// take takes the lowest that is free.
func (g *guests) take() int {
	for g.low < len(g.used) && g.used[g.low] {
		g.low++
	}
	if g.low == len(g.used) {
		g.used = append(g.used, false)
	}
	g.used[g.low] = true
	return g.low + 1
}

// free gives n back; 0 is none.
func (g *guests) free(n int) {
	if n > 0 {
		g.used[n-1] = false
		g.low = min(g.low, n-1)
	}
}

// find is who has that name here.
func (h *Hub) find(name string) *person {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.names[text.Fold(name)]
}

// renamed tells who shares a room with p, and m, that p has another name.
func (p *person) renamed(old string) {
	name := p.called()
	told := make(map[*member]bool)
	for _, s := range p.seats {
		s.room.gather(told)
	}
	if m := p.member.Load(); m != nil {
		told[m] = true
	}
	line := words(wire.VerbNamed, old, name)
	plain := notice(old + " is now " + name)
	for m := range told {
		m.send(m.either(line, plain))
	}
	for _, s := range p.seats {
		p.hub.transcribe(s.room.name, old+" is now "+name)
	}
}
