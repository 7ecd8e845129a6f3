package screen

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"parley/chat/client"
	"parley/chat/wire"
)

// benchScreen is a room with n messages.
func benchScreen(b *testing.B, n int) *screenTest {
	s := newScreen(b, 120, 40)
	s.m.o.Messages = 10_000
	s.m.current.most = 10_000
	for i := range n {
		s.say("lobby", fmt.Sprint("name-", i%40), fmt.Sprint(i, strings.Repeat(" some words", i%30)))
	}
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprint("name-", i))
	}
	s.events(client.Members{Room: "lobby", Names: names})
	return s
}

// BenchmarkView draws a full room of which nothing has changed.
func BenchmarkView(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := benchScreen(b, n)
			for b.Loop() {
				s.m.View()
			}
		})
	}
}

// BenchmarkMessage takes a message into a full room and draws it.
func BenchmarkMessage(b *testing.B) {
	s := benchScreen(b, 10_000)
	for b.Loop() {
		s.say("lobby", "bob", "some words that are new")
		s.m.View()
	}
}

// BenchmarkResize draws a full room at another width each time.
func BenchmarkResize(b *testing.B) {
	s := benchScreen(b, 10_000)
	i := 0
	for b.Loop() {
		i++
		s.send(tea.WindowSizeMsg{Width: 110 + 10*(i%2), Height: 40})
		s.m.View()
	}
}

// BenchmarkScroll goes through a full room page by page, and draws each.
func BenchmarkScroll(b *testing.B) {
	s := benchScreen(b, 10_000)
	for b.Loop() {
		s.send(tea.WindowSizeMsg{Width: 110, Height: 40})
		s.send(tea.WindowSizeMsg{Width: 120, Height: 40})
		s.keys("ctrl+end")
		for s.m.current.scroll.at > 2 || !s.m.current.scroll.up {
			s.keys("pgup")
			s.m.View()
			if _, top := s.m.visible(s.m.current); top == 0 {
				break
			}
		}
	}
}

// BenchmarkSearch looks for what is not there in a full room.
func BenchmarkSearch(b *testing.B) {
	s := benchScreen(b, 10_000)
	s.m.current.older.done = true
	for b.Loop() {
		s.m.find("needle")
	}
}

// BenchmarkIngest takes 10,000 messages, 512 at a time.
func BenchmarkIngest(b *testing.B) {
	for b.Loop() {
		s := newScreen(b, 120, 40)
		for range 10_000 / mostEvents {
			var batch eventsMsg
			for range mostEvents {
				s.seq++
				batch = append(batch, client.Message{Message: wire.Message{Room: "lobby", Seq: s.seq, Time: s.now, Name: "bob", Text: "some words that are new"}})
			}
			s.send(batch)
			s.m.View()
		}
	}
}
