package text

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// slowClean is the oracle of Clean: rune by rune, from Unicode's own properties.
func slowClean(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			b.WriteRune(utf8.RuneError)
		case r == '\t' || r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Variation_Selector, r):
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('␀' + r)
		case r == 0x7f:
			b.WriteRune('␡')
		case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
			b.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp), isUnassignedInvisible(r):
			fmt.Fprintf(&b, "‹U+%04X›", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isUnassignedInvisible reports whether r has no meaning yet, and will not be
// seen when it has.
func isUnassignedInvisible(r rune) bool {
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.In(r, unicode.L, unicode.M)
}

func TestCleanAllRunes(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		s := "a" + string(r) + "b" // a surrogate becomes U+FFFD here
		if got, want := Clean(s), slowClean(s); got != want {
			t.Errorf("Clean of %U: got %q, want %q", r, got, want)
		}
	}
}

func TestCleanBytes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"tab\there", "tab\there"},
		{"\x1b[2J\x1b]0;x\a", "␛[2J␛]0;x␇"},
		{"a\r\nb\x00\x7f", "a␍␊b␀␡"},
		{"\xff\xc0\xaf\xed\xa0\x80", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"},
		{"cut \xe2\x82", "cut \ufffd\ufffd"},
		{"\ufffd stays", "\ufffd stays"},
		{"\u009b31m", "‹U+009B›31m"},
		{"\u202egnp.exe", "‹U+202E›gnp.exe"},
		{"a\u2028b\u2029c\ufeff", "a‹U+2028›b‹U+2029›c‹U+FEFF›"},
		{"👩\u200d💻 ❤\ufe0f می\u200cخواهم", "👩\u200d💻 ❤\ufe0f می\u200cخواهم"},
		{"🏴\U000e0067\U000e007f", "🏴‹U+E0067›‹U+E007F›"},
		{"\u06dd\u0600 日本語", "\u06dd\u0600 日本語"},
		{"so\u00adft", "so‹U+00AD›ft"},
	} {
		if got := Clean(c.in); got != c.want {
			t.Errorf("Clean(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := string(AppendClean([]byte("> "), []byte(c.in))); got != "> "+c.want {
			t.Errorf("AppendClean(%q) = %q, want %q after > ", c.in, got, c.want)
		}
	}
}

func TestCleanDoesNotAllocate(t *testing.T) {
	s := strings.Repeat("plain, ünïcöde, 日本語 and 👍\t", 50)
	if n := testing.AllocsPerRun(100, func() { Clean(s) }); n != 0 {
		t.Errorf("Clean of a clean text: %v allocations, want 0", n)
	}
	dst, b := make([]byte, 0, 2*len(s)), []byte(s)
	if n := testing.AllocsPerRun(100, func() { AppendClean(dst, b) }); n != 0 {
		t.Errorf("AppendClean of a clean text: %v allocations, want 0", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "a\x1b[2Jb", "\xff\xfe", "\u202e\u2066", "\ufffd\xef\xbf", "\U000e0001x\tz", "é\u200d\u009b\xc2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if want := slowClean(s); got != want {
			t.Fatalf("Clean(%q) = %q, want %q", s, got, want)
		}
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, and Clean of that %q", s, got, again)
		}
		if b := AppendClean(nil, []byte(s)); string(b) != got {
			t.Errorf("AppendClean(%q) = %q, Clean gives %q", s, b, got)
		}
		if len(got) > 6*len(s) {
			t.Errorf("Clean(%q) has %d bytes, more than 6 times %d", s, len(got), len(s))
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
			t.Errorf("Clean(%q) = %q is not safe", s, got)
		}
	})
}

var sink string

func BenchmarkClean(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"ascii", strings.Repeat("what people say, ", 6)},
		{"japanese", strings.Repeat("日本語の文章です。", 6)},
		{"arabic", strings.Repeat("ما يقوله الناس، ", 6)},
		{"dirty", strings.Repeat("\x1b[31mwhat people say\u202e", 4)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				sink = Clean(c.text)
			}
		})
	}
}
