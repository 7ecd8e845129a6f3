package screen

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley/chat/client"
	"parley/chat/wire"
)

// checkFits checks what holds for every screen.
func (s *screenTest) checkFits() {
	v := s.m.View()
	lines := strings.Split(v.Content, "\n")
	if len(lines) != s.m.height {
		s.fatalf("%d lines, want %d", len(lines), s.m.height)
	}
	for i, l := range lines {
		if w := s.m.method.StringWidth(l); w > s.m.width {
			s.fatalf("line %d has %d columns: %q", i, w, l)
		}
	}
	if c := v.Cursor; c != nil && (c.X < 0 || c.X >= s.m.width || c.Y != s.m.height-1) {
		s.fatalf("the cursor is at %d, %d", c.X, c.Y)
	}
	for _, e := range []*editor{&s.m.input, &s.m.search.input} {
		if e.at < 0 || e.at > len(e.text) || border(e.text, e.at) != e.at {
			s.fatalf("the editor's cursor is at %d of %q", e.at, e.text)
		}
	}
	for _, r := range s.m.rooms {
		if len(r.items) > r.most {
			s.fatalf("%d items in %s", len(r.items), r.name)
		}
	}
}

func (s *screenTest) fatalf(format string, args ...any) {
	if s.T == nil {
		panic(format)
	}
	s.Helper()
	s.Logf("at %d x %d:\n%s", s.m.width, s.m.height, s.text())
	s.Fatalf(format, args...)
}

var fuzzKeys = strings.Fields(`enter tab shift+tab esc backspace delete left right up down home end pgup pgdown f1 f2
	ctrl+a ctrl+e ctrl+u ctrl+k ctrl+w ctrl+y ctrl+f ctrl+n ctrl+p ctrl+l ctrl+home ctrl+end alt+b alt+f alt+d alt+1 alt+2 alt+3
	ctrl+left ctrl+right shift+up shift+down alt+backspace ctrl+j ctrl+d`)

var fuzzTexts = []string{
	"", "a", "hello world", "ada", "日本語のテキスト", "👨‍👩‍👧‍👦", strings.Repeat("👩‍", 40) + "👩", "e\u0301\u0301\u0301", "\u0301", "\tx\ty", "\x1b[31m", "\u202e", "🇩🇪🇫🇷",
	strings.Repeat("long ", 60), strings.Repeat("x", 300), "/join ops", "/search a", "/history 5", "/help", "//", "/", "/me x", "/msg bob x", "n", "N", "スはस्ते", "\xff\xfe", "   ", "a\u200db", "ﷺ", "‹U+202E›",
}

// run does what the bytes say: keys, texts, events, sizes.
func (s *screenTest) run(script []byte) {
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return int(b)
	}
	text := func() string { return fuzzTexts[next()%len(fuzzTexts)] }
	rooms := []string{"lobby", "ops", "日本"}
	for len(script) > 0 {
		room := rooms[next()%len(rooms)]
		switch next() % 24 {
		case 0, 1, 2, 3, 4, 5:
			s.send(press(fuzzKeys[next()%len(fuzzKeys)]))
		case 6, 7:
			s.send(tea.KeyPressMsg{Code: tea.KeyExtended, Text: text()})
		case 8:
			s.send(tea.PasteMsg{Content: text() + "\n" + text()})
		case 9:
			s.send(tea.WindowSizeMsg{Width: next(), Height: next() % 70})
		case 10, 11, 12, 13:
			s.saidAt(room, text(), text(), s.now)
		case 14:
			s.now = s.now.Add(time.Duration(next()) * time.Hour)
		case 15:
			s.events(client.Joined{Room: room, Count: next()}, client.Members{Room: room, Names: []string{"ada", text(), text()}})
		case 16:
			s.events(client.Parted{Room: room})
		case 17:
			id := uint64(next() % 32)
			s.events(client.Delivered{ID: id, Seq: s.seq + 1, Room: room})
			if next()%2 == 0 {
				s.stored(room, id, text())
			}
		case 18:
			s.events(client.Refused{ID: uint64(next() % 32), Text: text(), Posted: text()})
		case 19:
			var ms []wire.Message
			for range next() % 20 {
				ms = append(ms, wire.Message{Room: room, Seq: uint64(next()), Time: s.now, Name: text(), Text: text()})
			}
			tag := "p"
			if r := s.m.room(room); r != nil {
				tag = r.older.tag
			}
			s.events(client.Page{Tag: tag, Room: room, Messages: ms, More: next()%2 == 0, Next: uint64(next())})
		case 20:
			s.events(client.Came{Room: room, Name: text()}, client.Left{Room: room, Name: text()}, client.Renamed{Old: text(), New: text(), Own: next()%4 == 0})
		case 21:
			s.events(client.Disconnected{Err: errTest, Again: time.Duration(next()) * time.Second}, client.Connected{Name: text(), Resumed: true})
		case 22:
			s.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp + tea.MouseButton(next()%2)})
			s.send(tea.MouseClickMsg{X: next(), Y: 0, Button: tea.MouseLeft})
		case 23:
			s.send(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset})
		}
		s.checkFits()
	}
}

// FuzzScreen does anything in any order.
func FuzzScreen(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10, 100, 1000} {
		script := make([]byte, n)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script, uint8(80), uint8(24))
		f.Add(script, uint8(3), uint8(3))
	}
	f.Fuzz(func(t *testing.T, script []byte, width, height uint8) {
		script = script[:min(len(script), 400)] // long ones only take long
		s := newScreen(t, int(width), int(height)%64)
		s.m.o.Messages = 100
		s.run(script)
	})
}

// TestSizes draws a full room at every size that is small, and some that are not.
func TestSizes(t *testing.T) {
	s := newScreen(t, 80, 24)
	for _, text := range fuzzTexts {
		s.say("lobby", "bob", text)
		s.say("lobby", text, "hello ada")
		s.keys("'" + text)
		s.keys("enter", "ctrl+u", "esc")
	}
	s.events(client.Refused{ID: 2, Text: "no"}, client.Joined{Room: "日本"}, client.Members{Room: "lobby", Names: fuzzTexts})
	sizes := [][2]int{{200, 60}, {120, 40}, {70, 3}, {69, 60}, {71, 10}, {1, 60}, {200, 1}}
	for w := 1; w <= 24; w++ {
		for h := 1; h <= 8; h++ {
			sizes = append(sizes, [2]int{w, h})
		}
	}
	for _, size := range sizes {
		for _, method := range []ansi.Method{ansi.WcWidth, ansi.GraphemeWidth} {
			s.m.method = method
			s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			s.keys("ctrl+home")
			for range 3 {
				s.checkFits()
				s.keys("pgdown")
			}
			s.keys("f1")
			s.checkFits()
			s.keys("f1", "ctrl+f", "'hello", "enter")
			s.checkFits()
			s.keys("esc")
			s.m.help, s.m.search = help{}, search{}
		}
	}
}
