package wire

import (
	"math"
	"testing"
)

func TestLineWords(t *testing.T) {
	l, err := ParseLine([]byte("PAST t1 ops after=12 before=0 since= last=x =y after=13 big=18446744073709551616"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Word(0) != "t1" || l.Word(1) != "ops" || l.Word(-1) != "" || l.Word(99) != "" {
		t.Errorf("words of %q: %q, %q, %q, %q", l, l.Word(0), l.Word(1), l.Word(-1), l.Word(99))
	}
	if v, ok := l.Value("after"); v != "12" || !ok {
		t.Errorf("Value(after) = %q, %v, want the first", v, ok)
	}
	if v, ok := l.Value("since"); v != "" || !ok {
		t.Errorf("Value(since) = %q, %v", v, ok)
	}
	if v, ok := l.Value("aft"); v != "" || ok {
		t.Errorf("Value(aft) = %q, %v", v, ok)
	}
	for _, c := range []struct {
		key   string
		want  uint64
		found bool
		err   string
	}{
		{"after", 12, true, ""},
		{"before", 0, true, ""},
		{"none", 0, false, ""},
		{"since", 0, true, `line "PAST t1 ops after=12 before=0 since= last=x =y a…": byte 31: since="" is no decimal number`},
		{"last", 0, true, `line "PAST t1 ops after=12 before=0 since= last=x =y a…": byte 38: last="x" is no decimal number`},
		{"big", 0, true, `line "PAST t1 ops after=12 before=0 since= last=x =y a…": byte 57: big="18446744073709551616" is no decimal number`},
	} {
		n, found, err := l.Uint(c.key)
		if n != c.want || found != c.found || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("Uint(%s) = %d, %v, %v, want %d, %v, %s", c.key, n, found, err, c.want, c.found, c.err)
		}
	}
}

func TestNumberHasOneForm(t *testing.T) {
	for _, s := range []string{"0", "1", "10", "18446744073709551615"} {
		n, err := (Line{Verb: "X", Words: []string{s}}).Number(0)
		if err != nil || Pair("k", n) != "k="+s {
			t.Errorf("Number of %s = %d, %v", s, n, err)
		}
	}
	for _, s := range []string{"00", "01", "+1", "-1", "1_0", "0x1", "1.0", "١", "x", "18446744073709551616"} {
		if n, err := (Line{Verb: "X", Words: []string{s}}).Number(0); err == nil {
			t.Errorf("Number of %s = %d, want an error", s, n)
		}
	}
	if _, err := (Line{Verb: "X"}).Number(0); err == nil {
		t.Error("Number of a word that there is not: no error")
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		line string
		n    int
		text bool
		want string
	}{
		{"JOIN ops", 1, false, ""},
		{"JOIN ops after=3 new=1", 1, false, ""},
		{"NOTE :x", 0, true, ""},
		{"JOIN", 1, false, `line "JOIN": 0 words after the verb, expected 1`},
		{"JOIN a b", 1, false, `line "JOIN a b": byte 8: "b" is one word too many`},
		{"JOIN a =b", 1, false, `line "JOIN a =b": byte 8: "=b" is one word too many`},
		{"JOIN a :b", 1, false, `line "JOIN a :b": byte 8: a text, but JOIN has none`},
		{"NOTE", 0, true, `line "NOTE": a text, after " :", is missing`},
	} {
		l, err := ParseLine([]byte(c.line))
		if err != nil {
			t.Fatal(err)
		}
		err = l.Need(c.n, c.text)
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("Need(%d, %v) of %q: %v, want %s", c.n, c.text, c.line, err, c.want)
		}
	}
}

func TestCheckFindsWhatCannotBeSent(t *testing.T) {
	for _, l := range []Line{
		{},
		{Verb: "join"},
		{Verb: NoVerb},
		{Verb: "JOIN", Words: []string{""}},
		{Verb: "JOIN", Words: []string{"a b"}},
		{Verb: "JOIN", Words: []string{":a"}},
		{Verb: "JOIN", Words: []string{"a\n"}},
		{Verb: "JOIN a"},
		{Verb: "NOTE", Text: "lost"},
		{Verb: "NOTE", Text: "a\r", HasText: true},
		{Verb: "NOTE", Text: "a\nQUIT", HasText: true},
		{Verb: "NOTE", Text: "\xff", HasText: true},
		{Verb: "NOTE", Text: string(make([]byte, MaxLine)), HasText: true},
	} {
		if l.Check() == nil {
			t.Errorf("Check of %#v: nil", l)
		}
	}
}

func TestAppendAckAtTheEnds(t *testing.T) {
	if got, want := string(AppendAck(nil, math.MaxUint64, 0)), "ACK 18446744073709551615 0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	dst := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { AppendAck(dst, 1<<60, 1<<60) }); n != 0 {
		t.Errorf("AppendAck: %v allocations", n)
	}
}
