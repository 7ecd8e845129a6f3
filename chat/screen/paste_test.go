package screen

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

func TestPasteLines(t *testing.T) {
	s := newScreen(t, 80, 24)
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "\tline %d\r\n", i)
	}
	s.send(tea.PasteMsg{Content: b.String()})
	var posts []string
	for _, did := range s.chat.did {
		if strings.HasPrefix(did, "post") {
			posts = append(posts, did)
		}
	}
	if len(posts) != 300 || posts[0] != "post 1 lobby say \tline 0" || posts[299] != "post 300 lobby say \tline 299" {
		t.Fatalf("%d lines were posted, want 300: first %q, last %q", len(posts), posts[0], posts[len(posts)-1])
	}
	s.want("· ada:", "line 299")
	s.checkFits()
}

func TestPaste(t *testing.T) {
	for _, c := range []struct {
		typed, paste string
		posts        []string
		left         string
	}{
		{"", "word", nil, "word"},
		{"one ", "two", nil, "one two"},
		{"", "a\nb", []string{"a"}, "b"},
		{"x", "a\nb\n", []string{"xa", "b"}, ""},
		{"", "\n\n\na\n\n", []string{"a"}, ""},
		{"", "/quit\n//x\nq\n", []string{"/quit", "//x", "q"}, ""}, // what is pasted is no command
		{"/me ", "waves\nmore\n", []string{"waves", "more"}, ""},
		{"", "a\rb\r\nc", []string{"a", "b"}, "c"},
		{"", "esc\x1b[2J", nil, "esc␛[2J"},
	} {
		s := newScreen(t, 80, 24)
		s.keys("'" + c.typed)
		s.send(tea.PasteMsg{Content: c.paste})
		var posts []string
		for _, did := range s.chat.did {
			if strings.HasPrefix(did, "post") {
				posts = append(posts, strings.SplitN(did, " ", 5)[4])
			}
		}
		if fmt.Sprint(posts) != fmt.Sprint(c.posts) || s.m.input.text != c.left {
			t.Errorf("paste %q after %q: posted %q and left %q, want %q and %q", c.paste, c.typed, posts, s.m.input.text, c.posts, c.left)
		}
	}
}

func TestPasteTooLong(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.send(tea.PasteMsg{Content: strings.Repeat("x", maxInput+1)})
	s.wantStatus("the line is full")
	s.keys("ctrl+f")
	s.send(tea.PasteMsg{Content: "needle\nmore"})
	if got := s.m.search.input.text; got != "needle" || len(s.chat.did) > 1 {
		t.Errorf("pasted into the search is %q, want the first line only", got)
	}
}
