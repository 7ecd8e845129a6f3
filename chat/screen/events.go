package screen

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/chat/client"
	"parley/chat/text"
	"parley/chat/wire"
)

// event takes what the client tells.
func (m *model) event(ev client.Event) {
	switch ev := ev.(type) {
	case client.Connected:
		m.connected(ev)
	case client.Disconnected:
		m.disconnected(ev)
	case client.Message:
		m.message(ev)
	case client.Delivered:
		m.delivered(ev)
	case client.Refused:
		m.refused(ev)
	case client.Delayed:
		m.delayed = text.Clean(ev.Text)
		if m.delayed == "" {
			m.delayed = text.Clean(ev.Code)
		}
	case client.Page:
		m.page(ev)
	case client.Told:
		m.current.append(&item{kind: kindTold, at: ev.Time.In(m.o.location()), name: text.Clean(ev.Name), text: text.Clean(ev.Text)})
	case client.Notice:
		m.current.append(m.notice(ev.Text))
	case client.Problem:
		m.problem(ev)
	default:
		m.presence(ev)
	}
}

// presence takes what is about rooms and who is in them.
func (m *model) presence(ev client.Event) {
	switch ev := ev.(type) {
	case client.Joined:
		m.joined(ev)
	case client.Parted:
		if r := m.room(ev.Room); r != nil {
			m.leaveRoom(r)
		}
	case client.Came:
		if r := m.room(ev.Room); r != nil && r.came(ev.Name) && ev.Name != m.name {
			m.announce(r, ev.Name, "")
		}
	case client.Left:
		if r := m.room(ev.Room); r != nil && r.left(ev.Name) && ev.Name != m.name {
			m.announce(r, "", ev.Name)
		}
	case client.Renamed:
		m.renamed(ev)
	case client.Members:
		m.members(ev)
	case client.RoomList:
		m.roomList(ev)
	case client.Missed:
		m.missed(ev)
	}
}

func (m *model) connected(ev client.Connected) {
	if m.state == disconnected {
		m.current.append(m.notice("connected again"))
	}
	m.state, m.cause, m.delayed = connected, "", ""
	m.name, m.self = text.Clean(ev.Name), ev.Self
	for _, p := range m.posts {
		if p.kind != kindTelling {
			p.name = m.name
		}
	}
}

func (m *model) disconnected(ev client.Disconnected) {
	cause := "the connection is gone"
	if ev.Err != nil {
		cause = text.Clean(ev.Err.Error())
	}
	if m.state == connected && !m.leaving {
		m.current.append(m.notice("not connected: " + cause))
	}
	m.state, m.cause, m.delayed = disconnected, cause, ""
	m.again = time.Time{}
	if ev.Again > 0 {
		m.again = m.o.now().Add(ev.Again)
	}
}

// message takes a message of a room.
func (m *model) message(ev client.Message) {
	r := m.enter(ev.Room)
	r.settle(ev.Seq)
	it := m.received(&ev.Message, ev.Own)
	if p, ok := m.posts[ev.ID]; ok && ev.Own && p.kind != kindTelling {
		delete(m.posts, ev.ID)
		p.become(it)
		p.room.moveTo(r, p.item)
		return
	}
	r.append(it)
	if r != m.current && !ev.Own && !ev.Past {
		r.saw(it)
	}
}

func (m *model) delivered(ev client.Delivered) {
	m.delayed = ""
	p, ok := m.posts[ev.ID]
	if !ok {
		return
	}
	p.mark, p.seq = markSent, ev.Seq
	if p.kind == kindTelling {
		delete(m.posts, ev.ID)
	}
}

// refused marks what will not be stored; from now on it stays where it is.
func (m *model) refused(ev client.Refused) {
	m.delayed = ""
	p, ok := m.posts[ev.ID]
	if !ok {
		m.current.append(m.notice("refused: " + refusal(ev) + ": " + ev.Posted))
		return
	}
	delete(m.posts, ev.ID)
	p.refuse(refusal(ev))
	p.room.land(p.item)
}

func (m *model) joined(ev client.Joined) {
	r := m.enter(ev.Room)
	r.count = ev.Count
	if m.wanted == r.name {
		m.show(r)
		m.wanted = ""
	}
	m.everIn = true
	m.chat.Who(ev.Room)
}

func (m *model) renamed(ev client.Renamed) {
	was, is := text.Clean(ev.Old), text.Clean(ev.New)
	if ev.Own {
		m.name = is
		m.current.append(m.notice("you are called " + is + " now"))
	}
	for _, r := range m.rooms {
		i, here := r.find(newMember(was))
		if !here {
			continue
		}
		r.members = append(r.members[:i], r.members[i+1:]...)
		r.count--
		r.came(is)
		if !ev.Own {
			r.append(m.notice(was + " is called " + is + " now"))
		}
	}
}

// members takes who is in a room; it is shown if /who asked for it.
func (m *model) members(ev client.Members) {
	if r := m.room(ev.Room); r != nil {
		r.setMembers(ev.Names)
	}
	if !m.asked[ev.Room] {
		return
	}
	delete(m.asked, ev.Room)
	m.current.append(m.notice(fmt.Sprintf("%s: %s: %s", ev.Room, persons(len(ev.Names)), strings.Join(ev.Names, ", "))))
}

func persons(n int) string {
	if n == 1 {
		return "1 person"
	}
	return strconv.Itoa(n) + " persons"
}

func (m *model) roomList(ev client.RoomList) {
	m.listed = m.listed[:0]
	var says []string
	for _, r := range ev.Rooms {
		m.listed = append(m.listed, text.Clean(r.Name))
		says = append(says, r.Name+" "+strconv.Itoa(r.Members))
	}
	if m.listing {
		m.listing = false
		m.current.append(m.notice("rooms, and how many are in them: " + strings.Join(says, ", ")))
	}
}

func (m *model) missed(ev client.Missed) {
	r := m.room(ev.Room)
	if r == nil {
		return
	}
	what := "some messages were"
	switch {
	case ev.Count == 1:
		what = "1 message was"
	case ev.Count > 1:
		what = strconv.Itoa(ev.Count) + " messages were"
	}
	r.append(m.notice(what + " missed here, and the server has no more of it"))
}

// problem tells what was not done.
func (m *model) problem(ev client.Problem) {
	what := ev.Text
	if what == "" {
		what = ev.Code
	}
	switch ev.Verb {
	case wire.VerbPast:
		m.notAnswered()
	case wire.VerbJoin:
		m.wanted = ""
	}
	m.current.append(m.notice("not done: " + what))
}
