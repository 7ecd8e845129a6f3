package screen

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley/chat/client"
)

func TestReconnecting(t *testing.T) {
	s := newScreen(t, 100, 24)
	s.wantStatus("tcp://host:9527 · connected")
	s.wantStatus("ada · UTC")
	s.keys("'hello", "enter")
	s.events(client.Disconnected{Err: errTest, Again: 2500 * time.Millisecond})
	s.wantStatus("reconnecting in 3 s: test error · 1 not acknowledged")
	s.want("-- not connected: test error")
	s.now = s.now.Add(time.Second)
	s.send(tickMsg{})
	s.wantStatus("reconnecting in 2 s")
	s.now = s.now.Add(5 * time.Second)
	s.wantStatus("reconnecting: test error")
	s.events(client.Disconnected{Err: errTest, Again: time.Second}) // again, told once
	if n := strings.Count(s.text(), "not connected"); n != 1 {
		t.Errorf("the cut is told %d times, want once", n)
	}
	s.events(client.Connected{Name: "ada", Resumed: true}, client.Joined{Room: "lobby"})
	s.wantStatus("tcp://host:9527 · connected")
	s.want("-- connected again")
}

func TestDelayed(t *testing.T) {
	s := newScreen(t, 100, 24)
	s.keys("'hello", "enter")
	s.events(client.Delayed{ID: 1, Code: "store", Text: "the disk is full", Retry: time.Second})
	s.wantStatus("waiting: the disk is full")
	s.want("· ada: hello")
	s.events(client.Delivered{ID: 1, Seq: 1})
	s.wantNot("the disk is full")
}

func TestLeaving(t *testing.T) {
	for _, keys := range [][]string{{"ctrl+c"}, {"'/quit", "enter"}, {"'q", "enter"}, {"'Q", "enter"}, {"ctrl+d"}} {
		s := newScreen(t, 80, 24)
		began := false
		s.m.begin = func() { began = true }
		s.keys(keys...)
		if !began || s.quits() {
			t.Errorf("%q: leaving began %v, ended at once %v, want true, false", keys, began, s.quits())
		}
		s.wantStatus("leaving")
		if s.send(leftMsg{}); s.quits() {
			t.Error("it ended before the last events")
		}
		if s.send(endedMsg{}); !s.quits() {
			t.Error("it did not end with the events")
		}
		if s.keys("ctrl+c"); !s.quits() {
			t.Errorf("%q: Ctrl-C again does not leave at once", keys)
		}
	}
	s := newScreen(t, 80, 24)
	s.keys("ctrl+c")
	if s.send(leftMsg{errTest}); !s.quits() {
		t.Error("it did not end when leaving in order failed")
	}
}

func TestUnknownCommand(t *testing.T) {
	s := newScreen(t, 140, 24)
	s.keys("'/jion x", "enter")
	s.wantStatus("unknown command /jion; nearest is /join")
	if s.m.input.text != "/jion x" {
		t.Errorf("the input is %q, want what was typed", s.m.input.text)
	}
	s.keys("'y")
	s.wantNot("unknown command")
	s.keys("ctrl+u", "'//slash", "enter")
	s.wantLast("post 1 lobby say /slash")
}

func TestCommands(t *testing.T) {
	s := newScreen(t, 80, 24)
	for _, c := range []struct{ line, did string }{
		{"/nick lovelace", "nick lovelace"}, {"/rooms", "rooms"}, {"/who", "who lobby"}, {"/who ops", "who ops"}, {"/part ops", "part ops"},
	} {
		s.keys("'"+c.line, "enter")
		s.wantLast(c.did)
	}
	s.events(client.RoomList{Rooms: []client.RoomInfo{{Name: "lobby", Members: 2}, {Name: "ops", Members: 1}}})
	s.want("-- rooms, and how many are in them: lobby 2, ops 1")
}

func TestHelp(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("f1")
	s.want("Keys", "Ctrl-Home", "Ctrl-C")
	s.keys("end")
	s.want("/join ROOM", "/quit", "✓ stored")
	s.keys("up", "pgup", "home")
	s.want("Keys")
	s.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	s.wantNot("Keys")
	s.keys("esc")
	s.wantNot("Ctrl-Home")
	s.keys("'/help", "enter")
	s.want("Keys")
	s.keys("'x") // is not typed anywhere
	s.keys("'q")
	if s.m.help.open || s.m.input.text != "" {
		t.Errorf("after q the help is open: %v, and the input %q", s.m.help.open, s.m.input.text)
	}
}

func TestOtherKeys(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("ctrl+l")
	if s.cmd == nil {
		t.Error("Ctrl-L does nothing")
	}
	s.keys("ctrl+z")
	if _, ok := s.cmd().(tea.SuspendMsg); !ok {
		t.Error("Ctrl-Z does not suspend")
	}
	if s.m.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is off")
	}
	if s.keys("f2"); s.m.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is on after F2")
	}
}

func TestNarrowStatus(t *testing.T) {
	s := newScreen(t, 20, 10)
	s.wantStatus("tcp://host:9527")
	s.checkFits()
}
