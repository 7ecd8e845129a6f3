package screen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley/chat/client"
	"parley/chat/wire"
)

// A fakeChat records what the screen asks of it. Only the screen's goroutine uses
// it, but where that is another than the test's: what quit and unacked need.
type fakeChat struct {
	events  chan client.Event
	did     []string    // "post 1 lobby say hello"
	asked   chan string // gets the same, if it is not nil
	ids     uint64
	tags    int
	queries []client.Query
	unacked atomic.Int64
	refuse  error // of Post and Tell
	quit    atomic.Pointer[func(ctx context.Context) error]
}

func (c *fakeChat) Events() <-chan client.Event { return c.events }

func (c *fakeChat) note(format string, args ...any) {
	c.did = append(c.did, fmt.Sprintf(format, args...))
	if c.asked != nil {
		c.asked <- c.last()
	}
}

func (c *fakeChat) Post(room string, kind wire.Kind, text string) (uint64, error) {
	if c.refuse != nil {
		return 0, c.refuse
	}
	c.ids++
	c.unacked.Add(1)
	c.note("post %d %s %s %s", c.ids, room, kind, text)
	return c.ids, nil
}

func (c *fakeChat) Tell(name, text string) (uint64, error) {
	if c.refuse != nil {
		return 0, c.refuse
	}
	c.ids++
	c.unacked.Add(1)
	c.note("tell %d %s %s", c.ids, name, text)
	return c.ids, nil
}

func (c *fakeChat) Join(room string) { c.note("join %s", room) }
func (c *fakeChat) Part(room string) { c.note("part %s", room) }
func (c *fakeChat) Nick(name string) { c.note("nick %s", name) }
func (c *fakeChat) Who(room string)  { c.note("who %s", room) }
func (c *fakeChat) Rooms()           { c.note("rooms") }

func (c *fakeChat) Past(room string, q client.Query) string {
	c.tags++
	c.queries = append(c.queries, q)
	return fmt.Sprint("p", c.tags)
}

func (c *fakeChat) Unacknowledged() int { return int(c.unacked.Load()) }

func (c *fakeChat) Quit(ctx context.Context) error {
	if quit := c.quit.Load(); quit != nil {
		return (*quit)(ctx)
	}
	return nil
}

// onQuit says what Quit does.
func (c *fakeChat) onQuit(quit func(ctx context.Context) error) { c.quit.Store(&quit) }

// endInOrder has Quit find everything acknowledged and end the events.
func (c *fakeChat) endInOrder() {
	c.onQuit(func(context.Context) error {
		c.unacked.Store(0)
		close(c.events)
		return nil
	})
}

// last is what the screen asked for last.
func (c *fakeChat) last() string {
	if len(c.did) == 0 {
		return ""
	}
	return c.did[len(c.did)-1]
}

// A screenTest is a model without a terminal.
type screenTest struct {
	*testing.T
	m    *model
	chat *fakeChat
	now  time.Time
	cmd  tea.Cmd // of the last key
	seq  uint64
}

var testStart = time.Date(2026, 11, 20, 14, 3, 0, 0, time.UTC)

// newScreen makes a screen of a size that is in the room lobby, as ada.
func newScreen(t testing.TB, width, height int) *screenTest {
	s := bareScreen(t, width, height)
	s.events(client.Connected{Name: "ada", Self: "aaaaaaaaaaaa", Lobby: "lobby", Max: 4096}, client.Joined{Room: "lobby", Count: 1})
	return s
}

func bareScreen(t testing.TB, width, height int) *screenTest {
	s := &screenTest{chat: &fakeChat{}, now: testStart}
	s.T, _ = t.(*testing.T)
	s.m = newModel(s.chat, &Options{
		Where: "tcp://host:9527", Location: time.UTC, Messages: 1000,
		Now: func() time.Time { return s.now },
	})
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

func (s *screenTest) send(msg tea.Msg) { _, s.cmd = s.m.Update(msg) }

func (s *screenTest) events(evs ...client.Event) { s.send(eventsMsg(evs)) }

// say is a message of somebody else in a room.
func (s *screenTest) say(room, name, text string) { s.saidAt(room, name, text, s.now) }

func (s *screenTest) saidAt(room, name, text string, at time.Time) {
	s.seq++
	s.events(client.Message{Message: wire.Message{Room: room, Seq: s.seq, Time: at, Name: name, Author: "bbbbbbbbbbbb", ID: s.seq, Kind: wire.Say, Text: text}})
}

// stored is one of our own messages, as it comes back.
func (s *screenTest) stored(room string, id uint64, text string) {
	s.seq++
	s.events(client.Message{Own: true, Message: wire.Message{Room: room, Seq: s.seq, Time: s.now, Name: "ada", Author: "aaaaaaaaaaaa", ID: id, Kind: wire.Say, Text: text}})
}

// keys presses keys: names as Keystroke has them, or "'" and text to type.
func (s *screenTest) keys(names ...string) {
	for _, name := range names {
		if text, ok := strings.CutPrefix(name, "'"); ok {
			for _, r := range text {
				s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
			}
			continue
		}
		s.send(press(name))
	}
}

var keyCodes = map[string]rune{
	"enter": tea.KeyEnter, "tab": tea.KeyTab, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	"left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd,
	"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "f1": tea.KeyF1, "f2": tea.KeyF2, "space": tea.KeySpace,
}

// press is the key of a name.
func press(name string) tea.KeyPressMsg {
	var k tea.KeyPressMsg
	for _, mod := range []struct {
		name string
		mod  tea.KeyMod
	}{{"ctrl+", tea.ModCtrl}, {"alt+", tea.ModAlt}, {"shift+", tea.ModShift}} {
		if rest, ok := strings.CutPrefix(name, mod.name); ok {
			name, k.Mod = rest, k.Mod|mod.mod
		}
	}
	if code, ok := keyCodes[name]; ok {
		k.Code = code
	} else {
		k.Code = []rune(name)[0]
	}
	return k
}

// view is the screen as text, without the spaces at the ends of lines.
func (s *screenTest) view() []string {
	lines := strings.Split(ansi.Strip(s.m.View().Content), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}

func (s *screenTest) text() string { return strings.Join(s.view(), "\n") }

// status is the status line.
func (s *screenTest) status() string {
	lines := s.view()
	return lines[len(lines)-2]
}

// want checks that lines that have these texts stand in this order.
func (s *screenTest) want(texts ...string) {
	s.Helper()
	lines, at := s.view(), 0
	for _, text := range texts {
		for at < len(lines) && !strings.Contains(lines[at], text) {
			at++
		}
		if at == len(lines) {
			s.Fatalf("the screen has no line with %q, or not after the ones before it:\n%s", text, s.text())
		}
		at++
	}
}

func (s *screenTest) wantNot(text string) {
	s.Helper()
	if strings.Contains(s.text(), text) {
		s.Fatalf("the screen has %q, want not:\n%s", text, s.text())
	}
}

func (s *screenTest) wantStatus(text string) {
	s.Helper()
	if got := s.status(); !strings.Contains(got, text) {
		s.Fatalf("status line is %q, want it to have %q", got, text)
	}
}

func (s *screenTest) wantLast(did string) {
	s.Helper()
	if got := s.chat.last(); got != did {
		s.Fatalf("the chat was asked last for %q, want %q", got, did)
	}
}

// quits reports whether the last key ends the program.
func (s *screenTest) quits() bool {
	if s.cmd == nil {
		return false
	}
	_, quits := s.cmd().(tea.QuitMsg)
	return quits
}

var errTest = errors.New("test error")
