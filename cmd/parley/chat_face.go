package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"parley/chat/client"
	"parley/chat/command"
	"parley/chat/text"
	"parley/chat/wire"
)

// lineFace is the conversation as lines, for a terminal without a screen, a screen
// reader, or a pipe: "15:04 ada: text", and notices that begin with "* ". What is of
// another room than the current one has its name in brackets before it. What a
// person typed stands on the terminal already and is not shown again.
type lineFace struct {
	*chatSession
	echoes  bool   // what is typed stands where messages do
	current string // where lines go to; "" before we are anywhere
	rooms   []string
	going   string // the room of a /join that was not answered
	day     string // of the last message that was shown
	history map[string]history
	told    map[uint64]string // who was told something that was not handed over yet, by its id
}

// history is what /history asked for.
type history struct {
	room string
	left int // messages
}

func newLineFace(s *chatSession) *lineFace {
	echoes := s.terminal && isTerminal(s.env.stdout)
	return &lineFace{chatSession: s, echoes: echoes, history: make(map[string]history), told: make(map[uint64]string)}
}

// write shows one line.
func (f *lineFace) write(room, line string) error {
	if room != "" && room != f.current {
		line = "[" + room + "] " + line
	}
	return writeOutput(f.out, []byte(line+"\n"))
}

func (f *lineFace) notice(room, format string, args ...any) error {
	return f.write(room, "* "+fmt.Sprintf(format, args...))
}

// message shows what was said, and the day when it is another one.
func (f *lineFace) message(m wire.Message) error {
	at := m.Time.Local()
	if err := f.sayDay(at); err != nil {
		return err
	}
	return f.write(m.Room, at.Format("15:04 ")+said(m))
}

// sayDay is a notice where the day is not that of the line before, nor, at first,
// today.
func (f *lineFace) sayDay(at time.Time) error {
	const form = "Monday 2 January 2006"
	day := at.Format(form)
	if f.day == "" {
		f.day = time.Now().Format(form)
	}
	if day == f.day {
		return nil
	}
	f.day = day
	return f.notice("", "%s", day)
}

// said is a message without its time.
func said(m wire.Message) string {
	if m.Kind == wire.Me {
		return "* " + m.Name + " " + m.Text
	}
	return m.Name + ": " + m.Text
}

// event shows an event.
func (f *lineFace) event(event client.Event) error {
	switch e := event.(type) {
	case client.Connected:
		if !e.Resumed {
			return f.notice("", "you are %s", e.Name)
		}
	case client.Message:
		if e.Own && !e.Past && f.echoes {
			return nil // it was typed here, and is seen
		}
		return f.message(e.Message)
	case client.Joined:
		return f.joined(e)
	case client.Parted:
		return f.parted(e.Room)
	case client.Came:
		return f.notice(e.Room, "%s has come", e.Name)
	case client.Left:
		return f.notice(e.Room, "%s has gone (%s)", e.Name, e.Why)
	case client.Renamed:
		if e.Own {
			return f.notice("", "you are %s", e.New)
		}
		return f.notice("", "%s is %s now", e.Old, e.New)
	}
	return f.answer(event)
}

// answer shows an event that answers what was typed, or that is of no room.
func (f *lineFace) answer(event client.Event) error {
	switch e := event.(type) {
	case client.Members:
		return f.notice(e.Room, "%d here: %s", len(e.Names), strings.Join(e.Names, ", "))
	case client.RoomList:
		return f.roomList(e.Rooms)
	case client.Page:
		return f.page(e)
	case client.Told:
		return f.write("", e.Time.Local().Format("15:04 ")+e.Name+" to you: "+e.Text)
	case client.Delivered:
		if to, ok := f.told[e.ID]; ok {
			delete(f.told, e.ID)
			return f.notice("", "%s was told", to)
		}
	case client.Refused:
		delete(f.told, e.ID)
		return f.notice(e.Room, "not posted: %s: %s", e.Text, shortened(e.Posted))
	case client.Missed:
		if e.Count == 0 {
			return f.notice(e.Room, "you missed messages that the server does not have any more")
		}
		return f.notice(e.Room, "you missed %s, /history shows what is kept", count(int64(e.Count), "message"))
	case client.Notice:
		return f.notice("", "%s", e.Text)
	case client.Problem:
		if e.Verb == "JOIN" {
			f.going = ""
		}
		return f.notice("", "%s", e.Text)
	}
	return nil
}

// joined makes the room current that was asked for, or the first that we are in.
func (f *lineFace) joined(e client.Joined) error {
	if slices.Contains(f.rooms, e.Room) {
		return nil // again after a cut
	}
	f.rooms = append(f.rooms, e.Room)
	if f.current == "" || f.going == e.Room {
		f.current, f.going = e.Room, ""
		return f.notice("", "in %s now; %d here", e.Room, e.Count)
	}
	return f.notice("", "in %s too; %d there", e.Room, e.Count)
}

// parted leaves a room, and goes to another that we are in if it was the current
// one.
func (f *lineFace) parted(room string) error {
	f.rooms = slices.DeleteFunc(f.rooms, func(r string) bool { return r == room })
	if room != f.current {
		return f.notice("", "left %s", room)
	}
	if f.current = ""; len(f.rooms) == 0 {
		return f.notice("", "left %s; in no room now, /join goes to one", room)
	}
	f.current = f.rooms[0]
	return f.notice("", "left %s; in %s now", room, f.current)
}

func (f *lineFace) roomList(rooms []client.RoomInfo) error {
	if len(rooms) == 0 {
		return f.notice("", "no rooms")
	}
	var b strings.Builder
	for _, r := range rooms {
		here := ""
		if slices.Contains(f.rooms, r.Name) {
			here = ", you among them"
		}
		fmt.Fprintf(&b, "* %s: %d here%s\n", r.Name, r.Members, here)
	}
	return writeOutput(f.out, []byte(b.String()))
}

// page shows a page of a /history, and asks for what is left of it.
func (f *lineFace) page(e client.Page) error {
	h, ok := f.history[e.Tag]
	if !ok {
		return nil
	}
	delete(f.history, e.Tag)
	for _, m := range e.Messages {
		m.Room = h.room
		if err := f.message(m); err != nil {
			return err
		}
	}
	h.left -= len(e.Messages)
	if e.More && h.left > 0 && len(e.Messages) > 0 {
		f.history[f.client.Past(h.room, client.Query{After: e.Next, Last: h.left})] = h
		return nil
	}
	return f.notice(h.room, "end of the history")
}

// line does what was typed.
func (f *lineFace) line(line typed) error {
	if line.err == errLongLine {
		if !f.terminal {
			f.refuseLine(line.number, errTooLong.Error())
			return nil
		}
		return f.notice("", "not posted: %v", errTooLong)
	}
	c, err := command.Parse(line.text)
	if err != nil {
		f.misheard()
		return f.notice("", "%v", err)
	}
	switch c.Name {
	case command.NameSay:
		if c.Text == "" {
			return nil
		}
		return f.post(wire.Say, c.Text)
	case command.NameMe:
		return f.post(wire.Me, c.Text)
	case command.NameQuit:
		f.leave(quitFlush)
		return nil
	case command.NameHelp:
		return f.help()
	}
	return f.ask(c)
}

// misheard counts a line of a pipe that was not understood.
func (f *lineFace) misheard() {
	if !f.terminal {
		f.refused++
	}
}

func (f *lineFace) post(kind wire.Kind, what string) error {
	if _, err := f.client.Post(f.current, kind, what); err != nil {
		f.misheard()
		return f.notice("", "not posted: %v", err)
	}
	return nil
}

// ask does the commands that the server answers.
func (f *lineFace) ask(c command.Command) error {
	room := f.current
	if c.Arg != "" && c.Name != command.NameNick && c.Name != command.NameMsg {
		var err error
		if room, err = text.Room(c.Arg); err != nil {
			return f.notice("", "%v", err)
		}
	}
	if room == "" && slices.Contains([]string{command.NamePart, command.NameWho, command.NameHistory}, c.Name) {
		return f.notice("", "you are in no room: /join goes to one")
	}
	switch c.Name {
	case command.NameJoin:
		return f.join(room)
	case command.NamePart:
		f.client.Part(room)
	case command.NameWho:
		f.client.Who(room)
	case command.NameRooms:
		f.client.Rooms()
	case command.NameNick:
		return f.nick(c.Arg)
	case command.NameMsg:
		return f.tell(c.Arg, c.Text)
	case command.NameHistory:
		q := client.Query{Last: c.Count}
		if c.Since > 0 {
			q.Since = time.Now().Add(-c.Since)
		}
		f.history[f.client.Past(room, q)] = history{room, c.Count}
	default:
		return f.notice("", "/%s is for the screen", c.Name)
	}
	return nil
}

func (f *lineFace) join(room string) error {
	if slices.Contains(f.rooms, room) {
		f.current = room
		return f.notice("", "in %s now", room)
	}
	f.going = room
	f.client.Join(room)
	return nil
}

func (f *lineFace) nick(name string) error {
	name, err := text.Name(name)
	if err != nil {
		return f.notice("", "%v", err)
	}
	f.client.Nick(name)
	return nil
}

func (f *lineFace) tell(to, what string) error {
	id, err := f.client.Tell(to, what)
	if err != nil {
		return f.notice("", "not told: %v", err)
	}
	f.told[id] = text.Clean(to)
	return nil
}

func (f *lineFace) help() error {
	var b strings.Builder
	for line := range strings.Lines(command.Help()) {
		b.WriteString("* " + line)
	}
	fmt.Fprintf(&b, "* /part [ROOM]      leave a room, by default this one\n")
	_, err := io.WriteString(f.out, b.String())
	return err
}
