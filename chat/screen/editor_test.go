package screen

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// TestEditorKeys presses keys in an editor; "|" is the cursor.
func TestEditorKeys(t *testing.T) {
	for _, c := range []struct {
		from string
		keys []string
		want string
	}{
		{"abc|", []string{"left"}, "ab|c"},
		{"|abc", []string{"left"}, "|abc"},
		{"abc|", []string{"right"}, "abc|"},
		{"a|bc", []string{"home"}, "|abc"},
		{"a|bc", []string{"ctrl+e"}, "abc|"},
		{"abc|", []string{"ctrl+a", "right"}, "a|bc"},
		{"abc|", []string{"backspace"}, "ab|"},
		{"|abc", []string{"backspace"}, "|abc"},
		{"a|bc", []string{"delete"}, "a|c"},
		{"abc|", []string{"delete"}, "abc|"},
		{"one two|", []string{"alt+b"}, "one |two"},
		{"one two  |", []string{"ctrl+left"}, "one |two  "},
		{"one, two|", []string{"alt+b", "alt+b"}, "|one, two"},
		{"|one two", []string{"alt+f"}, "one| two"},
		{"one| two", []string{"ctrl+right"}, "one two|"},
		{"one two|", []string{"ctrl+w"}, "one |"},
		{"one two  |", []string{"ctrl+w"}, "one |"},
		{"one two|", []string{"ctrl+w", "ctrl+a", "ctrl+y"}, "two|one "},
		{"one| two", []string{"ctrl+k"}, "one|"},
		{"one| two", []string{"ctrl+u"}, "| two"},
		{"one| two", []string{"ctrl+u", "ctrl+e", "ctrl+y"}, " twoone|"},
		{"|one two", []string{"alt+d"}, "| two"},
		// One character as people count them is one step.
		{"日本語|", []string{"left"}, "日本|語"},
		{"日本語|", []string{"backspace"}, "日本|"},
		{"e\u0301|", []string{"backspace"}, "|"},
		{"e\u0301|", []string{"left"}, "|e\u0301"},
		{"👨‍👩‍👧|", []string{"backspace"}, "|"},
		{"a👨‍👩‍👧b|", []string{"left", "left"}, "a|👨‍👩‍👧b"},
		{"🇩🇪🇫🇷|", []string{"backspace"}, "🇩🇪|"},
	} {
		e := editorAt(c.from)
		for _, k := range c.keys {
			if !e.key(k) {
				t.Errorf("key %s is not known", k)
			}
		}
		if got := e.text[:e.at] + "|" + e.text[e.at:]; got != c.want {
			t.Errorf("%q after %q: got %q, want %q", c.from, c.keys, got, c.want)
		}
	}
}

func editorAt(s string) *editor {
	for i := range s {
		if s[i] == '|' {
			return &editor{text: s[:i] + s[i+1:], at: i}
		}
	}
	panic("no cursor in " + s)
}

func TestEditorInsert(t *testing.T) {
	e := editorAt("e|x")
	e.insert("\u0301") // a mark joins what is before it
	if e.key("backspace"); e.text != "x" {
		t.Errorf("backspace behind a mark that was typed later: %q is left, want x", e.text)
	}
	e = editorAt("|\u0301x")
	if e.insert("e"); e.at != 3 {
		t.Errorf("the cursor is at byte %d within what was typed before a mark, want it behind, at 3", e.at)
	}
	e = editorAt("|")
	e.insert("a\x1b[31mb\u202ec")
	if want := "a␛[31mb‹U+202E›c"; e.text != want {
		t.Errorf("inserted escapes are %q, want %q", e.text, want)
	}
	if e.insert(string(make([]byte, maxInput))) {
		t.Errorf("insert of %d bytes more: true, want false", maxInput)
	}
}

func TestEditorWindow(t *testing.T) {
	for _, c := range []struct {
		text   string
		width  int
		want   string
		cursor int
	}{
		{"abc|", 10, "abc", 3},
		{"abcdefghij|", 5, "ghij", 4},
		{"abcdefghij|", 1, "", 0},
		{"|abcdefghij", 5, "abcde", 0},
		{"日本語|", 5, "本語", 4},
		{"日本語|", 4, "語", 2},
		{"a\tb|", 5, "a⇥b", 3},
		{"|", 0, "", 0},
	} {
		e := editorAt(c.text)
		got, cursor := e.window(c.width, ansi.WcWidth)
		if got != c.want || cursor != c.cursor {
			t.Errorf("window(%d) of %q: %q, cursor %d, want %q, %d", c.width, c.text, got, cursor, c.want, c.cursor)
		}
	}
	e := editorAt("abcdefghij|")
	e.window(5, ansi.WcWidth)
	e.key("home")
	if got, cursor := e.window(5, ansi.WcWidth); got != "abcde" || cursor != 0 {
		t.Errorf("window after home: %q, cursor %d, want abcde, 0", got, cursor)
	}
}

func TestInputHistory(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'one", "enter", "'two", "enter", "'two", "enter", "'draft")
	for _, c := range []struct{ key, want string }{
		{"up", "two"}, {"up", "one"}, {"up", "one"}, {"down", "two"}, {"down", "draft"}, {"down", "draft"},
	} {
		if s.keys(c.key); s.m.input.text != c.want {
			t.Errorf("after %s the input is %q, want %q", c.key, s.m.input.text, c.want)
		}
	}
}
