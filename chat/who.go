package chat

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"parley/chat/text"
	"parley/chat/wire"
)

// mostListed is how many names, or rooms, are listed; how many there are is always
// said.
const mostListed = 1000

// lineMost is how many bytes of names go into a line, so that it fits a datagram.
const lineMost = 1000

// namesIn are the names of who is in a room, at any hub.
func (h *Hub) namesIn(room string) []string {
	h.mu.Lock()
	r := h.rooms[room]
	names := slices.Collect(maps.Values(h.afar.rooms[room]))
	h.mu.Unlock()
	if r != nil {
		r.mu.Lock()
		for _, s := range r.seats {
			names = append(names, s.person.called())
		}
		r.mu.Unlock()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(text.Fold(a), text.Fold(b)), cmp.Compare(a, b)) })
	return names
}

// inLines joins names to lines.
func inLines(names []string, between string) []string {
	var lines []string
	var line strings.Builder
	for _, name := range names {
		if line.Len() > 0 && line.Len()+len(name) > lineMost {
			lines = append(lines, line.String())
			line.Reset()
		}
		if line.Len() > 0 {
			line.WriteString(between)
		}
		line.WriteString(name)
	}
	if line.Len() > 0 {
		lines = append(lines, line.String())
	}
	return lines
}

// who is a client's WHO.
func (p *person) who(m *member, room string) {
	name, err := text.Room(room)
	if err != nil {
		m.send(problem(wire.VerbWho, badRoom(err), "room="+room))
		return
	}
	names := p.hub.namesIn(name)
	for _, line := range inLines(names[:min(len(names), mostListed)], " ") {
		m.send(words(wire.VerbWho, name, line))
	}
	m.send(words(wire.VerbEnd, wire.VerbWho, name, strconv.Itoa(len(names))))
}

func (p *person) plainWho(m *member, room string) {
	if room == "" {
		if len(p.seats) == 0 {
			m.notify("you are in no room, /join one")
			return
		}
		room = p.seats[0].room.name
	}
	name, err := text.Room(room)
	if err != nil {
		m.notify(badRoom(err).text)
		return
	}
	names := p.hub.namesIn(name)
	if len(names) == 0 {
		m.notify("nobody is in " + name)
		return
	}
	m.notify(fmt.Sprintf("%d in %s:", len(names), name))
	for _, line := range inLines(names[:min(len(names), mostListed)], ", ") {
		m.notify(line)
	}
}

// A place is a room as it is listed.
type place struct {
	name  string
	count int
	last  uint64
}

// places are the rooms that there are, the fullest first. An error is that of the
// log, whose rooms are then left out.
func (h *Hub) places() ([]place, error) {
	all := make(map[string]place)
	past, err := h.log.Rooms(h.ctx)
	for name, last := range past {
		all[name] = place{name: name, last: last}
	}
	h.mu.Lock()
	rooms := slices.Collect(maps.Values(h.rooms))
	for name, people := range h.afar.rooms {
		all[name] = place{name, len(people), all[name].last}
	}
	h.mu.Unlock()
	for _, r := range rooms {
		r.mu.Lock()
		all[r.name] = place{r.name, r.countLocked(), max(r.last, all[r.name].last)}
		r.mu.Unlock()
	}
	list := slices.Collect(maps.Values(all))
	slices.SortFunc(list, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
	return list, err
}

// listRooms is a client's ROOMS.
func (p *person) listRooms(m *member) {
	list, err := p.hub.places()
	if err != nil {
		m.send(problem(wire.VerbRooms, unreadable(err)))
	}
	for _, r := range list[:min(len(list), mostListed)] {
		m.send(words(wire.VerbRoom, r.name, strconv.Itoa(r.count), strconv.FormatUint(r.last, 10)))
	}
	m.send(words(wire.VerbEnd, wire.VerbRooms, strconv.Itoa(len(list))))
}

func (p *person) plainRooms(m *member) {
	list, err := p.hub.places()
	if err != nil {
		m.notify(unreadable(err).text)
	}
	for _, r := range list[:min(len(list), mostListed)] {
		m.notify(fmt.Sprintf("%s, %d here", r.name, r.count))
	}
	if len(list) > mostListed {
		m.notify(fmt.Sprintf("and %d more", len(list)-mostListed))
	}
}
