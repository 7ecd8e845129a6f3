package chat

import (
	"slices"

	"parley/chat/text"
	"parley/chat/wire"
)

// afar is who is at other hubs. It is guarded by Hub.mu.
type afar struct {
	people map[string]Presence          // by text.Fold of the name
	rooms  map[string]map[string]string // by room and text.Fold: the name
}

func (a *afar) init() {
	a.people = make(map[string]Presence)
	a.rooms = make(map[string]map[string]string)
}

// set takes p as it is now, and returns what was known of it under the name was.
func (a *afar) set(p Presence, was string) (before Presence) {
	before = a.remove(was)
	fold := text.Fold(p.Name)
	a.people[fold] = p
	for _, room := range p.Rooms {
		if a.rooms[room] == nil {
			a.rooms[room] = make(map[string]string)
		}
		a.rooms[room][fold] = p.Name
	}
	return before
}

// remove forgets who has that name.
func (a *afar) remove(name string) (before Presence) {
	fold := text.Fold(name)
	before = a.people[fold]
	delete(a.people, fold)
	for _, room := range before.Rooms {
		delete(a.rooms[room], fold)
		if len(a.rooms[room]) == 0 {
			delete(a.rooms, room)
		}
	}
	return before
}

func (h *Hub) countAfar(room string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.afar.rooms[room])
}

func (h *Hub) isAfar(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.afar.people[text.Fold(name)]
	return ok
}

// present is told by the directory who is where at another hub.
func (h *Hub) present(p Presence, was string) {
	if !h.vet(&p) {
		return
	}
	if was == "" {
		was = p.Name
	}
	h.mu.Lock()
	before := h.afar.set(p, was)
	moved := h.clients[p.Author]
	bereft := h.names[text.Fold(p.Name)]
	h.mu.Unlock()
	if bereft != nil && bereft.author != p.Author {
		bereft.do(func() { bereft.loseName(p.Name) }, true, 0)
	}
	if moved != nil {
		moved.do(moved.moveAway, true, 0)
	}
	h.tellMoves(before, p)
}

// vet makes what another hub says safe, and reports whether it is somebody.
func (h *Hub) vet(p *Presence) bool {
	if name, err := text.Name(p.Name); err == nil {
		p.Name = name
	} else if !text.IsGuest(p.Name) {
		return false
	}
	var rooms []string
	for _, room := range p.Rooms {
		if name, err := text.Room(room); err == nil && !slices.Contains(rooms, name) {
			rooms = append(rooms, name)
		}
	}
	p.Rooms = rooms
	return true
}

// tellMoves tells the rooms what is different between before and now.
func (h *Hub) tellMoves(before, now Presence) {
	told := make(map[*member]bool)
	for _, room := range before.Rooms {
		if !slices.Contains(now.Rooms, room) {
			h.announce(room, withText(wire.WhyLeft, wire.VerbGone, room, before.Name), notice(before.Name+" left"))
		} else if r := h.room(room); r != nil && before.Name != now.Name {
			r.gather(told)
		}
	}
	for m := range told {
		m.send(m.either(words(wire.VerbNamed, before.Name, now.Name), notice(before.Name+" is now "+now.Name)))
	}
	for _, room := range now.Rooms {
		if !slices.Contains(before.Rooms, room) {
			h.announce(room, words(wire.VerbHere, room, now.Name), notice(now.Name+" joined"))
		}
	}
}

// absent is told by the directory who left another hub.
func (h *Hub) absent(p Presence, why string) {
	why = text.Clean(why)
	h.mu.Lock()
	before := h.afar.remove(p.Name)
	h.mu.Unlock()
	for _, room := range before.Rooms {
		h.announce(room, withText(why, wire.VerbGone, room, before.Name), notice(before.Name+leftBecause(why)))
	}
}

// announce tells a room that has somebody here.
func (h *Hub) announce(room string, line, plain []byte) {
	if r := h.room(room); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.announceLocked(nil, line, plain)
	}
}

func (h *Hub) room(name string) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rooms[name]
}

// moveAway ends somebody who has come back at another hub, where the name now is.
func (p *person) moveAway() {
	if p.gone {
		return
	}
	if m := p.member.Swap(nil); m != nil { // what it still says counts for nothing
		m.sayBye(wire.WhyResumed)
		m.conn.End()
	}
	p.moved = true
	p.leave(wire.WhyLeft)
}

// loseName makes a guest of somebody whose name was given to another person at
// another hub, while this one could not be heard there.
func (p *person) loseName(name string) {
	old := p.called()
	if p.gone || text.Fold(old) != text.Fold(name) {
		return // it only asks for the name, or has another one by now
	}
	p.takeGuest()
	p.renamed(old)
	if m := p.member.Load(); m != nil {
		why := "somebody else was given the name " + old + " while this server was cut off"
		m.send(m.either(withText(why, wire.VerbNote), notice(why)))
	}
}
