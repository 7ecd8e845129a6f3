package screen

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

const (
	joiner      = '\u200d'
	emojiStyle  = '\ufe0f' // variation selector 16
	firstTone   = '\U0001f3fb'
	lastTone    = '\U0001f3ff'
	emojiSigns  = "\u200d\ufe0f"
	tonesPrefix = "\xf0\x9f\x8f" // of firstTone to lastTone in UTF-8, and some others
)

// plainEmoji returns s with emoji as every terminal counts them. Terminals
// that do not say that they count by clusters differ in joined emoji, in skin
// tones and in signs that are made emoji, so there they are drawn one by one and without.
func plainEmoji(s string, m ansi.Method) string {
	if m == ansi.GraphemeWidth || !strings.ContainsAny(s, emojiSigns) && !strings.Contains(s, tonesPrefix) {
		return s
	}
	var b strings.Builder
	for i, r := range s { // which is valid UTF-8: it is clean
		next, _ := utf8.DecodeRuneInString(s[min(i+utf8.RuneLen(r), len(s)):])
		switch {
		case r == joiner && isEmoji(next):
		case r == emojiStyle:
		case r >= firstTone && r <= lastTone && b.Len() > 0:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isEmoji reports whether r may be one; letters, which may be joined too, are
// not.
func isEmoji(r rune) bool { return unicode.Is(unicode.So, r) || r >= firstTone && r <= lastTone }
