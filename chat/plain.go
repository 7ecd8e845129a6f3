package chat

import (
	"fmt"
	"strings"
	"time"

	"parley/chat/command"
	"parley/chat/text"
	"parley/chat/wire"
)

// skips reports whether line is a piece of a plain line that is too long, which
// is refused once and skipped to its end: a line feed, or such a pause that
// nobody is still sending it.
func (m *member) skips(line []byte) bool {
	ended := len(line) > 0 && line[len(line)-1] == '\n'
	if !m.skipping.IsZero() {
		begun := time.Since(m.skipping) < skipPause
		m.skipping = time.Now()
		if ended {
			m.skipping = time.Time{}
		}
		if begun {
			return true
		}
	}
	if len(line) < maxPlain || ended || m.conn.KeepsMessages() {
		return false
	}
	m.skipping = time.Now()
	m.plainLine(line[:0:0])
	return true
}

// skipPause is how long a peer is silent that has given up a line in its middle.
const skipPause = 2 * time.Second

// plainLine takes a line of a plain peer, which is the peer's no more. One of no
// bytes at all stands for one that was too long.
func (m *member) plainLine(line []byte) {
	if holdsSecret(line) {
		m.notify("not sent: a client's first line has to come first")
		return
	}
	if !m.proved() && !m.plainProof(line) {
		return
	}
	m.mu.Lock()
	if m.state == over {
		m.mu.Unlock()
		return
	}
	if m.state == fresh {
		m.becomePlain() // which unlocks
		m.mu.Lock()
	}
	p := m.person
	m.mu.Unlock()
	if m.proof != nil && m.proof.kept != "" {
		line, m.proof.kept = []byte(m.proof.kept), ""
	}
	size := len(line)
	cmd, err := command.Parse(cleanLine(line))
	if size == 0 || size > maxPlain {
		cmd, err = command.Command{}, &refusal{wire.CodeTooLong, ""}
	}
	if !p.do(func() { p.heed(m, cmd, err) }, m.hub.slowCommand(cmd.Name), size+lineCost) {
		p.refuse(m, &refusal{wire.CodeFlood, "too much at a time"})
	}
}

// plainProof takes a line of an address that has not proved itself: it is the
// word, or it is asked for the word. It reports whether the peer is to be welcomed,
// with the line that it said first.
func (m *member) plainProof(line []byte) bool {
	said := strings.TrimSpace(cleanLine(line))
	if word, ok := strings.CutPrefix(said, "say "); ok {
		said = word
	}
	if m.prove(said) {
		if m.proof.kept == "" {
			m.proof.kept = "\n"
		}
		return true
	}
	if m.proof.kept == "" && len(line) <= proveKeeps {
		m.proof.kept = string(line)
	}
	m.ask()
	return false
}

// slowCommand reports whether to heed a command may take waiting.
func (h *Hub) slowCommand(name string) bool {
	switch name {
	case command.NameJoin, command.NameHistory, command.NameRooms:
		return true
	case command.NameNick, command.NameMsg:
		return h.Directory != nil
	}
	return false
}

// heed does what a plain peer typed, in its turn. err is why it is nothing.
func (p *person) heed(m *member, cmd command.Command, err error) {
	if p.member.Load() != m || m.leaving.Load() {
		return
	}
	if r, ok := err.(*refusal); ok {
		p.refuse(m, &refusal{r.code, fmt.Sprintf("longer than %d bytes", wire.MaxText)})
		return
	}
	if err != nil {
		m.notify(text.Clean(err.Error()))
		return
	}
	switch cmd.Name {
	case command.NameSay:
		if strings.TrimSpace(cmd.Text) != "" {
			p.say(m, wire.Say, cmd.Text)
		}
	case command.NameMe:
		p.say(m, wire.Me, cmd.Text)
	case command.NameNick:
		p.plainNick(m, cmd.Arg)
	case command.NameJoin:
		p.move(m, cmd.Arg)
	case command.NameRooms:
		p.plainRooms(m)
	case command.NameWho:
		p.plainWho(m, cmd.Arg)
	case command.NameMsg:
		p.plainTell(m, cmd.Arg, cmd.Text)
	case command.NameHistory:
		p.plainHistory(m, cmd)
	case command.NameHelp:
		p.help(m)
	case command.NameQuit:
		m.leave(wire.WhyQuit)
	default:
		m.notify("/" + cmd.Name + " is for parley's own client")
	}
}

func (p *person) plainNick(m *member, want string) {
	old := p.called()
	if p.flooded(m) {
		return
	}
	if err := p.takeName(want); err != nil {
		m.notify(err.Error())
		return
	}
	if p.called() == old {
		m.notify("you are " + old + " already")
		return
	}
	p.renamed(old)
}

// move brings a plain peer into another room.
func (p *person) move(m *member, room string) {
	name, err := text.Room(room)
	if err != nil {
		m.notify(badRoom(err).text)
		return
	}
	if p.seat(name) != nil {
		m.notify("you are in " + name + " already")
		return
	}
	if p.flooded(m) {
		return
	}
	_, err = p.comeInto(m, name, func(count int) {
		for len(p.seats) > 0 {
			p.giveUp(p.seats[0], wire.WhyLeft)
		}
		m.notify(fmt.Sprintf("you are in %s, %d here", name, count))
	})
	if err != nil {
		m.notify(err.Error())
	}
}

func (p *person) plainTell(m *member, to, body string) {
	if p.flooded(m) {
		return
	}
	if r := p.handOver(0, to, body); r != nil {
		p.refuse(m, r)
	}
}

func (p *person) help(m *member) {
	for line := range strings.Lines(command.Help()) {
		m.notify(strings.TrimRight(line, "\n"))
	}
}
