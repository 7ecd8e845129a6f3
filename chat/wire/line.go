package wire

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// A Line is a line of the protocol: words with one space between them, the first
// the verb, and perhaps a text after " :".
//
// What [ParseLine] returns is as [Line.Append] needs it; who makes a Line by
// hand sees to it, since Append does not look:
//
//   - Verb is 1 to 16 of the letters A to Z.
//   - No word is empty, begins with ':', or has a space or a control character.
//   - Text has no control character other than tab, LF and CR included.
//     text.Clean makes it so. It is lost if HasText is false.
//   - All is valid UTF-8, and with its end no longer than [MaxLine].
//
// [Line.Check] reports whether it is so.
type Line struct {
	Verb    string
	Words   []string // after the verb, key=value ones included, in order
	Text    string
	HasText bool // there is a text, perhaps an empty one
}

// Append appends l and "\n" to dst. See [Line] for what l has to be.
func (l Line) Append(dst []byte) []byte {
	dst = append(dst, l.Verb...)
	for _, w := range l.Words {
		dst = appendWord(dst, w)
	}
	if l.HasText {
		return appendText(dst, l.Text)
	}
	return append(dst, '\n')
}

// String returns l as it is sent, without its end.
func (l Line) String() string {
	b := l.Append(nil)
	return string(b[:len(b)-1])
}

// Check returns the error that the receiver of l would report, or nil if it
// would read the same line.
func (l Line) Check() error {
	b := l.Append(nil)
	got, err := ParseLine(b)
	if err == nil && !got.equal(l) {
		return &SyntaxError{Line: excerpt(cutEnd(b)), Reason: "would be read as another line"}
	}
	return err
}

func (l Line) equal(m Line) bool {
	return l.Verb == m.Verb && l.HasText == m.HasText && l.Text == m.Text && slices.Equal(l.Words, m.Words)
}

// Word returns word i after the verb, counted from 0, or "" if there are not as many.
func (l Line) Word(i int) string {
	if i < 0 || i >= len(l.Words) {
		return ""
	}
	return l.Words[i]
}

// Number returns word i as a decimal number. Its error is a *SyntaxError.
func (l Line) Number(i int) (uint64, error) {
	if i < 0 || i >= len(l.Words) {
		return 0, l.fail("", "word %d after the verb, a number, is missing", i+1)
	}
	n, ok := parseNumber(l.Words[i])
	if !ok {
		return 0, l.fail(l.Words[i], "%q is no decimal number", brief(l.Words[i]))
	}
	return n, nil
}

// Value returns the value of the first word key=value, and whether there is one.
func (l Line) Value(key string) (string, bool) {
	for _, w := range l.Words {
		if len(w) > len(key) && w[len(key)] == '=' && w[:len(key)] == key {
			return w[len(key)+1:], true
		}
	}
	return "", false
}

// Uint returns the value of key as a decimal number, and whether there is such a
// word. Its error is a *SyntaxError.
func (l Line) Uint(key string) (n uint64, found bool, err error) {
	value, found := l.Value(key)
	if !found {
		return 0, false, nil
	}
	n, ok := parseNumber(value)
	if !ok {
		return 0, true, l.fail(key+"="+value, "%s=%q is no decimal number", key, brief(value))
	}
	return n, true, nil
}

// Need returns a *SyntaxError unless l has at least n words, all further ones
// are key=value, and there is a text exactly if text says so.
func (l Line) Need(n int, text bool) error {
	if len(l.Words) < n {
		return l.fail("", "%d words after the verb, expected %d", len(l.Words), n)
	}
	for _, w := range l.Words[n:] {
		if strings.IndexByte(w, '=') < 1 {
			return l.fail(w, "%q is one word too many", brief(w))
		}
	}
	if text && !l.HasText {
		return l.fail("", "a text, after \" :\", is missing")
	}
	if !text && l.HasText {
		return l.fail(":", "a text, but %s has none", l.Verb)
	}
	return nil
}

// Pair returns the word key=n.
func Pair(key string, n uint64) string {
	return string(appendPair(nil, key, n)[1:])
}

// parseNumber reads digits only, without needless zeros, so that a number has
// one form.
func parseNumber(s string) (uint64, bool) {
	if s == "" || len(s) > 1 && s[0] == '0' || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

func appendWord(dst []byte, word string) []byte {
	return append(append(dst, ' '), word...)
}

func appendNumber(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, ' '), n, 10)
}

func appendPair(dst []byte, key string, n uint64) []byte {
	return strconv.AppendUint(append(appendWord(dst, key), '='), n, 10)
}

// appendText appends the text and the end of the line.
func appendText(dst []byte, text string) []byte {
	return append(append(append(dst, " :"...), text...), '\n')
}

// cutEnd returns b without its LF and a CR before it.
func cutEnd(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}
