package screen

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// From which size on a part of the screen is there.
const (
	minStatus  = 3  // rows: input and messages come first
	minTabs    = 5  // rows
	minMembers = 70 // columns
)

// membersWidth is how wide the column of members is, 0 if there is none.
func (m *model) membersWidth() int {
	if m.width < minMembers {
		return 0
	}
	return min(max(m.width/6, 14), 26)
}

// columns is how wide messages are.
func (m *model) columns() int {
	if w := m.membersWidth(); w > 0 {
		return m.width - w - 3
	}
	return m.width
}

// messageRows is how many lines of messages there are, at least one.
func (m *model) messageRows() int {
	rows := m.height - 1
	if m.height >= minStatus {
		rows--
	}
	if m.height >= minTabs {
		rows--
	}
	return max(rows, 1)
}

// View draws the screen.
func (m *model) View() tea.View {
	var b strings.Builder
	if m.height >= minTabs {
		b.WriteString(m.tabLine())
		b.WriteByte('\n')
	}
	if m.height >= 2 {
		m.drawMessages(&b)
	}
	if m.height >= minStatus {
		b.WriteString(m.statusLine())
		b.WriteByte('\n')
	}
	input, cursor := m.inputLine()
	b.WriteString(input)

	v := tea.NewView(b.String())
	v.AltScreen = true
	if !m.noMouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if !m.help.open {
		v.Cursor = tea.NewCursor(cursor, m.height-1)
	}
	return v
}

// drawMessages writes the lines of the current room, with the members beside
// them, or the help.
func (m *model) drawMessages(b *strings.Builder) {
	rows := m.messageRows()
	if m.help.open {
		m.drawHelp(b, rows)
		return
	}
	lines, _ := m.visible(m.current)
	side := m.membersWidth()
	var members []line
	if side > 0 {
		members = m.memberLines(rows, side)
	}
	for row := range rows {
		var l line
		if i := row - (rows - len(lines)); i >= 0 {
			l = lines[i]
		}
		b.WriteString(l.text)
		if side > 0 {
			b.WriteString(strings.Repeat(" ", m.columns()-l.width))
			b.WriteString(paint(" │ ", styleFaint))
			if row < len(members) {
				b.WriteString(members[row].text)
			}
		}
		b.WriteByte('\n')
	}
}

// memberLines are who is in the current room, by name.
func (m *model) memberLines(rows, width int) []line {
	r := m.current
	add := func(lines []line, s, style string) []line {
		s, w := fit(s, width, m.method)
		return append(lines, line{paint(s, style), w})
	}
	if r.name == "" {
		return nil
	}
	lines := add(nil, persons(max(r.count, len(r.members))), styleStrong)
	for i, who := range r.members {
		if left := len(r.members) - i; len(lines) == rows-1 && left > 1 {
			return add(lines, "and "+strconv.Itoa(left)+" more", styleFaint)
		}
		if who.name == m.name {
			lines = add(lines, who.name+" (you)", styleStrong)
		} else {
			lines = add(lines, who.name, styleOfName(who.name, m.o.NoColor))
		}
	}
	return lines
}

// inputLine is the line that is edited, and the column of the cursor in it.
func (m *model) inputLine() (string, int) {
	prompt := "> "
	e := m.editing()
	if e != &m.input {
		prompt = "search: "
	}
	if m.width < 2*len(prompt) {
		prompt = ""
	}
	part, cursor := e.window(m.width-len(prompt), m.method)
	return paint(prompt, styleStrong) + part, len(prompt) + cursor
}
