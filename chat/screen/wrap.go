package screen

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// A part is a line's share of a text, in bytes, and its width in columns.
type part struct{ from, to, width int }

// wrap cuts s into lines of at most width columns: at spaces, which are left out
// there, and beside wide characters, whose scripts have no spaces; a word that is
// longer than a line is cut between clusters. There is at least one line. s has
// no cluster wider than width: see narrow.
func wrap(s string, width int, m ansi.Method) []part {
	w := wrapper{width: width}
	for i := 0; i < len(s); {
		c, columns := cluster(s[i:], m)
		if c == " " {
			w.space(i)
			i++
			continue
		}
		if (columns > 1 || w.wide) && !w.spaced {
			w.mayBreak(i)
		}
		for w.at+columns > width && i > w.from {
			w.end(i)
		}
		i += len(c)
		w.at += columns
		w.wide, w.spaced = columns > 1, false
	}
	if w.spaced && w.at > width {
		w.end(len(s))
		if w.from == len(s) {
			return w.lines
		}
	}
	return append(w.lines, part{w.from, len(s), w.at})
}

// A wrapper has the line that is being filled, and the last place where it may
// end.
type wrapper struct {
	width    int
	lines    []part
	from, at int // the line's first byte, and its columns so far

	may          bool // there is such a place:
	stop, stopAt int  // the line ends before this byte, and column,
	next, nextAt int  // and the next one begins at this byte, and column

	spaced, wide bool // what the last cluster was
}

func (w *wrapper) space(i int) {
	if !w.spaced {
		w.stop, w.stopAt = i, w.at
	}
	w.at++
	w.next, w.nextAt = i+1, w.at
	w.may = w.stop > w.from // the spaces at the start of a text stay
	w.spaced, w.wide = true, false
}

func (w *wrapper) mayBreak(i int) {
	w.stop, w.stopAt, w.next, w.nextAt = i, w.at, i, w.at
	w.may = i > w.from
}

// end ends the line, at the last place where it may or else before byte i.
func (w *wrapper) end(i int) {
	if w.may {
		w.lines = append(w.lines, part{w.from, w.stop, w.stopAt})
		w.from, w.at, w.may = w.next, w.at-w.nextAt, false
		return
	}
	to, columns := i, w.at
	if columns > w.width { // spaces only: a byte and a column each
		to, columns = w.from+w.width, w.width
	}
	w.lines = append(w.lines, part{w.from, to, columns})
	w.from, w.at = i, 0
}

// narrow returns s with plain emoji, tabs made spaces, and each cluster that is wider than
// width replaced by a question mark: a very narrow terminal has them, and so has
// a chain of joined emoji where the terminal does not join them.
func narrow(s string, width int, m ansi.Method) string {
	if isPlain(s) {
		return s
	}
	s = plainEmoji(s, m)
	var b strings.Builder
	column := 0
	for i := 0; i < len(s); {
		c, w := cluster(s[i:], m)
		i += len(c)
		switch {
		case c == "\t":
			c = strings.Repeat(" ", 8-column%8)
			w = len(c)
		case w > width:
			c, w = "?", 1
		}
		b.WriteString(c)
		column += w
	}
	return b.String()
}

// isPlain reports whether s has but printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// widthOf returns how many columns s takes.
func widthOf(s string, m ansi.Method) int {
	w := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf && (i+1 == len(s) || s[i+1] < utf8.RuneSelf) {
			i++
			w++
			continue
		}
		c, cw := cluster(s[i:], m)
		i += len(c)
		w += cw
	}
	return w
}

// fit returns s with plain emoji, its end replaced by "…" if it is wider than
// width, and its width.
func fit(s string, width int, m ansi.Method) (string, int) {
	s = plainEmoji(s, m)
	if width <= 0 {
		return "", 0
	}
	total, keep, kept := 0, 0, 0 // keep: how much fits beside "…"
	for i := 0; i < len(s); {
		c, w := cluster(s[i:], m)
		if total+w > width {
			return s[:keep] + "…", kept + 1
		}
		i += len(c)
		total += w
		if total < width {
			keep, kept = i, total
		}
	}
	return s, total
}

// pad returns s, of width columns w, with spaces up to width.
func pad(s string, w, width int) string {
	if w >= width {
		return s
	}
	return s + strings.Repeat(" ", width-w)
}
