package screen

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley/chat/command"
	"parley/chat/text"
	"parley/chat/wire"
)

// submit takes the line in the input. A line that cannot be done stays there.
func (m *model) submit() tea.Cmd {
	line := m.input.text
	if strings.TrimSpace(line) == "" {
		m.input.set("")
		return nil
	}
	c, err := command.Parse(line)
	if err == nil {
		err = m.check(&c)
	}
	if err != nil {
		m.flash = text.Clean(err.Error())
		return nil
	}
	m.typed.add(line)
	m.input.set("")
	return m.do(c)
}

// check finds what can be known to be wrong without the server, and puts the
// current room where none is said.
func (m *model) check(c *command.Command) (err error) {
	switch c.Name {
	case command.NameJoin:
		c.Arg, err = text.Room(c.Arg)
	case command.NamePart, command.NameWho:
		if c.Arg != "" {
			c.Arg, err = text.Room(c.Arg)
		} else if c.Arg = m.current.name; c.Arg == "" {
			err = errNoRoom
		}
	case command.NameNick:
		c.Arg, err = text.Name(c.Arg)
	case command.NameSay, command.NameMe:
		if m.everIn && m.current.name == "" {
			err = errNoRoom
		}
	}
	return err
}

type inputError string

func (e inputError) Error() string { return string(e) }

const errNoRoom = inputError("you are in no room: /join ROOM")

func (m *model) do(c command.Command) tea.Cmd {
	switch c.Name {
	case command.NameSay:
		m.say(c.Text)
	case command.NameMe:
		m.post(kindMe, wire.Me, c.Text)
	case command.NameMsg:
		m.tell(c.Arg, c.Text)
	case command.NameNick:
		m.chat.Nick(c.Arg)
	case command.NameJoin:
		m.join(c.Arg)
	case command.NamePart:
		m.chat.Part(c.Arg)
	case command.NameRooms:
		m.listing = true
		m.chat.Rooms()
	case command.NameWho:
		m.asked[c.Arg] = true
		m.chat.Who(c.Arg)
	case command.NameHistory:
		since := time.Time{}
		if c.Since > 0 {
			since = m.o.now().Add(-c.Since)
		}
		m.askHistory(m.current, c.Count, since)
	case command.NameSearch:
		m.find(c.Text)
	case command.NameHelp:
		m.help = help{open: true}
	case command.NameQuit:
		return m.leave()
	}
	return nil
}

// say says a line in the current room. An empty one says nothing.
func (m *model) say(s string) {
	if strings.TrimSpace(s) != "" {
		m.post(kindSay, wire.Say, s)
	}
}

func (m *model) post(kind itemKind, as wire.Kind, s string) {
	r := m.current
	it := m.posting(kind, m.name, s)
	id, err := m.chat.Post(r.name, as, s)
	if err != nil {
		it.refuse(err.Error())
		r.append(it)
	} else {
		it.id = id
		r.pending = append(r.pending, it)
		m.posts[id] = post{it, r}
	}
	r.toEnd()
}

func (m *model) tell(name, s string) {
	it := m.posting(kindTelling, text.Clean(name), s)
	id, err := m.chat.Tell(name, s)
	if err != nil {
		it.refuse(err.Error())
	} else {
		it.id = id
		m.posts[id] = post{it, m.current}
	}
	m.current.append(it)
	m.current.toEnd()
}

func (m *model) join(name string) {
	if r := m.room(name); r != nil {
		m.show(r)
		return
	}
	m.wanted = name
	m.chat.Join(name)
}
