package screen

import (
	"strings"

	"parley/chat/command"
)

// help is the page that stands in the place of the messages.
type help struct {
	open bool
	top  int // its first visible line
}

const keyHelp = `Enter             send
Up, Down          lines typed before
Tab, Shift-Tab    complete a name, a command, a room
PgUp, PgDn        scroll; also the mouse wheel, Shift-Up, Shift-Down
Ctrl-Home         the first message here, and ask for older ones
Ctrl-End, Esc     the last message
Alt-1 ... Alt-9   the room of that number; Ctrl-N next, Ctrl-P previous
Ctrl-F            search; n older hit, N newer, Esc leaves
Ctrl-A, Ctrl-E    start, end of the line; Alt-B, Alt-F a word back, on
Ctrl-W, U, K      delete a word, to the start, to the end; Ctrl-Y brings it back
Ctrl-L            draw again
Ctrl-Z            suspend
F1                this help
F2                leave the mouse to the terminal, to select text
Ctrl-C            leave; again: leave at once
`

const markHelp = `· on its way, ✓ stored, ✗ refused, ! has your name in it
`

// helpLines is what the help says, a line each.
func helpLines() []string {
	return strings.Split("Keys\n"+keyHelp+"\nCommands\n"+command.ScreenHelp()+"\nSigns\n"+strings.TrimSuffix(markHelp, "\n"), "\n")
}

func (m *model) drawHelp(b *strings.Builder, rows int) {
	all := helpLines()
	m.help.top = max(min(m.help.top, len(all)-rows), 0)
	for row := range rows {
		if i := m.help.top + row; i < len(all) {
			s, _ := fit(all[i], m.width, m.method)
			style := stylePlain
			if s == "Keys" || s == "Commands" || s == "Signs" {
				style = styleStrong
			}
			b.WriteString(paint(s, style))
		}
		b.WriteByte('\n')
	}
}

func (m *model) helpKey(name, text string) {
	page := max(m.messageRows()-1, 1)
	switch name {
	case "up", "shift+up":
		m.help.top--
	case "down", "shift+down":
		m.help.top++
	case "pgup":
		m.help.top -= page
	case "pgdown":
		m.help.top += page
	case "home", "ctrl+home":
		m.help.top = 0
	case "end", "ctrl+end":
		m.help.top = len(helpLines())
	default:
		if name == "esc" || isEnter(name) || text == "q" {
			m.help.open = false
		}
	}
}
