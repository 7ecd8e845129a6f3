package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// key takes a key: what every state knows first, then what the open one does,
// then the line of text that is edited.
func (m *model) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.Keystroke()
	if msg.Text != "" && !msg.Mod.Contains(tea.ModCtrl) && !msg.Mod.Contains(tea.ModAlt) {
		name = "" // it is text, whatever key it is on
	}
	m.flash = ""
	if cmd, known := m.globalKey(name); known {
		return cmd
	}
	switch {
	case m.help.open:
		m.helpKey(name, msg.Text)
		return nil
	case m.search.state == searchMoving && m.searchKey(name, msg.Text):
		return nil
	case m.scrollKey(name):
		return nil
	}
	if name != "tab" && name != "shift+tab" {
		m.complete = completion{}
	}
	if m.search.state == searchTyping {
		m.typingKey(name, msg.Text)
		return nil
	}
	return m.inputKey(name, msg.Text)
}

// globalKey knows the keys that mean the same everywhere.
func (m *model) globalKey(name string) (tea.Cmd, bool) {
	switch name {
	case "ctrl+c":
		return m.leave(), true
	case "ctrl+z":
		return tea.Suspend, true
	case "ctrl+l":
		return tea.ClearScreen, true
	case "f1":
		m.help = help{open: !m.help.open}
	case "f2":
		m.noMouse = !m.noMouse
		if m.flash = "the mouse scrolls and switches rooms"; m.noMouse {
			m.flash = "the mouse is the terminal's: it selects text"
		}
	case "ctrl+n":
		m.showNext(1)
	case "ctrl+p":
		m.showNext(-1)
	case "ctrl+f":
		m.help.open = false
		m.search = search{state: searchTyping}
	default:
		if n, ok := strings.CutPrefix(name, "alt+"); ok && len(n) == 1 && n >= "1" && n <= "9" {
			m.showNth(int(n[0] - '1'))
			return nil, true
		}
		return nil, false
	}
	return nil, true
}

// scrollKey knows the keys that move through the messages.
func (m *model) scrollKey(name string) bool {
	page := max(m.messageRows()-2, 1)
	switch name {
	case "pgup":
		m.goUp(page)
	case "pgdown":
		m.scrollBy(-page)
	case "shift+up", "alt+up":
		m.goUp(1)
	case "shift+down", "alt+down":
		m.scrollBy(-1)
	case "ctrl+home":
		m.goTop()
	case "ctrl+end":
		m.current.toEnd()
	default:
		return false
	}
	return true
}

// searchKey knows the keys that move among hits. Any other ends the search, and
// goes to the input.
func (m *model) searchKey(name, text string) bool {
	switch {
	case text == "n" || name == "up":
		m.findNext(-1)
	case text == "N" || name == "down":
		m.findNext(1)
	case name == "esc":
		m.search.stop()
	case m.scrollKey(name):
	default:
		m.search.stop()
		return false
	}
	return true
}

// typingKey edits what is looked for.
func (m *model) typingKey(name, text string) {
	switch {
	case text != "":
		m.typeText(&m.search.input, text)
	case name == "esc":
		m.search.stop()
	case isEnter(name):
		if what := m.search.input.text; what != "" {
			m.find(what)
		} else {
			m.search.stop()
		}
	default:
		m.search.input.key(name)
	}
}

// inputKey edits the line that is going to be sent.
func (m *model) inputKey(name, text string) tea.Cmd {
	switch {
	case text != "":
		m.typeText(&m.input, text)
	case isEnter(name):
		return m.submit()
	case name == "tab":
		m.completeNext(1)
	case name == "shift+tab":
		m.completeNext(-1)
	case name == "up":
		m.recall(1)
	case name == "down":
		m.recall(-1)
	case name == "ctrl+d" && m.input.text == "":
		return m.leave()
	case name == "esc":
		m.current.toEnd()
	default:
		m.input.key(name)
	}
	return nil
}

func isEnter(name string) bool {
	return name == "enter" || name == "ctrl+j" || name == "shift+enter" || name == "alt+enter" || name == "ctrl+m"
}

// editing is the line of text that is edited.
func (m *model) editing() *editor {
	if m.search.state == searchTyping {
		return &m.search.input
	}
	return &m.input
}

func (m *model) typeText(e *editor, s string) bool {
	if !e.insert(s) {
		m.flash = "the line is full"
		return false
	}
	return true
}

func (m *model) recall(step int) {
	if line, moved := m.typed.move(step, m.input.text); moved {
		m.input.set(line)
	}
}

// leave leaves the chat: in order at first, at once when it is asked again.
func (m *model) leave() tea.Cmd {
	if m.leaving {
		return tea.Quit
	}
	m.leaving = true
	m.begin()
	return nil
}
