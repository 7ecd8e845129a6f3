package screen

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"parley/chat/client"
	"parley/chat/wire"
)

// fill says n lines.
func (s *screenTest) fillRoom(n int) {
	for i := range n {
		s.say("lobby", "bob", fmt.Sprintf("line %d.", i))
	}
}

// messages are the lines between the rooms and the status.
func (s *screenTest) messages() []string {
	lines := s.view()
	return lines[1 : len(lines)-2]
}

func TestScroll(t *testing.T) {
	s := newScreen(t, 60, 13) // 10 lines of messages
	s.fillRoom(100)
	s.want("line 90.", "line 99.")
	s.keys("pgup")
	s.want("line 82.", "line 91.")
	s.keys("pgup", "pgdown")
	s.want("line 82.", "line 91.")
	s.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	s.want("line 79.", "line 88.")
	s.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	s.want("line 82.", "line 91.")
	s.keys("pgdown")
	if s.m.current.scroll.up {
		t.Errorf("after PgUp and as many PgDn the room is not at its end: %+v", s.m.current.scroll)
	}
	s.keys("ctrl+home")
	s.want("asking for older messages", "Friday 20 November", "line 0.", "line 7.")
	s.keys("ctrl+end")
	s.want("line 90.", "line 99.")
}

// TestAnchored: who reads further up sees the same lines, whatever comes below
// and above.
func TestAnchored(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.fillRoom(100)
	s.keys("pgup", "pgup", "pgup")
	before := s.messages()
	s.fillRoom(7)
	s.events(client.Notice{Text: "hm"})
	if got := s.messages(); !slices.Equal(got, before) {
		t.Errorf("new messages moved what is read:\n%q\nwas\n%q", got, before)
	}
	s.wantStatus("8 new below")

	// Others of the room go when it is full; the lines stay.
	s.fillRoom(s.m.o.Messages - 100)
	if got := s.messages(); !slices.Equal(got, before) {
		t.Errorf("dropped messages moved what is read:\n%q\nwas\n%q", got, before)
	}
	s.keys("esc")
	s.wantNot("new below")
	s.want(fmt.Sprintf("line %d.", s.m.o.Messages-101))
	s.keys("pgup", "'mine", "enter") // who says something looks at the end
	s.want("· ada: mine")
}

// TestAnchoredWhilePending: the lowest line stays while what is pending lands
// around it, and others say something.
func TestAnchoredWhilePending(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.fillRoom(50)
	for i := range 30 {
		s.keys(fmt.Sprintf("'mine %d.", i+1), "enter")
	}
	s.keys("pgup")
	check := func(after string) {
		t.Helper()
		lines := s.messages()
		if got := lines[len(lines)-1]; !strings.HasSuffix(got, "ada: mine 22.") {
			t.Fatalf("the lowest line after %s is %q, want mine 22.", after, got)
		}
	}
	check("PgUp")
	s.events(client.Refused{ID: 25, Text: "no"})
	check("the landing of one below")
	s.say("lobby", "bob", "hm")
	check("a message")
	for i := range 30 {
		if id := uint64(i) + 1; id != 25 {
			s.stored("lobby", id, fmt.Sprintf("mine %d.", id))
			check(fmt.Sprintf("the landing of %d", id))
		}
	}
	s.say("lobby", "bob", "hm")
	check("a message at the end")
}

// TestAnchoredLands: what is read lands itself, before others that are pending.
func TestAnchoredLands(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.fillRoom(50)
	for i := range 30 {
		s.keys(fmt.Sprintf("'mine %d.", i+1), "enter")
	}
	s.keys("pgup")
	s.events(client.Refused{ID: 22, Text: "no"})
	lines := s.messages()
	if got := lines[len(lines)-1]; !strings.HasSuffix(got, "ada: mine 22.  ✗ no") {
		t.Errorf("the lowest line is %q, want mine 22., which was refused", got)
	}
}

// TestOlder asks for what was before, page by page, to the beginning.
func TestOlder(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.seq = 1000
	s.fillRoom(20)
	s.keys("pgup", "pgup")
	if len(s.chat.queries) != 1 || s.chat.queries[0] != (client.Query{Before: 1001, Last: olderPage}) {
		t.Fatalf("at the top the chat was asked for %+v, want one page before 1001", s.chat.queries)
	}
	s.keys("pgup", "ctrl+home")
	if len(s.chat.queries) != 1 {
		t.Errorf("it was asked again before the answer: %+v", s.chat.queries)
	}
	before := s.messages()

	// The answer comes in two pages.
	s.events(client.Page{Tag: "p1", Room: "lobby", Messages: oldMessages(801, 900), More: true, Next: 900})
	if len(s.chat.queries) != 2 || s.chat.queries[1] != (client.Query{After: 900, Before: 1001, Last: olderPage}) {
		t.Fatalf("for the rest of the page the chat was asked for %+v", s.chat.queries)
	}
	s.events(client.Page{Tag: "p2", Room: "lobby", Messages: oldMessages(901, 1000)})
	if got := s.messages(); !slices.Equal(got[2:], before[2:]) {
		t.Errorf("older messages moved what is read:\n%q\nwas\n%q", got, before)
	}
	s.keys("pgup")
	s.want("old 993.", "old 1000.")
	s.events(client.Page{Tag: "p1", Room: "lobby", Messages: oldMessages(1, 3)}) // nobody asked
	s.keys("ctrl+home")
	s.want("asking for older", "old 801.")
	s.events(client.Page{Tag: "p3", Room: "lobby", Messages: oldMessages(700, 702)})
	s.keys("ctrl+home")
	s.want("── beginning of lobby", "old 700.")
	if len(s.chat.queries) != 3 {
		t.Errorf("at the beginning it was asked again: %+v", s.chat.queries)
	}
}

func oldMessages(from, to uint64) []wire.Message {
	var ms []wire.Message
	for seq := from; seq <= to; seq++ {
		ms = append(ms, wire.Message{Room: "lobby", Seq: seq, Time: testStart, Name: "old", Text: fmt.Sprintf("old %d.", seq)})
	}
	return ms
}

func TestHistoryCommand(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.seq = 1000
	s.fillRoom(20)
	s.keys("'/history 30", "enter")
	if got := s.chat.queries[0]; got != (client.Query{Before: 1001, Last: 30}) {
		t.Fatalf("/history 30 asked for %+v", got)
	}
	s.events(client.Page{Tag: "p1", Room: "lobby", Messages: oldMessages(971, 1000)})
	s.want("old 971.")
	s.keys("'/history 2h", "enter")
	if got := s.chat.queries[1]; !got.Since.Equal(s.now.Add(-2*3600e9)) || got.Before != 971 {
		t.Fatalf("/history 2h asked for %+v", got)
	}
	s.events(client.Page{Tag: "p2", Room: "lobby"})
	s.wantStatus("no older messages")
	if s.m.current.older.done {
		t.Error("an empty answer about a time is taken for the beginning of the room")
	}
	// One that is not answered can be asked again.
	s.keys("'/history 30", "enter", "'/history 30", "enter")
	s.events(client.Problem{Verb: wire.VerbPast, Code: "store", Text: "cannot read"})
	s.keys("'/history 30", "enter")
	if len(s.chat.queries) != 4 {
		t.Errorf("%d pages were asked for, want 4", len(s.chat.queries))
	}
}

// TestResize keeps what is read and never leaves lines free that could be filled.
func TestResize(t *testing.T) {
	s := newScreen(t, 100, 30)
	for i := range 60 {
		s.say("lobby", "bob", fmt.Sprintf("line %d. and many more words so that it is wrapped where the screen is narrow", i))
	}
	s.keys("pgup")
	for _, size := range [][2]int{{40, 10}, {20, 40}, {200, 60}, {1, 1}, {3, 2}, {80, 24}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		s.checkFits()
	}
	s.send(tea.WindowSizeMsg{Width: 200, Height: 200})
	s.checkFits()
	s.want("line 0.", "line 59.") // all of it fits now
	if s.m.current.scroll.up {
		t.Errorf("everything is visible and the room is not at its end: %+v", s.m.current.scroll)
	}
}
