package screen

import (
	"strconv"
	"strings"
	"time"
)

// statusLine says what is the matter: what the last key did, or else where we
// are, whether there is a connection, what is not acknowledged, and who we are.
func (m *model) statusLine() string {
	right := m.whoAndWhen()
	left, lw := fit(" "+m.statusText(), m.width, m.method)
	rw := widthOf(right, m.method)
	if lw+2+rw > m.width {
		return paint(pad(left, lw, m.width), styleBar)
	}
	return paint(pad(left, lw, m.width-rw)+right, styleBar)
}

func (m *model) statusText() string {
	var says []string
	switch {
	case m.flash != "":
		return m.flash
	case m.leaving:
		says = append(says, "leaving; Ctrl-C leaves at once")
	case m.search.state == searchMoving:
		return m.search.says()
	case m.help.open:
		return "help · Up and Down scroll, Esc leaves"
	default:
		says = append(says, m.connection())
	}
	if n := m.chat.Unacknowledged(); n > 0 {
		says = append(says, strconv.Itoa(n)+" not acknowledged")
	}
	if m.delayed != "" {
		says = append(says, "waiting: "+m.delayed)
	}
	if s := &m.current.scroll; s.below > 0 {
		says = append(says, strconv.Itoa(s.below)+" new below")
	}
	if m.current.scroll.up {
		says = append(says, "Esc goes to the end")
	}
	return strings.Join(says, " · ")
}

// connection says whether there is one.
func (m *model) connection() string {
	where := m.o.Where
	if where == "" {
		where = "server"
	}
	switch m.state {
	case connecting:
		return "connecting to " + where
	case connected:
		return where + " · connected"
	}
	s := where + " · reconnecting"
	if left := m.again.Sub(m.o.now()); !m.again.IsZero() && left > 0 {
		s += " in " + strconv.Itoa(int((left+time.Second-1)/time.Second)) + " s"
	}
	return s + ": " + m.cause
}

// whoAndWhen is our name, and which time is shown: "ada · UTC+2 ".
func (m *model) whoAndWhen() string {
	s := offset(m.o.now())
	if m.name != "" {
		s = m.name + " · " + s
	}
	return s + " "
}

// offset returns how far a time's clock is from UTC: "UTC", "UTC+2", "UTC-3:30".
func offset(t time.Time) string {
	_, seconds := t.Zone()
	if seconds == 0 {
		return "UTC"
	}
	s := t.Format("-07:00")
	s = strings.TrimSuffix(s, ":00")
	if s[1] == '0' {
		s = s[:1] + s[2:]
	}
	return "UTC" + s
}
