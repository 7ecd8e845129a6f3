package screen

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// lines are the lines of an item as they were last shown, and for what.
type lines struct {
	key   lineKey
	lines []line
}

// A line is at most as wide as was asked for.
type line struct {
	text  string // with styles, which end with it
	width int
}

// A lineKey is all that an item's lines depend on, but what never changes.
type lineKey struct {
	width      int
	method     ansi.Method
	day, first bool // a rule is before it
	mark       mark
	hit        string // what is searched for, if the item has it
	current    bool   // it is the hit that is shown
	words      int    // of presence
}

// The columns that an item's text is behind: "15:04 ✓ ", or "✓ " where the
// screen is narrow, or nothing.
const (
	gutterFull   = 8
	gutterNarrow = 2
)

func gutter(width int) int {
	switch {
	case width >= 4*gutterFull:
		return gutterFull
	case width >= 3*gutterNarrow:
		return gutterNarrow
	}
	return 0
}

// lines returns the lines of the place at of a room, its beginning, an item, or
// something pending: see room.item.
func (m *model) lines(r *room, at int) []line {
	width := m.columns()
	if at == 0 {
		s, w := fit(r.beginning(), width, m.method)
		return []line{{paint(s, styleFaint), w}}
	}
	it := r.item(at)
	key := lineKey{width: width, method: m.method, first: it.first, mark: it.mark, day: newDay(r, at)}
	if it.presence != nil {
		key.words = it.presence.words
	}
	if m.search.finds(it) {
		key.hit, key.current = string(m.search.query), it == m.search.hit
	}
	if it.shown.lines == nil || it.shown.key != key {
		it.shown = lines{key, m.layOut(it, key)}
	}
	return it.shown.lines
}

// newDay reports whether the item at a place is of a later day than the one
// before it.
func newDay(r *room, at int) bool {
	if at < 2 {
		return true
	}
	a, b := r.item(at-1).at, r.item(at).at
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return b.After(a) && (ay != by || am != bm || ad != bd)
}

// layOut makes the lines of an item.
func (m *model) layOut(it *item, key lineKey) []line {
	var out []line
	if key.day {
		out = append(out, m.rule(it.at.Format("Monday 2 January 2006"), key.width))
	}
	if key.first {
		out = append(out, m.rule("new", key.width))
	}
	indent := gutter(key.width)
	t := m.body(it, key)
	t.make(max(key.width-indent, 1), m.method)
	for i, p := range wrap(t.s, max(key.width-indent, 1), m.method) {
		head := strings.Repeat(" ", indent)
		if i == 0 {
			head = m.head(it, indent)
		}
		out = append(out, line{head + t.slice(p.from, p.to), indent + p.width})
	}
	return out
}

// rule returns a line across the screen with a word in it.
func (m *model) rule(word string, width int) line {
	s, w := fit("── "+word+" ", width, m.method)
	if w < width {
		s += strings.Repeat("─", width-w)
	}
	return line{paint(s, styleFaint), width}
}

// head returns what is before the first line of an item.
func (m *model) head(it *item, columns int) string {
	sign := markSigns[it.mark]
	if it.mention {
		sign = "!"
	}
	style := stylePlain
	if it.mention || it.mark == markRefused {
		style = styleStrong
	}
	switch columns {
	case gutterFull:
		return paint(it.at.Format("15:04"), styleFaint) + " " + paint(sign, style) + " "
	case gutterNarrow:
		return paint(sign, style) + " "
	}
	return ""
}

// body returns what an item says, in its styles.
func (m *model) body(it *item, key lineKey) *styled {
	t := &styled{}
	name, style := it.name, styleOfName(it.name, m.o.NoColor)
	if it.own {
		style = styleStrong
	}
	if key.current {
		t.add("> ", styleStrong)
	}
	switch it.kind {
	case kindSay:
		t.add(name, style)
		t.add(": ", stylePlain)
	case kindMe:
		t.add("* ", styleStrong)
		t.add(name, style)
		t.add(" ", stylePlain)
	case kindTold:
		t.add(name, style)
		t.add(" tells you: ", styleStrong)
	case kindTelling:
		t.add("you tell "+name+": ", styleStrong)
	case kindNotice:
		t.add("-- ", styleFaint)
		t.add(it.text, styleFaint)
	}
	if it.kind != kindNotice {
		text := stylePlain
		if it.mention {
			text = styleStrong
		}
		t.addHits(it.text, text, []rune(key.hit))
	}
	if it.mark == markRefused {
		t.add("  ✗ "+it.why, styleRefuse)
	}
	return t
}

// A styled text is a text and where in it which style ends.
type styled struct {
	s    string
	runs []run
}

type run struct {
	end   int // in bytes
	style string
}

func (t *styled) add(s, style string) {
	if s != "" {
		t.s += s
		t.runs = append(t.runs, run{len(t.s), style})
	}
}

// addHits adds s with what it has of a query made visible.
func (t *styled) addHits(s, style string, query []rune) {
	for len(query) > 0 {
		from, to := index(s, query)
		if from < 0 {
			break
		}
		from, to = before(s, from+1), border(s, to)
		t.add(s[:from], style)
		t.add(s[from:to], styleHit)
		s = s[to:]
	}
	t.add(s, style)
}

// make makes each run fit for a width: see narrow.
func (t *styled) make(width int, m ansi.Method) {
	if isPlain(t.s) {
		return
	}
	runs, s, from := t.runs, t.s, 0
	t.s, t.runs = "", nil
	for _, r := range runs {
		t.add(narrow(s[from:r.end], width, m), r.style)
		from = r.end
	}
}

// slice returns the bytes from, to with their styles.
func (t *styled) slice(from, to int) string {
	var b strings.Builder
	at := 0
	for _, r := range t.runs {
		if f, e := max(at, from), min(r.end, to); f < e {
			b.WriteString(paint(t.s[f:e], r.style))
		}
		at = r.end
	}
	return b.String()
}
