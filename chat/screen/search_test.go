package screen

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"parley/chat/client"
)

func TestSearch(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.fillRoom(100)
	s.say("lobby", "bob", "Needle three")
	s.keys("ctrl+f", "'LINE 5", "enter")
	s.wantStatus(`"line 5" 1 of 11`)
	s.want("> bob: line 59.")
	s.keys("'n")
	s.want("> bob: line 58.")
	s.wantStatus("2 of 11")
	s.keys("up", "'N", "down")
	s.want("> bob: line 59.")
	s.keys("'x") // any other key goes to the input
	s.wantNot("> bob")
	if s.m.input.text != "x" || s.m.search.state != searchOff {
		t.Errorf("after x the input is %q, want x, and no search", s.m.input.text)
	}
	s.keys("ctrl+u", "'/search line 42", "enter")
	s.want("> bob: line 42.")
	if got := s.m.View().Content; !strings.Contains(got, paint("line 42", styleHit)) {
		t.Errorf("the hit is not made visible: %q", got)
	}
	s.keys("esc")
	s.wantNot("> bob")
	s.events(client.Joined{Room: "ops"})
	s.keys("'/search line 42", "enter", "alt+2")
	if s.m.search.state != searchOff {
		t.Error("another room does not end the search")
	}
	s.keys("alt+1", "ctrl+f", "'x", "esc")
	if s.m.search.state != searchOff {
		t.Error("Esc while typing does not leave the search")
	}
}

// TestSearchOlder goes on in older messages until something is found or there
// are no more.
func TestSearchOlder(t *testing.T) {
	s := newScreen(t, 60, 13)
	s.seq = 1000
	s.fillRoom(20)
	s.keys("'/search old 750.", "enter")
	s.wantStatus("looking for")
	s.events(client.Page{Tag: "p1", Room: "lobby", Messages: oldMessages(801, 1000)})
	s.wantStatus("looking for")
	s.events(client.Page{Tag: "p2", Room: "lobby", Messages: oldMessages(701, 800)})
	s.want("> old: old 750.")
	s.keys("'n")
	s.wantStatus(`1 of 1`)
	if len(s.chat.queries) != 2 {
		t.Errorf("%d pages were asked for, want 2: the second was the beginning", len(s.chat.queries))
	}
	s.keys("'/search nothing", "enter")
	s.wantStatus("nothing found")
	s.keys("f1", "esc")
	s.wantStatus(`"nothing" is not here`)
}

func TestIndex(t *testing.T) {
	for _, c := range []struct {
		s, query string
		from, to int
	}{
		{"hello", "ell", 1, 4}, {"HELLO", "ell", 1, 4}, {"hello", "x", -1, -1}, {"", "x", -1, -1}, {"x", "", -1, -1},
		{"größer ÄÖ", "äö", 9, 13}, {"İx", "x", 2, 3}, {"\xff\xffx", "x", 2, 3},
	} {
		from, to := index(c.s, []rune(c.query))
		if from != c.from || to != c.to {
			t.Errorf("index(%q, %q) = %d, %d, want %d, %d", c.s, c.query, from, to, c.from, c.to)
		}
	}
}

// TestHitWithinCluster: a hit never cuts a character in two.
func TestHitWithinCluster(t *testing.T) {
	st := &styled{}
	st.addHits("x👨‍👩‍👧y", "", []rune("👩"))
	if got, want := st.slice(0, len(st.s)), "x"+paint("👨‍👩‍👧", styleHit)+"y"; got != want {
		t.Errorf("hit is %q, want %q", got, want)
	}
	if got := ansi.StringWidth(st.s); got != 4 {
		t.Errorf("it has %d columns, want 4", got)
	}
}
