package screen

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"parley/chat/text"
)

// maxInput is how many bytes the input line holds. The server takes less; who
// pastes more sees why it is refused.
const maxInput = 32 << 10

// An editor is one line of text with a cursor that stands between characters as
// people count them, grapheme clusters. Its zero value is empty.
type editor struct {
	text   string // clean; no line ends
	at     int    // the cursor, in bytes, at a cluster's border
	from   int    // first byte that is visible; window keeps it
	killed string // what Ctrl-W, U, K took, for Ctrl-Y
}

// set replaces the text and puts the cursor at its end.
func (e *editor) set(s string) { e.text, e.at, e.from = s, len(s), 0 }

// insert puts s, made clean, at the cursor. It reports whether there was room.
func (e *editor) insert(s string) bool {
	s = text.Clean(s)
	if len(e.text)+len(s) > maxInput {
		return false
	}
	e.text = e.text[:e.at] + s + e.text[e.at:]
	e.at = border(e.text, e.at+len(s))
	return true
}

// replace puts s in the place of the bytes from, to and the cursor behind it.
func (e *editor) replace(from, to int, s string) {
	e.text = e.text[:from] + s + e.text[to:]
	e.at = border(e.text, from+len(s))
}

// cut takes the bytes from, to away, and keeps them for yank if keep is set.
func (e *editor) cut(from, to int, keep bool) {
	if from >= to {
		return
	}
	if keep {
		e.killed = e.text[from:to]
	}
	e.replace(from, to, "")
}

// key does what a key means for a line of text; it reports whether it knew it.
func (e *editor) key(name string) bool {
	switch name {
	case "left", "ctrl+b":
		e.at = before(e.text, e.at)
	case "right":
		e.at = after(e.text, e.at)
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "alt+b", "ctrl+left", "alt+left":
		e.at = wordBefore(e.text, e.at)
	case "alt+f", "ctrl+right", "alt+right":
		e.at = wordAfter(e.text, e.at)
	case "backspace", "ctrl+h", "shift+backspace":
		e.cut(before(e.text, e.at), e.at, false)
	case "delete", "ctrl+d":
		e.cut(e.at, after(e.text, e.at), false)
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		e.cut(wordBefore(e.text, e.at), e.at, true)
	case "alt+d", "ctrl+delete":
		e.cut(e.at, wordAfter(e.text, e.at), true)
	case "ctrl+u":
		e.cut(0, e.at, true)
	case "ctrl+k":
		e.cut(e.at, len(e.text), true)
	case "ctrl+y":
		e.insert(e.killed)
	default:
		return false
	}
	return true
}

// window returns the part of the text that fits into width columns, and the
// column of the cursor in it, which is less than width.
func (e *editor) window(width int, m ansi.Method) (part string, cursor int) {
	if width < 1 {
		return "", 0
	}
	e.from = min(border(e.text, min(e.from, len(e.text))), e.at)
	var widths []int // of the clusters from e.from to the cursor
	total := 0
	for i := e.from; i < e.at; {
		c, _, w := drawn(e.text[i:], m)
		i += len(c)
		widths = append(widths, w)
		total += w
	}
	for _, w := range widths {
		if total < width {
			break
		}
		c, _ := cluster(e.text[e.from:], m)
		e.from += len(c)
		total -= w
	}
	var b strings.Builder
	column := 0
	for i := e.from; i < len(e.text); {
		c, look, w := drawn(e.text[i:], m)
		if column+w > width {
			break
		}
		i += len(c)
		column += w
		b.WriteString(look)
	}
	return b.String(), total
}

// drawn is cluster, and how that is drawn in a line that is edited.
func drawn(s string, m ansi.Method) (c, look string, width int) {
	c, width = cluster(s, m)
	if c == "\t" {
		return c, "⇥", 1
	}
	if look = plainEmoji(c, m); look != c {
		width = widthOf(look, m)
	}
	return c, look, width
}

// cluster returns the first character of s, as people count them, and its width
// in columns; a tab has one.
func cluster(s string, m ansi.Method) (string, int) {
	if c := s[0]; c < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return s[:1], 1 // also of a control character, which no clean text has
	}
	c, w := ansi.FirstGraphemeCluster(s, m)
	if c == "" { // cannot be; a loop over clusters must end all the same
		return s[:1], 1
	}
	return c, w
}

// border returns the first border of clusters at i or later.
func border(s string, i int) int {
	for at := 0; at < len(s); {
		if at >= i {
			return at
		}
		c, _ := cluster(s[at:], ansi.WcWidth)
		at += len(c)
	}
	return len(s)
}

// before returns where the cluster begins that ends at i.
func before(s string, i int) int {
	last := 0
	for at := 0; at < i; {
		last = at
		c, _ := cluster(s[at:], ansi.WcWidth)
		at += len(c)
	}
	return last
}

// after returns where the cluster ends that begins at i.
func after(s string, i int) int {
	if i >= len(s) {
		return len(s)
	}
	c, _ := cluster(s[i:], ansi.WcWidth)
	return i + len(c)
}

// wordBefore returns where the word begins that is before i.
func wordBefore(s string, i int) int {
	seen := false
	for i > 0 {
		at := before(s, i)
		if inWord(s[at:]) {
			seen = true
		} else if seen {
			break
		}
		i = at
	}
	return i
}

// wordAfter returns where the word ends that is after i.
func wordAfter(s string, i int) int {
	seen := false
	for i < len(s) {
		if inWord(s[i:]) {
			seen = true
		} else if seen {
			break
		}
		i = after(s, i)
	}
	return i
}

// inWord reports whether s begins with a character of a word.
func inWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
