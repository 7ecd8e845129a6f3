package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// wheelLines is how far one notch of the mouse wheel scrolls.
const wheelLines = 3

// Update takes what the terminal and the client have to tell.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.update(msg)
	m.fill(m.current)
	return m, cmd
}

func (m *model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case eventsMsg:
		for _, ev := range msg {
			m.event(ev)
		}
	case tickMsg: // View counts down
	case inputEndedMsg:
		if !m.leaving {
			return m.leave()
		}
	case endedMsg:
		return tea.Quit
	case leftMsg:
		if msg.err != nil {
			return tea.Quit
		} // else the events end next
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 1), max(msg.Height, 1)
	case tea.ModeReportMsg:
		m.reported(msg)
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg.Content)
	case tea.MouseWheelMsg:
		m.wheel(msg.Button)
	case tea.MouseClickMsg:
		if msg.Button == tea.MouseLeft {
			m.click(msg.X, msg.Y)
		}
	}
	return nil
}

// reported counts columns as the program's renderer does: by clusters where the
// terminal says that it knows them.
func (m *model) reported(msg tea.ModeReportMsg) {
	if msg.Mode != ansi.ModeUnicodeCore {
		return
	}
	switch msg.Value {
	case ansi.ModeReset, ansi.ModeSet, ansi.ModePermanentlySet:
		m.method = ansi.GraphemeWidth
	}
}

func (m *model) wheel(b tea.MouseButton) {
	switch {
	case b == tea.MouseWheelUp && m.help.open:
		m.help.top -= wheelLines
	case b == tea.MouseWheelDown && m.help.open:
		m.help.top += wheelLines
	case b == tea.MouseWheelUp:
		m.goUp(wheelLines)
	case b == tea.MouseWheelDown:
		m.scrollBy(-wheelLines)
	}
}

// click looks at the room whose name is clicked.
func (m *model) click(x, y int) {
	if y != 0 || m.height < minTabs {
		return
	}
	for _, t := range m.tabs {
		if x >= t.from && x < t.to {
			m.show(t.room)
			return
		}
	}
}

// paste takes what was pasted as if it were typed: each line that is ended is
// sent. The first goes behind what stands in the input; a line that does not is no
// command, whatever it begins with. What is looked for is one line.
func (m *model) paste(s string) tea.Cmd {
	m.flash, m.complete = "", completion{}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(s, "\n")
	if e := m.editing(); m.help.open || e != &m.input || len(lines) == 1 {
		if !m.help.open {
			m.typeText(e, lines[0])
		}
		return nil
	}
	var cmd tea.Cmd
	if m.input.text == "" {
		m.say(lines[0])
	} else if m.typeText(&m.input, lines[0]) {
		cmd = m.submit()
	}
	last := len(lines) - 1
	for _, l := range lines[1:last] {
		m.say(l)
	}
	m.typeText(&m.input, lines[last])
	return cmd
}
