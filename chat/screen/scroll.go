package screen

// scroll is how far up a room its reader is. Its zero value is at the end, and
// stays there.
type scroll struct {
	up    bool
	at    int // the place that the lowest visible line belongs to
	skip  int // how many lines of that place are below it
	below int // how many items came below since
}

func (r *room) toEnd() { r.scroll = scroll{} }

// lowest is the place of the lowest visible line, and how many of its lines are below.
func (r *room) lowest() (at, skip int) {
	if !r.scroll.up {
		return r.size() - 1, 0
	}
	return min(r.scroll.at, r.size()-1), r.scroll.skip
}

// visible returns the lines of a room that are visible, the lowest last, and the
// place of the highest.
func (m *model) visible(r *room) (lines []line, top int) {
	rows := m.messageRows()
	at, skip := r.lowest()
	lines = make([]line, rows)
	free := rows
	for ; at >= 0 && free > 0; at-- {
		of := m.lines(r, at)
		of = of[:max(len(of)-skip, min(1, len(of)))]
		of = of[max(len(of)-free, 0):]
		free -= len(of)
		copy(lines[free:], of)
		skip = 0
	}
	return lines[free:], at + 1
}

// scrollBy goes up by n lines, or down if n is negative.
func (m *model) scrollBy(n int) {
	at, skip := m.current.lowest()
	m.scrollTo(m.walk(at, skip+n))
}

// walk returns the place of the line that is skip lines above the last one of a
// place, or below it if skip is negative, and how many lines of that place are below the
// line. It stops at the ends of the room.
func (m *model) walk(at, skip int) (int, int) {
	r := m.current
	for at > 0 && skip >= len(m.lines(r, at)) {
		skip -= len(m.lines(r, at))
		at--
	}
	for at < r.size()-1 && skip < 0 {
		at++
		skip += len(m.lines(r, at))
	}
	return at, skip
}

// scrollTo makes the lowest visible line the one that has skip lines of its place
// below it. Update ends with fill.
func (m *model) scrollTo(at, skip int) {
	r := m.current
	if at >= r.size()-1 && skip <= 0 {
		r.toEnd()
		return
	}
	r.scroll.up, r.scroll.at, r.scroll.skip = true, at, skip
}

// fill scrolls down as far as there are rows free above the first line, after
// scrolling too far, or a resize.
func (m *model) fill(r *room) {
	if !r.scroll.up {
		return
	}
	at, skip := r.lowest()
	skip = min(skip, len(m.lines(r, at))-1)
	lines, _ := m.visible(r)
	for free := m.messageRows() - len(lines); free > 0; {
		if skip >= free {
			skip -= free
			break
		}
		free -= skip
		if at++; at >= r.size() {
			r.toEnd()
			return
		}
		skip = len(m.lines(r, at))
	}
	if at == r.size()-1 && skip == 0 {
		r.toEnd()
		return
	}
	r.scroll.at, r.scroll.skip = at, skip
}

// goUp goes up by n lines and asks for older messages at the top.
func (m *model) goUp(n int) {
	m.scrollBy(n)
	if _, top := m.visible(m.current); top == 0 {
		m.askOlder(m.current)
	}
}

// goTop goes to the first line.
func (m *model) goTop() {
	m.scrollTo(0, 0)
	m.askOlder(m.current)
}

// center scrolls so that a place is in the middle.
func (m *model) center(at int) {
	below := (m.messageRows() - len(m.lines(m.current, at))) / 2
	m.scrollTo(m.walk(at, -max(below, 0)))
}
