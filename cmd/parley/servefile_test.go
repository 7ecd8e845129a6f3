package main

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestSplitServices(t *testing.T) {
	type word struct {
		text         string
		line, column int
	}
	for _, tt := range []struct {
		name, text string
		want       []word
		errs       []string
	}{
		{"empty", "", nil, nil},
		{"comments", "# all\n  # of it\n\n \t\n#", nil, nil},
		{"no end of line", "echo", []word{{"echo", 1, 1}}, nil},
		{"indented", "\n \techo \n", []word{{"echo", 2, 3}}, nil},
		{"comment after", "echo # not this\necho#this", []word{{"echo", 1, 1}, {"echo#this", 2, 1}}, nil},
		{"windows", "\ufeffecho\r\ngreet\r\n", []word{{"echo", 1, 1}, {"greet", 2, 1}}, nil},
		{"two words", "echo greet gate\nack", []word{{"echo", 1, 1}, {"ack", 2, 1}}, []string{`f:1:6: unexpected word "greet"; there is one SERVICE@ENDPOINT a line, and a space in it is %20`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			words, errs := splitServices("f", tt.text)
			var got []word
			for _, w := range words {
				got = append(got, word{w.text, w.place.line, w.place.column})
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("splitServices(%q) = %v, want %v", tt.text, got, tt.want)
			}
			var texts []string
			for _, err := range errs {
				texts = append(texts, err.Error())
			}
			if !slices.Equal(texts, tt.errs) {
				t.Errorf("splitServices(%q): errors %q, want %q", tt.text, texts, tt.errs)
			}
		})
	}
}

func TestPicture(t *testing.T) {
	for _, tt := range []struct {
		line           string
		column, length int
		want           string
	}{
		{"echo@x", 6, 1, "    echo@x\n         ^\n"},
		{"\techo", 2, 4, "     echo\n     ^^^^\n"},
		{"é@ü:7", 4, 2, "    é@ü:7\n      ^\n"},
		{"echo@", 6, 0, "    echo@\n         ^\n"},
		{"a\x1b[2Jb\u202e", 1, 1, "    a?[2Jb?\n    ^\n"},
	} {
		e := &placedError{place: place{"f", 1, tt.column, tt.length, tt.line}}
		if got := e.picture(); got != tt.want {
			t.Errorf("picture of %q at %d+%d:\n%swant\n%s", tt.line, tt.column, tt.length, got, tt.want)
		}
	}
}

// slowWords is splitServices without errors: a line without its comment, cut at
// blanks.
func slowWords(text string) (first []string, further int) {
	comment := regexp.MustCompile(`(^|[ \t])#.*$`)
	for _, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = comment.ReplaceAllString(strings.TrimRight(line, "\r"), "")
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) > 0 {
			first = append(first, words[0])
		}
		if len(words) > 1 {
			further++
		}
	}
	return first, further
}

func FuzzServices(f *testing.F) {
	for _, text := range []string{
		"echo@tcp://:0\n# x\n\tgreet?text=a%20b@unix:/x # y\n",
		"ecko@tcp://:0\r\necho@tcpp://:7\necho@tcp://:0?idel=3 more",
		"gate?wait=q&secret@udp://:1\n\ufeff\x00\n@\n?\necho@ip://127.0.0.1\necho?a=b",
		"echo@fd:web\necho@tcp://:0?idle=x&ttl=900\ngreet?text=\nä\u202e@ü",
	} {
		f.Add(text)
	}
	c := catalog{kinds: kinds(), fds: &listenFDs{err: errors.New("none")}}
	f.Fuzz(func(t *testing.T, text string) {
		words, errs := splitServices("f", text)
		want, further := slowWords(text)
		var got []string
		for _, w := range words {
			got = append(got, w.text)
			if at := w.place.column - 1; w.place.text[at:at+len(w.text)] != w.text {
				t.Errorf("%q: word %q is not at column %d of %q", text, w.text, w.place.column, w.place.text)
			}
		}
		if !slices.Equal(got, want) || len(errs) != further {
			t.Errorf("splitServices(%q) = %q and %d errors, want %q and %d", text, got, len(errs), want, further)
		}
		entries, err := c.parseServices("f", text)
		if err == nil && len(entries) < len(words) {
			t.Errorf("parseServices(%q): %d entries of %d words", text, len(entries), len(words))
		}
		for _, err := range parts(err) {
			checkPlaced(t, err)
		}
	})
}

// checkPlaced fails when err does not point into its line.
func checkPlaced(t *testing.T, err error) {
	var placed *placedError
	if err == nil || !errors.As(err, &placed) {
		return
	}
	p := placed.place
	if p.line < 1 || p.column < 1 || p.length < 0 || p.column-1+p.length > len(p.text) {
		t.Errorf("%v: points at %d+%d of %q", err, p.column, p.length, p.text)
	}
	lines := strings.Split(placed.picture(), "\n")
	if len(lines) != 3 || strings.Trim(lines[1], " ^") != "" || !strings.Contains(lines[1], "^") {
		t.Errorf("%v: picture %q", err, placed.picture())
	}
	for _, r := range lines[0] {
		if r < ' ' || r == 0x7f {
			t.Errorf("%v: control character in picture %q", err, lines[0])
		}
	}
}
