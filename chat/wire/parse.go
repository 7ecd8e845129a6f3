package wire

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrLineTooLong is the error of [ParseLine] for a line longer than [MaxLine].
var ErrLineTooLong = fmt.Errorf("line longer than %d bytes", MaxLine)

const (
	maxVerb    = 16 // bytes; so that an answer may repeat any verb
	maxExcerpt = 48 // bytes of a line that its error quotes
)

// A SyntaxError says what is wrong with a line, and where.
type SyntaxError struct {
	Line   string // the line, or its beginning if it is long
	Offset int    // the byte in the whole line that could not be read; 0 where it is not known
	Reason string
}

// Error returns one line that quotes the line:
//
//	line "JOIN  ops": byte 6: two spaces in a row
func (e *SyntaxError) Error() string {
	if e.Offset == 0 {
		return fmt.Sprintf("line %q: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %q: byte %d: %s", e.Line, e.Offset+1, e.Reason)
}

// ParseLine reads a line; its LF, and a CR before that, may be missing. It is
// strict: what [Line] says of a line by hand is checked here. The error is a
// *[SyntaxError] or [ErrLineTooLong]. The result does not share memory with b.
func ParseLine(b []byte) (Line, error) {
	if tooLong(b) {
		return Line{}, ErrLineTooLong
	}
	b = cutEnd(b)
	if i, reason := findBad(b); i >= 0 {
		return Line{}, syntaxError(b, i, reason)
	}
	words, text, hasText := strings.Cut(string(b), " :")
	l := Line{Text: text, HasText: hasText}
	l.Verb, words, _ = cutWord(words)
	if i, reason := checkVerb(l.Verb); reason != "" {
		return Line{}, syntaxError(b, i, reason)
	}
	return l, l.parseWords(b, words)
}

// parseWords sets l.Words. words is what is between the verb and the text of the
// line b, with the space before each word.
func (l *Line) parseWords(b []byte, words string) error {
	if words == "" {
		return nil
	}
	l.Words = make([]string, 0, strings.Count(words, " "))
	at := len(l.Verb)
	for rest := words; rest != ""; {
		var w string
		w, rest, _ = cutWord(rest[1:])
		at++
		switch {
		case w == "" && rest == "":
			*l = Line{}
			return syntaxError(b, at-1, "a space at the end of the words")
		case w == "":
			*l = Line{}
			return syntaxError(b, at, "two spaces in a row")
		}
		at += len(w)
		l.Words = append(l.Words, w)
	}
	return nil
}

// cutWord cuts s before its first space.
func cutWord(s string) (word, rest string, more bool) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", false
}

func tooLong(b []byte) bool {
	if bytes.HasSuffix(b, []byte("\n")) {
		return len(b) > MaxLine
	}
	return len(b) >= MaxLine // its end counts, there or not
}

// checkVerb returns what is wrong with a verb, and where, or "".
func checkVerb(verb string) (at int, reason string) {
	if verb == "" {
		return 0, "expected a verb"
	}
	for i := range len(verb) {
		if verb[i] < 'A' || verb[i] > 'Z' {
			return i, "a verb is of the letters A to Z"
		}
	}
	if len(verb) > maxVerb {
		return maxVerb, fmt.Sprintf("a verb has at most %d letters", maxVerb)
	}
	return 0, ""
}

// findBad returns the index of the first byte that no line may have and what it
// is, or -1.
func findBad(b []byte) (int, string) {
	words, text, _ := bytes.Cut(b, []byte(" :"))
	if i, reason := findControl(words, false); i >= 0 {
		return i, reason
	}
	i, reason := findControl(text, true)
	if i >= 0 {
		i += len(b) - len(text)
	}
	return i, reason
}

// findControl returns the index of the first control character of b, where a
// tab may be none, or byte that is not UTF-8, and what it is, or -1.
func findControl(b []byte, tab bool) (int, string) {
	for i := 0; i < len(b); {
		c := b[i]
		if c-' ' < 0x7f-' ' || c == '\t' && tab {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			return i, fmt.Sprintf("control character %#02x", c)
		}
		r, n := utf8.DecodeRune(b[i:])
		if n == 1 {
			return i, fmt.Sprintf("byte %#02x is not UTF-8", c)
		}
		if r < 0xa0 {
			return i, fmt.Sprintf("control character %U", r)
		}
		i += n
	}
	return -1, ""
}

func syntaxError(b []byte, at int, reason string) error {
	return &SyntaxError{Line: excerpt(b), Offset: at, Reason: reason}
}

// fail returns an error about a word of l, which was parsed, or about the whole
// line if word is "".
func (l Line) fail(word, format string, args ...any) error {
	b := cutEnd(l.Append(nil))
	at := 0
	if word != "" {
		at = bytes.Index(b, []byte(" "+word)) + 1
	}
	return syntaxError(b, at, fmt.Sprintf(format, args...))
}

// excerpt returns what an error quotes of a line without its end: its beginning, and nothing of
// a token, since errors are logged.
func excerpt(b []byte) string {
	line := string(b)
	if before, _, ok := strings.Cut(line, "token="); ok {
		line = before + "token=…"
	}
	return brief(line)
}

// brief returns s, cut if it is long.
func brief(s string) string {
	if len(s) <= maxExcerpt {
		return s
	}
	at := maxExcerpt
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}
