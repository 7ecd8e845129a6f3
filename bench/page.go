package bench

import (
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/figure"
)

// The widths of a page, in columns.
const (
	defaultWidth   = 80
	narrowest      = 40
	labelWidth     = 13
	hanging        = 4 // the lines of a paragraph after its first
	columnsBetween = 3
)

// A page is lines of text for people, no longer than its width except where a single
// word is.
type page struct {
	width int
	text  strings.Builder
}

// newPage begins a page; a width of 0 is the default.
func newPage(width int) *page {
	if width <= 0 {
		width = defaultWidth
	}
	return &page{width: max(width, narrowest)}
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.text.String())
	return err
}

func (p *page) line(s string) {
	p.text.WriteString(strings.TrimRight(s, " "))
	p.text.WriteByte('\n')
}

func (p *page) gap() { p.text.WriteByte('\n') }

// list writes items after a label, between a column for labels and the right edge,
// and on as many lines as they need.
func (p *page) list(label string, items ...string) {
	p.wrap(pad(label, labelWidth), labelWidth, p.words(items))
}

// sentence writes items after a first word.
func (p *page) sentence(first string, items ...string) {
	p.wrap(first, hanging, p.words(items))
}

// paragraph writes words after a first word, and hangs the further lines.
func (p *page) paragraph(first, words string) {
	p.wrap(first, hanging, figure.Words(clean(words)))
}

// wrap writes words after start, the lines that follow indented.
func (p *page) wrap(start string, indent int, words []string) {
	line := start
	empty := true // there is no word in the line
	for _, word := range words {
		if !empty && columns(line)+1+columns(word) > p.width {
			p.line(line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if !empty || (line != "" && !strings.HasSuffix(line, " ")) {
			line += " "
		}
		line, empty = line+word, false
	}
	p.line(line)
}

// words are the items with a comma after all but the last. An item stays whole unless
// it is longer than a line.
func (p *page) words(items []string) (words []string) {
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if columns(item) > p.width-labelWidth {
			words = append(words, figure.Words(item)...)
		} else {
			words = append(words, item)
		}
	}
	return words
}

// A table has columns of cells, all of one length.
type table struct {
	// key are the cells before each line, aligned to the left. They are written again
	// before columns that did not fit beside the others.
	key     []string
	columns [][]string // aligned to the right
}

// add appends a column.
func (t *table) add(cells ...string) { t.columns = append(t.columns, cells) }

// table writes a table, as many columns beside each other as fit.
func (p *page) table(t table) {
	for len(t.columns) > 0 {
		n, width := 0, widest(t.key)
		for n < len(t.columns) {
			if width += columnsBetween + widest(t.columns[n]); n > 0 && width > p.width {
				break
			}
			n++
		}
		p.rows(t.key, t.columns[:n])
		t.columns = t.columns[n:]
	}
}

func (p *page) rows(key []string, cols [][]string) {
	width := widest(key)
	for i := range key {
		line := pad(key[i], width)
		for _, col := range cols {
			line += strings.Repeat(" ", columnsBetween) + padLeft(col[i], widest(col))
		}
		p.line(line)
	}
}

func widest(cells []string) (w int) {
	for _, c := range cells {
		w = max(w, columns(c))
	}
	return w
}

// columns is how many of a terminal's s takes. What we write of ourselves is as wide
// as it has characters.
func columns(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-columns(s))) + s
}

// clean makes of s, which others may have written, one line that does nothing to a
// terminal: what cannot be printed is escaped as Go does.
func clean(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
