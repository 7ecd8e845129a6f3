package screen

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"parley/chat/client"
	"parley/chat/wire"
)

func TestRooms(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.events(client.Joined{Room: "ops"}, client.Joined{Room: "dev"})
	s.want("[1 lobby] 2 ops 3 dev")
	s.say("ops", "bob", "one")
	s.say("ops", "bob", "two")
	s.say("dev", "bob", "hello ada")
	s.events(client.Message{Past: true, Message: wire.Message{Room: "dev", Seq: 90, Text: "old", Name: "x"}})
	s.want("[1 lobby] 2 ops (2) 3 dev (1!)")

	s.keys("alt+2")
	s.want("1 lobby [2 ops] 3 dev (1!)", "── new ──", "bob: one", "bob: two")
	s.keys("ctrl+n")
	s.want("1 lobby 2 ops [3 dev]", "! bob: hello ada")
	s.keys("ctrl+n")
	s.want("[1 lobby] 2 ops 3 dev")
	s.keys("ctrl+p", "ctrl+p")
	s.want("1 lobby [2 ops] 3 dev")
	s.wantNot("── new ──") // seen
	s.send(tea.MouseClickMsg{X: 1, Y: 0, Button: tea.MouseLeft})
	s.want("[1 lobby] 2 ops 3 dev")
	s.keys("'hi", "enter")
	s.wantLast("post 1 lobby say hi")
}

func TestJoinAndPart(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'/join #Ops", "enter")
	s.wantLast("join ops")
	s.events(client.Joined{Room: "ops", Count: 3})
	s.want("1 lobby [2 ops]", "3 persons")
	s.keys("'/join lobby", "enter")
	s.want("[1 lobby] 2 ops")
	s.keys("'/part", "enter")
	s.wantLast("part lobby")
	s.events(client.Parted{Room: "lobby"})
	s.want("[1 ops]")
	s.events(client.Parted{Room: "ops"})
	s.want("[1 no room]")
	s.keys("'hello", "enter")
	s.wantStatus("you are in no room: /join ROOM")
	if s.m.input.text != "hello" {
		t.Errorf("the line that could not be sent is %q in the input, want it kept", s.m.input.text)
	}
	s.keys("ctrl+u", "'/join new", "enter")
	s.events(client.Joined{Room: "new"})
	s.want("[1 new]")
}

// TestTypedEarly: what is said before the first room is joined goes to it.
func TestTypedEarly(t *testing.T) {
	s := bareScreen(t, 80, 24)
	s.want("[1 no room]")
	s.wantStatus("connecting to tcp://host:9527")
	s.keys("'hello", "enter")
	s.wantLast("post 1  say hello")
	s.events(client.Connected{Name: "ada"}, client.Joined{Room: "lobby"})
	s.want("[1 lobby]", "· ada: hello")
	s.stored("lobby", 1, "hello")
	s.want("✓ ada: hello")
}

func TestManyRooms(t *testing.T) {
	s := newScreen(t, 40, 10)
	for _, r := range strings.Fields("alpha beta gamma delta epsilon zeta eta theta iota kappa") {
		s.events(client.Joined{Room: r})
	}
	for i := range len(s.m.rooms) {
		s.m.showNth(i)
		if line := s.view()[0]; !strings.Contains(line, "["+strings.Trim(s.m.tabText(i), "[]")+"]") {
			t.Errorf("the first line %q has not the current room %s", line, s.m.current.name)
		}
	}
}

func TestMembersColumn(t *testing.T) {
	s := newScreen(t, 80, 8)
	s.events(client.Members{Room: "lobby", Names: strings.Fields("zoe ada bob cyd dan eve fay")})
	s.want("7 persons", "ada (you)", "bob", "cyd", "and 4 more")
	s.send(tea.WindowSizeMsg{Width: 69, Height: 8})
	s.wantNot("7 persons")
	s.wantNot("│")
}

func TestMissedAndProblems(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.events(client.Missed{Room: "lobby", Count: 3}, client.Missed{Room: "lobby"}, client.Problem{Verb: "NICK", Code: "name-taken", Text: "bob is taken"})
	s.want("3 messages were missed", "some messages were missed", "not done: bob is taken")
}

func TestBounded(t *testing.T) {
	s := newScreen(t, 80, 24)
	for range 3 * s.m.o.Messages {
		s.say("lobby", "bob", "x")
	}
	if got := len(s.m.current.items); got != s.m.o.Messages {
		t.Errorf("%d messages are kept, want %d", got, s.m.o.Messages)
	}
	s.keys("ctrl+home")
	s.want("older messages are not kept on this screen")
}
