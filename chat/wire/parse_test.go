package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// slowParse is the oracle of ParseLine: whether b is a line, and its parts, by
// the words of doc/wire.md.
func slowParse(b []byte) (l Line, ok bool) {
	s := strings.TrimSuffix(string(b), "\n")
	if len(s) == len(b) && len(b)+1 > MaxLine || len(b) > MaxLine {
		return Line{}, false
	}
	s = strings.TrimSuffix(s, "\r")
	if !utf8.ValidString(s) {
		return Line{}, false
	}
	words, text, hasText := strings.Cut(s, " :")
	control := func(r rune) bool { return unicode.IsControl(r) }
	if strings.ContainsFunc(words, control) || strings.ContainsFunc(strings.ReplaceAll(text, "\t", ""), control) {
		return Line{}, false
	}
	all := strings.Split(words, " ")
	if slices.Contains(all, "") || len(all[0]) > 16 || strings.Trim(all[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Line{}, false
	}
	return Line{Verb: all[0], Words: all[1:], Text: text, HasText: hasText}, true
}

func TestParseLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Line
	}{
		{"QUIT", Line{Verb: "QUIT"}},
		{"QUIT\n", Line{Verb: "QUIT"}},
		{"QUIT\r\n", Line{Verb: "QUIT"}},
		{"JOIN ops after=3\n", Line{Verb: "JOIN", Words: []string{"ops", "after=3"}}},
		{"POST 1 ops say :hello", Line{Verb: "POST", Words: []string{"1", "ops", "say"}, Text: "hello", HasText: true}},
		{"NOTE :", Line{Verb: "NOTE", HasText: true}},
		{"NOTE : a :b  c\t:", Line{Verb: "NOTE", Text: " a :b  c\t:", HasText: true}},
		{"X a:b c: =", Line{Verb: "X", Words: []string{"a:b", "c:", "="}}},
		{"X ü\u00a0\u2028 :日本", Line{Verb: "X", Words: []string{"ü\u00a0\u2028"}, Text: "日本", HasText: true}},
		{"NOTE :" + strings.Repeat("x", MaxLine-7) + "\n", Line{Verb: "NOTE", Text: strings.Repeat("x", MaxLine-7), HasText: true}},
		{"NOTE :" + strings.Repeat("x", MaxLine-7), Line{Verb: "NOTE", Text: strings.Repeat("x", MaxLine-7), HasText: true}},
	} {
		got, err := ParseLine([]byte(c.in))
		if err != nil || !got.equal(c.want) {
			t.Errorf("ParseLine(%.60q) = %.80q, %v, want %.80q", c.in, got, err, c.want)
		}
		if err := got.Check(); err != nil {
			t.Errorf("ParseLine(%.60q): Check: %v", c.in, err)
		}
		if want := strings.TrimRight(c.in, "\r\n") + "\n"; string(got.Append(nil)) != want {
			t.Errorf("ParseLine(%.60q): appended as %.60q", c.in, got.Append(nil))
		}
	}
}

func TestParseLineErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `line "": expected a verb`},
		{"\n", `line "": expected a verb`},
		{" JOIN", `line " JOIN": expected a verb`},
		{":text", `line ":text": a verb is of the letters A to Z`},
		{" :text", `line " :text": expected a verb`},
		{"join x", `line "join x": a verb is of the letters A to Z`},
		{"JOIn x", `line "JOIn x": byte 4: a verb is of the letters A to Z`},
		{"-", `line "-": a verb is of the letters A to Z`},
		{"ABCDEFGHIJKLMNOPQ", `line "ABCDEFGHIJKLMNOPQ": byte 17: a verb has at most 16 letters`},
		{"JOIN  ops", `line "JOIN  ops": byte 6: two spaces in a row`},
		{"JOIN a  b :x", `line "JOIN a  b :x": byte 8: two spaces in a row`},
		{"JOIN ops ", `line "JOIN ops ": byte 9: a space at the end of the words`},
		{"JOIN ", `line "JOIN ": byte 5: a space at the end of the words`},
		{"POST 1  :x", `line "POST 1  :x": byte 7: a space at the end of the words`},
		{"JOIN\tops", `line "JOIN\tops": byte 5: control character 0x09`},
		{"JOIN a\x00", `line "JOIN a\x00": byte 7: control character 0x00`},
		{"NOTE :a\nb", `line "NOTE :a\nb": byte 8: control character 0x0a`},
		{"NOTE :a\r\r\n", `line "NOTE :a\r": byte 8: control character 0x0d`},
		{"NOTE :a\n\n", `line "NOTE :a\n": byte 8: control character 0x0a`},
		{"NOTE :\x7f", `line "NOTE :\x7f": byte 7: control character 0x7f`},
		{"NOTE :\u009b", `line "NOTE :\u009b": byte 7: control character U+009B`},
		{"NOTE :\u009f", `line "NOTE :\u009f": byte 7: control character U+009F`},
		{"NOTE :a\xff", `line "NOTE :a\xff": byte 8: byte 0xff is not UTF-8`},
		{"NOTE :\xe2\x82", `line "NOTE :\xe2\x82": byte 7: byte 0xe2 is not UTF-8`},
		{"N\xc3 x", `line "N\xc3 x": byte 2: byte 0xc3 is not UTF-8`},
		{"PARLEY  1 token=secret", `line "PARLEY  1 token=…": byte 8: two spaces in a row`},
		{"X " + strings.Repeat("ü", 99) + "\x01", `line "X ` + strings.Repeat("ü", 23) + `…": byte 201: control character 0x01`},
	} {
		got, err := ParseLine([]byte(c.in))
		var bad *SyntaxError
		if !errors.As(err, &bad) || err.Error() != c.want || !got.equal(Line{}) {
			t.Errorf("ParseLine(%q) = %q, %v\nwant the error %s", c.in, got, err, c.want)
		}
	}
}

func TestParseLineTooLong(t *testing.T) {
	text := strings.Repeat("x", MaxLine)
	for _, s := range []string{
		"NOTE :" + text[:MaxLine-6],
		"NOTE :" + text[:MaxLine-6] + "\n",
		text + text + text,
	} {
		if _, err := ParseLine([]byte(s)); !errors.Is(err, ErrLineTooLong) {
			t.Errorf("ParseLine of %d bytes: %v, want ErrLineTooLong", len(s), err)
		}
	}
}

func TestParseLineKeepsNothing(t *testing.T) {
	b := []byte("POST 1 ops say :hello")
	l, err := ParseLine(b)
	clear(b)
	if err != nil || l.String() != "POST 1 ops say :hello" {
		t.Errorf("got %q, %v after the bytes were reused", l, err)
	}
}

func TestParseLineAllocations(t *testing.T) {
	b := []byte("POST 17 ops say :what people say to each other\n")
	if n := testing.AllocsPerRun(100, func() { ParseLine(b) }); n > 2 {
		t.Errorf("ParseLine: %v allocations, want one for the bytes and one for the words", n)
	}
}

// Every single byte at every place of a line: the parser and its oracle agree.
func TestParseLineEachByte(t *testing.T) {
	line := "MSG a b=1 :x y\t\n"
	for i := range len(line) + 1 {
		for c := range 256 {
			b := []byte(line[:i] + string([]byte{byte(c)}) + line[min(i+1, len(line)):])
			compare(t, b)
			compare(t, []byte(line[:i]+string([]byte{byte(c)})+line[i:]))
		}
	}
}

// compare fails t unless ParseLine and its oracle agree about b, and what was
// parsed is appended as it was.
func compare(t *testing.T, b []byte) (Line, bool) {
	t.Helper()
	got, err := ParseLine(b)
	want, ok := slowParse(b)
	if ok != (err == nil) || !got.equal(want) {
		t.Fatalf("ParseLine(%q) = %#v, %v, want %#v, %v", b, got, err, want, ok)
	}
	if !ok {
		checkSyntaxError(t, b, err)
		return got, false
	}
	again, err := ParseLine(got.Append(nil))
	if err != nil || !again.equal(got) || got.Check() != nil {
		t.Fatalf("ParseLine(%q) = %#v, appended and read again %#v, %v", b, got, again, err)
	}
	return got, true
}

func checkSyntaxError(t *testing.T, b []byte, err error) {
	t.Helper()
	var bad *SyntaxError
	if errors.Is(err, ErrLineTooLong) {
		return
	}
	if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset > len(b) {
		t.Errorf("parse of %q: the error %#v points outside of the line", b, err)
	}
	if text := err.Error(); strings.ContainsFunc(text, unicode.IsControl) || len(text) > 500 || !utf8.ValidString(text) {
		t.Errorf("parse of %q: the error %q is not fit to show", b, text)
	}
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{
		"", "QUIT\r\n", "PARLEY 1 token=abcdefghijklmnopqrstuv name=ada next=7\n", "JOIN  x", "NOTE : :\t", "X \u0085", "\xff :",
		"PARLEY 1 name=ada self=0123456789ab next=1 room=lobby max=4096 idle=120000 prove=w",
		"MSG ops 7 3 1792000000000 ada 0123456789ab 5 say :hello\n",
		"PAST t 7 3 1792000000000 ada 0123456789ab 5 wave :\n",
		"NAK 5 flood retry=250 :slowly", "NAK 5 too-long :x", "ACK 1 2", "END PAST t 9 more",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := compare(t, b)
		if !ok {
			return
		}
		if IsHello(b) {
			if _, err := ParseHello(l); err != nil && strings.Contains(err.Error(), "token="+value(l, "token")) && len(value(l, "token")) > 3 {
				t.Errorf("the error %q shows the token", err)
			}
		}
		roundTrips(t, l)
	})
}

func value(l Line, key string) string {
	v, _ := l.Value(key)
	return v
}

// roundTrips fails t unless l, read as each form that it may have and appended,
// is read as the same again.
func roundTrips(t *testing.T, l Line) {
	t.Helper()
	if m, prev, err := ParseMessage(l); err == nil {
		again, prev2, err := ParseMessage(reparse(t, AppendMessage(nil, m, prev)))
		same(t, l, m, again, prev == prev2, err)
	} else if l.Verb == VerbMessage {
		checkSyntaxError(t, l.Append(nil), err)
	}
	if tag, m, prev, err := ParsePast(l); err == nil {
		tag2, again, prev2, err := ParsePast(reparse(t, AppendPast(nil, tag, m, prev)))
		same(t, l, m, again, prev == prev2 && tag == tag2, err)
	}
	if h, err := ParseHello(l); err == nil {
		again, err := ParseHello(reparse(t, h.Append(nil)))
		same(t, l, h, again, IsHello(l.Append(nil)), err)
	}
	if w, err := ParseWelcome(l); err == nil {
		again, err := ParseWelcome(reparse(t, w.Append(nil)))
		same(t, l, w, again, true, err)
	}
	if n, err := ParseNak(l); err == nil {
		again, err := ParseNak(reparse(t, n.Append(nil)))
		same(t, l, n, again, true, err)
	}
}

func same[T comparable](t *testing.T, l Line, first, again T, rest bool, err error) {
	t.Helper()
	if first != again || !rest || err != nil {
		t.Errorf("%q is read as %+v, and that, appended, as %+v, %v", l, first, again, err)
	}
}

func reparse(t *testing.T, b []byte) Line {
	t.Helper()
	l, err := ParseLine(b)
	if err != nil {
		t.Errorf("%q was appended, and is no line: %v", b, err)
	}
	return l
}

func BenchmarkParseLine(b *testing.B) {
	for _, n := range []int{20, 200, 4000} {
		line := fmt.Appendf(nil, "POST 17 ops say :%s\n", strings.Repeat("what people say, ", n)[:n])
		b.Run(fmt.Sprintf("text=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				ParseLine(line)
			}
		})
	}
}
