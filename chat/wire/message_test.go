package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var sample = Message{
	Room: "ops", Seq: 1042, Time: time.UnixMilli(1792000000123).UTC(), Name: "ada", Author: "0123456789ab", ID: 7, Kind: Say,
	Text: "what people say: to each\tother",
}

func TestMessageLine(t *testing.T) {
	b := AppendMessage(nil, sample, 1040)
	want := "MSG ops 1042 1040 1792000000123 ada 0123456789ab 7 say :what people say: to each\tother\n"
	if string(b) != want {
		t.Fatalf("AppendMessage: got %q, want %q", b, want)
	}
	m, prev, err := ParseMessage(reparse(t, b))
	if m != sample || prev != 1040 || err != nil {
		t.Errorf("ParseMessage: got %+v, %d, %v, want %+v", m, prev, err, sample)
	}
}

func TestPastLine(t *testing.T) {
	b := AppendPast(nil, "t-1", sample, 0)
	want := "PAST t-1 1042 0 1792000000123 ada 0123456789ab 7 say :what people say: to each\tother\n"
	if string(b) != want {
		t.Fatalf("AppendPast: got %q, want %q", b, want)
	}
	tag, m, prev, err := ParsePast(reparse(t, b))
	m.Room = sample.Room
	if tag != "t-1" || m != sample || prev != 0 || err != nil {
		t.Errorf("ParsePast: got %s, %+v, %d, %v, want %+v", tag, m, prev, err, sample)
	}
}

func TestLongestMessageFitsALine(t *testing.T) {
	m := Message{
		Room: strings.Repeat("𠀀", 32), Seq: 1<<64 - 1, Time: time.UnixMilli(lastMilli).UTC(), Name: strings.Repeat("𠀀", 24), Author: "ffffffffffff",
		ID: 1<<64 - 1, Kind: "abcdefghijklmnop", Text: strings.Repeat("x", MaxText),
	}
	got, prev, err := ParseMessage(reparse(t, AppendMessage(nil, m, m.Seq-1)))
	if got != m || prev != m.Seq-1 || err != nil {
		t.Errorf("got %+v, %d, %v", got, prev, err)
	}
}

func TestMessageTimeBefore1970(t *testing.T) {
	m := sample
	m.Time = time.Time{}
	got, _, err := ParseMessage(reparse(t, AppendMessage(nil, m, 0)))
	if !got.Time.Equal(time.UnixMilli(0)) || err != nil {
		t.Errorf("the zero time came as %v, %v, want 1970", got.Time, err)
	}
}

func TestParseMessageIsOpenToLater(t *testing.T) {
	m, _, err := ParseMessage(reparse(t, []byte("MSG ops 2 1 3 ada 0123456789ab 7 poll edited=9 :text")))
	if err != nil || m.Kind != "poll" || m.Text != "text" {
		t.Errorf("got %+v, %v, want a kind and a key that are not known to be taken", m, err)
	}
}

func TestParseMessageErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"NOTE :x", "expected MSG"},
		{"MSG", "0 words after the verb, expected 8"},
		{"MSG ops 2 1 3 ada 0123456789ab 7 :x", "7 words after the verb, expected 8"},
		{"MSG ops 2 1 3 ada 0123456789ab 7 say", `a text, after " :", is missing`},
		{"MSG ops 2 1 3 ada 0123456789ab 7 say more :x", `"more" is one word too many`},
		{"MSG ops -2 1 3 ada 0123456789ab 7 say :x", `"-2" is no decimal number`},
		{"MSG ops 2 02 3 ada 0123456789ab 7 say :x", `"02" is no decimal number`},
		{"MSG ops 2 2 3 ada 0123456789ab 7 say :x", "PREV is not less than SEQ"},
		{"MSG ops 0 0 3 ada 0123456789ab 7 say :x", "PREV is not less than SEQ"},
		{"MSG ops 2 1 253402300800000 ada 0123456789ab 7 say :x", "a time after the year 9999"},
		{"MSG ops 2 1 x ada 0123456789ab 7 say :x", `"x" is no decimal number`},
		{"MSG ops 2 1 3 ada 0123456789AB 7 say :x", `"0123456789AB" is not 12 hexadecimal digits`},
		{"MSG ops 2 1 3 ada 0123456789a 7 say :x", `"0123456789a" is not 12 hexadecimal digits`},
		{"MSG ops 2 1 3 ada 0123456789ab 7 Say :x", `"Say" is no kind of message`},
		{"MSG ops 2 1 3 ada 0123456789ab 7 abcdefghijklmnopq :x", `"abcdefghijklmnopq" is no kind of message`},
	} {
		m, prev, err := ParseMessage(reparse(t, []byte(c.line)))
		if err == nil || !strings.HasSuffix(err.Error(), ": "+c.want) || m != (Message{}) || prev != 0 {
			t.Errorf("ParseMessage(%q) = %+v, %d, %v, want the error %s", c.line, m, prev, err, c.want)
			continue
		}
		checkSyntaxError(t, []byte(c.line), err)
	}
	if _, _, _, err := ParsePast(reparse(t, AppendMessage(nil, sample, 0))); err == nil {
		t.Error("ParsePast took a MSG")
	}
}

func TestMessageAllocations(t *testing.T) {
	dst := make([]byte, 0, MaxLine)
	if n := testing.AllocsPerRun(100, func() { AppendMessage(dst, sample, 1) }); n != 0 {
		t.Errorf("AppendMessage: %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { AppendPast(dst, "t", sample, 1) }); n != 0 {
		t.Errorf("AppendPast: %v allocations, want 0", n)
	}
	l := reparse(t, AppendMessage(nil, sample, 1))
	if n := testing.AllocsPerRun(100, func() { ParseMessage(l) }); n != 0 {
		t.Errorf("ParseMessage: %v allocations, want 0", n)
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add("ops", uint64(2), uint64(1), uint64(1792000000123), "ada", "0123456789ab", uint64(7), "say", "text")
	f.Add("", uint64(0), uint64(9), uint64(1)<<63, "a b", "x", uint64(0), "", "\n")
	f.Fuzz(func(t *testing.T, room string, seq, prev, ms uint64, name, author string, id uint64, kind, text string) {
		line := fmt.Sprintf("MSG %s %d %d %d %s %s %d %s :%s", room, seq, prev, ms, name, author, id, kind, text)
		l, err := ParseLine([]byte(line))
		if err != nil {
			return
		}
		m, before, err := ParseMessage(l)
		if err != nil {
			checkSyntaxError(t, []byte(line), err)
			return
		}
		if string(AppendMessage(nil, m, before)) != l.String()+"\n" && len(l.Words) == messageWords {
			t.Errorf("%q is appended as %q", line, AppendMessage(nil, m, before))
		}
		roundTrips(t, l)
	})
}

func BenchmarkAppendMessage(b *testing.B) {
	dst := make([]byte, 0, MaxLine)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMessage(dst[:0], sample, 1040)
	}
}

func BenchmarkParseMessage(b *testing.B) {
	line := AppendMessage(nil, sample, 1040)
	b.ReportAllocs()
	for b.Loop() {
		l, _ := ParseLine(line)
		ParseMessage(l)
	}
}
