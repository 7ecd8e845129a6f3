package screen

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"parley/chat/text"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"hello", 10, []string{"hello"}},
		{"hello world", 11, []string{"hello world"}},
		{"hello world", 10, []string{"hello", "world"}},
		{"hello world", 5, []string{"hello", "world"}},
		{"hello   world", 6, []string{"hello", "world"}},
		{"hello world", 3, []string{"hel", "lo", "wor", "ld"}},
		{"a bcdefgh", 4, []string{"a", "bcde", "fgh"}},
		{"  indented", 20, []string{"  indented"}},
		{"    x", 3, []string{"   ", "x"}},
		{"trailing   ", 8, []string{"trailing"}},
		{"     ", 3, []string{"   "}},
		{"日本語テキスト", 6, []string{"日本語", "テキス", "ト"}},
		{"日本語テキスト", 5, []string{"日本", "語テ", "キス", "ト"}},
		{"ok 日本語", 5, []string{"ok 日", "本語"}},
		{"ab日cd", 3, []string{"ab", "日", "cd"}},
		{"one two three", 1, []string{"o", "n", "e", "t", "w", "o", "t", "h", "r", "e", "e"}},
	} {
		var got []string
		for _, p := range wrap(c.s, c.width, ansi.WcWidth) {
			got = append(got, c.s[p.from:p.to])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

// FuzzWrap checks that no line is too wide, that widths are right, and that
// nothing but spaces is lost.
func FuzzWrap(f *testing.F) {
	for _, s := range []string{"", "hello world", "   a", "日本 語", "a\tb", "👨‍👩‍👧‍👦👨‍👩‍👧 x", "e\u0301\u0301 \u0301", "🇩🇪🇫🇷 a  b   "} {
		f.Add(s, uint8(5), true)
		f.Add(s, uint8(1), false)
	}
	f.Fuzz(func(t *testing.T, s string, width uint8, graphemes bool) {
		w, m := int(width)+1, ansi.WcWidth
		if graphemes {
			m = ansi.GraphemeWidth
		}
		s = narrow(text.Clean(s), w, m)
		lines := wrap(s, w, m)
		at := 0
		for _, p := range lines {
			if strings.Trim(s[at:p.from], " ") != "" {
				t.Fatalf("wrap(%q, %d) leaves out %q", s, w, s[at:p.from])
			}
			if got := widthOf(s[p.from:p.to], m); got != p.width || got > w {
				t.Fatalf("wrap(%q, %d): the line %q has %d columns, said %d", s, w, s[p.from:p.to], got, p.width)
			}
			at = p.to
		}
		if strings.Trim(s[at:], " ") != "" {
			t.Fatalf("wrap(%q, %d) leaves out the end %q", s, w, s[at:])
		}
	})
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"hello", 5, "hello"}, {"hello", 4, "hel…"}, {"hello", 1, "…"}, {"hello", 0, ""}, {"", 0, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"日本語", 1, "…"},
	} {
		got, w := fit(c.s, c.width, ansi.WcWidth)
		if got != c.want || w != widthOf(got, ansi.WcWidth) {
			t.Errorf("fit(%q, %d) = %q, %d, want %q", c.s, c.width, got, w, c.want)
		}
	}
}

// TestPlainEmoji: where a terminal has not said how it counts, nothing is drawn
// that terminals count differently.
func TestPlainEmoji(t *testing.T) {
	for _, c := range []struct{ s, want string }{
		{"hello", "hello"}, {"👨\u200d👩\u200d👧\u200d👦!", "👨👩👧👦!"}, {"👍🏽", "👍"}, {"❤\ufe0f", "❤"}, {"👩🏽\u200d⚕\ufe0f", "👩⚕"}, {"🏠", "🏠"}, {"🏽", "🏽"},
		{"क्\u200dष", "क्\u200dष"}, {"می\u200cخواهم", "می\u200cخواهم"},
	} {
		if got := plainEmoji(c.s, ansi.WcWidth); got != c.want {
			t.Errorf("plainEmoji(%q) = %q, want %q", c.s, got, c.want)
		}
		if got := plainEmoji(c.s, ansi.GraphemeWidth); got != c.s {
			t.Errorf("where clusters count plainEmoji(%q) = %q, want it unchanged", c.s, got)
		}
	}
}
