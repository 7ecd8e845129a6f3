package screen

import (
	"slices"
	"strconv"
	"strings"
)

// A tab is a room's name in the first line, and its columns.
type tab struct {
	room     *room
	from, to int
}

// tabLine is the row of rooms: "[1 lobby] 2 ops (3) 3 dev (12!)", the current one
// in brackets, with how many messages are unread and "!" if our name is among
// them. Where they have no room, those around the current one are there.
func (m *model) tabLine() string {
	m.tabs = m.tabs[:0]
	now := max(slices.Index(m.rooms, m.current), 0)
	first := now
	total := widthOf(m.tabText(now), m.method)
	for i := now - 1; i >= 0; i-- {
		if total += 1 + widthOf(m.tabText(i), m.method); total > m.width*2/3 {
			break
		}
		first = i
	}
	var b strings.Builder
	column := 0
	for i := first; i < len(m.rooms) && column < m.width; i++ {
		if i > first {
			b.WriteByte(' ')
			column++
		}
		s, w := fit(m.tabText(i), m.width-column, m.method)
		m.tabs = append(m.tabs, tab{m.rooms[i], column, column + w})
		b.WriteString(paint(s, m.tabStyle(m.rooms[i])))
		column += w
	}
	return b.String()
}

func (m *model) tabText(i int) string {
	r := m.rooms[i]
	name := r.name
	if name == "" {
		name = "no room"
	}
	s := strconv.Itoa(i+1) + " " + name
	if r == m.current {
		return "[" + s + "]"
	}
	if r.unread > 0 {
		s += " (" + strconv.Itoa(r.unread)
		if r.called {
			s += "!"
		}
		s += ")"
	}
	return s
}

func (m *model) tabStyle(r *room) string {
	switch {
	case r == m.current || r.called:
		return styleStrong
	case r.unread > 0:
		return stylePlain
	}
	return styleFaint
}
