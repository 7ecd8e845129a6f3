package screen

import (
	"slices"

	"parley/chat/text"
)

func (m *model) newRoom(name string) *room {
	return &room{name: name, most: m.o.messages()}
}

// room returns the room of a name, nil if we are not in it.
func (m *model) room(name string) *room {
	name = text.Clean(name)
	for _, r := range m.rooms {
		if r.name == name {
			return r
		}
	}
	return nil
}

// enter returns the room of a name, and adds it if need be. The first takes
// the place of the one without a name that stands there before, with what it has.
func (m *model) enter(name string) *room {
	if r := m.room(name); r != nil {
		return r
	}
	name = text.Clean(name)
	if m.rooms[0].name == "" {
		m.rooms[0].name = name
		return m.rooms[0]
	}
	r := m.newRoom(name)
	m.rooms = append(m.rooms, r)
	return r
}

// leaveRoom drops a room. One is always left, without a name if need be.
func (m *model) leaveRoom(r *room) {
	i := slices.Index(m.rooms, r)
	if i < 0 {
		return
	}
	m.rooms = slices.Delete(m.rooms, i, i+1)
	for id, p := range m.posts {
		if p.room == r {
			delete(m.posts, id)
		}
	}
	if len(m.rooms) == 0 {
		m.rooms = append(m.rooms, m.newRoom(""))
	}
	if m.current == r {
		m.current = nil
		m.show(m.rooms[min(i, len(m.rooms)-1)])
	}
}

// show looks at a room.
func (m *model) show(r *room) {
	if m.current == r {
		return
	}
	m.search.stop()
	if m.current != nil {
		m.current.startAt(nil)
	}
	m.current = r
	r.unread, r.called = 0, false
}

// showNth looks at the room of a place in the row, from 0.
func (m *model) showNth(i int) {
	if i >= 0 && i < len(m.rooms) {
		m.show(m.rooms[i])
	}
}

// showNext looks at the room that is step places further, around the ends.
func (m *model) showNext(step int) {
	i := slices.Index(m.rooms, m.current)
	m.showNth((i + step + len(m.rooms)) % len(m.rooms))
}
