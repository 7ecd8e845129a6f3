package bench

import (
	"bytes"
	"encoding/binary"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// answerTo is the right answer of a service to message seq.
func answerTo(x Exchange, session int, seq uint64) []byte {
	message := x.Append(nil, session, seq)
	when := time.Date(2026, time.November, 20, 20, 14, int(seq%60), 0, time.UTC)
	switch x := x.(type) {
	case ack:
		return bytes.Clone(x.reply)
	case *stamp:
		return append([]byte("["+when.Format(time.ANSIC)+"] "), message...)
	case *timesync:
		text := strings.NewReplacer("%Y-%m-%d", when.Format(time.DateOnly), "%H:%M:%S", when.Format(time.TimeOnly), "%%", "%").Replace(string(message))
		return []byte(text)
	case ntpExchange:
		answer := make([]byte, 48)
		answer[0], answer[1] = 4<<3|4, 2
		copy(answer[24:32], message[40:48])
		copy(answer[40:], "\xee\xaa\x00\x00\x11\x22\x33\x44")
		return answer
	}
	return message
}

var exchangeCases = []struct {
	service string
	content Content
}{
	{"echo", Content{}},
	{"echo", Content{Size: 1}},
	{"echo", Content{Size: 3, Lines: true}},
	{"echo", Content{Size: 1000, Lines: true, Seed: 5}},
	{"ack", Content{}},
	{"ack", Content{Size: 20, Lines: true}},
	{"stamp", Content{}},
	{"stamp", Content{Size: 20, Lines: true}},
	{"stamp", Content{Messages: [][]byte{[]byte("hallo"), []byte("du")}}},
	{"timesync", Content{}},
	{"timesync", Content{Lines: true}},
	{"timesync", Content{Size: 100}},
	{"timesync", Content{Size: timesyncFree}},
	{"timesync", Content{Size: timesyncFree + 1, Lines: true}},
	{"timesync", Content{Size: 1000}},
	{"ntp", Content{Seed: 7}},
}

func mustExchange(t testing.TB, service string, c Content) Exchange {
	t.Helper()
	x, err := NewExchange(service, nil, c)
	if err != nil {
		t.Fatalf("NewExchange(%q, %+v): %v", service, c, err)
	}
	return x
}

func TestExchangesTakeRightAnswers(t *testing.T) {
	for _, c := range exchangeCases {
		x := mustExchange(t, c.service, c.content)
		if x.String() != c.service {
			t.Errorf("String() = %q, want %q", x, c.service)
		}
		for _, session := range []int{0, 1, 9999} {
			for _, seq := range []uint64{0, 1, 2, 63, 64, 5000} {
				message, answer := x.Append([]byte("dst"), session, seq)[3:], answerTo(x, session, seq)
				if len(message) != x.Size(seq) || len(answer) != x.AnswerSize(seq) {
					t.Errorf("%s %+v: message of %d bytes and answer of %d, want %d and %d", c.service, c.content,
						len(message), len(answer), x.Size(seq), x.AnswerSize(seq))
				}
				if err := x.Check(answer, session, seq); err != nil {
					t.Errorf("%s %+v: Check(%q) of message %d: %v", c.service, c.content, answer, seq, err)
				}
				n, ok := x.Number(answer, session, seq+1)
				if named := c.service != "ack" && c.content.Messages == nil; ok != named || ok && n != seq {
					t.Errorf("%s %+v: Number(%q) = %d, %v, want %d, %v", c.service, c.content, answer, n, ok, seq, named)
				}
				if c.service == "timesync" && len(answer) > max(len(message), 256) {
					t.Errorf("timesync %+v: an answer of %d bytes to %d, which UDP would not get", c.content, len(answer), len(message))
				}
			}
		}
	}
}

// Each byte of an answer matters, but for those of a time, where another digit may be
// right as well, and those of an NTP header that are the server's.
func TestExchangesFindWrongAnswers(t *testing.T) {
	free := map[string]func(i int) bool{
		"echo": func(int) bool { return false }, "ack": func(int) bool { return false },
		"stamp":    func(i int) bool { return i >= stampFrom && i < stampTo },
		"timesync": func(i int) bool { return i >= timesyncFrom && i < timesyncTo },
		"ntp":      func(i int) bool { return i == 0 || i > 0 && i < 24 || i >= 32 },
	}
	for _, c := range exchangeCases {
		x := mustExchange(t, c.service, c.content)
		answer := answerTo(x, 3, 5)
		for i := range answer {
			bad := bytes.Clone(answer)
			bad[i] ^= 0x80
			if err := x.Check(bad, 3, 5); (err == nil) && !free[c.service](i) {
				t.Errorf("%s %+v: Check took an answer with byte %d changed", c.service, c.content, i)
			} else if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%s: error of more than a line: %q", c.service, err)
			}
			if !c.content.Lines || i < len(answer)-1 {
				if x.Check(answer[:i], 3, 5) == nil {
					t.Errorf("%s %+v: Check took %d bytes of %d", c.service, c.content, i, len(answer))
				}
			}
		}
		if err := x.Check(append(bytes.Clone(answer), 'x'), 3, 5); err == nil && c.service != "ntp" {
			t.Errorf("%s %+v: Check took a byte more", c.service, c.content)
		}
		if c.service != "ack" && c.content.Messages == nil {
			if x.Check(answer, 3, 6) == nil {
				t.Errorf("%s %+v: Check took the answer to another message", c.service, c.content)
			}
			if x.Check(answer, 4, 5) == nil && x.Size(5) > mostDigit+1 && (c.service != "timesync" || c.content.Size > 0) {
				t.Errorf("%s %+v: Check took the answer of another session", c.service, c.content)
			}
		}
	}
}

func TestStampWantsATime(t *testing.T) {
	x := mustExchange(t, "stamp", Content{Size: 4})
	message := string(x.Append(nil, 0, 0))
	for _, c := range []struct {
		when string
		ok   bool
	}{
		{"Fri Nov 20 20:14:03 2026", true},
		{"Sun Nov  1 00:00:00 2026", true},
		{"Sun Nov  1 00:00:00 2026", true},  // known by now
		{"Thu Nov 20 20:14:03 2026", false}, // it was a Friday
		{"Fri Nov 20 24:14:03 2026", false},
		{"Fri Nov 31 20:14:03 2026", false},
		{"fri nov 20 20:14:03 2026", false},
		{"Sun Nov 01 00:00:00 2026", false},
		{"2026-11-20 20:14:03     ", false},
	} {
		for range 2 {
			if err := x.Check([]byte("["+c.when+"] "+message), 0, 0); (err == nil) != c.ok {
				t.Errorf("Check with time %q = %v, want right: %v", c.when, err, c.ok)
			}
		}
	}
}

func TestTimesyncWantsATime(t *testing.T) {
	x := mustExchange(t, "timesync", Content{})
	for when, ok := range map[string]bool{
		"2026-11-20 20:14:03": true, "2024-02-29 00:00:00": true, "2026-02-29 00:00:00": false,
		"2026-11-20 20:60:03": false, "2026-11-20T20:14:03": false, "%Y-%m-%d %H:%M:%S..": false,
	} {
		if err := x.Check([]byte("AAAAAAAA "+when), 0, 0); (err == nil) != ok {
			t.Errorf("Check with time %q = %v, want right: %v", when, err, ok)
		}
	}
	if got, want := string(x.Append(nil, 0, 1)), "BAAAAAAA %Y-%m-%d %H:%M:%S"; got != want {
		t.Errorf("message 1 is %q, want %q", got, want)
	}
}

func TestNTPRefusals(t *testing.T) {
	x := mustExchange(t, "ntp", Content{})
	request := x.Append(nil, 2, 9)
	if len(request) != 48 || request[0] != 4<<3|3 || strings.Trim(string(request[1:40]), "\x00") != "" {
		t.Errorf("request %x, want 48 bytes of version 4, mode 3, and nothing else but the transmit timestamp", request)
	}
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"kiss", func(b []byte) []byte { b[1] = 0; copy(b[12:], "RATE"); return b }, `kiss-o'-death "RATE"`},
		{"mode", func(b []byte) []byte { b[0] = 4<<3 | 5; return b }, "mode 5"},
		{"version", func(b []byte) []byte { b[0] = 3<<3 | 4; return b }, "version 3"},
		{"origin", func(b []byte) []byte { binary.BigEndian.PutUint64(b[24:], 0); return b }, "origin timestamp 0x"},
		{"transmit", func(b []byte) []byte { clear(b[40:48]); return b }, "transmit timestamp 0"},
		{"short", func(b []byte) []byte { return b[:47] }, "47 bytes"},
	} {
		err := x.Check(c.change(answerTo(x, 2, 9)), 2, 9)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Check = %v, want it to say %q", c.name, err, c.want)
		}
	}
	if err := x.Check(append(answerTo(x, 2, 9), make([]byte, 20)...), 2, 9); err != nil {
		t.Errorf("Check of an answer with extension fields: %v", err)
	}
}

func TestNewExchangeRefusals(t *testing.T) {
	one := [][]byte{[]byte("x")}
	for _, c := range []struct {
		service string
		params  map[string]string
		content Content
		want    string
	}{
		{"ecoh", nil, Content{}, `nearest is "echo"`},
		{"chargen", nil, Content{}, "known are echo ack stamp timesync ntp"},
		{"echo", map[string]string{"reply": "x"}, Content{}, `unknown parameter "reply" of echo`},
		{"ack", map[string]string{"repl": "x"}, Content{}, "known is reply"},
		{"echo", nil, Content{Size: -1}, "size -1: want 1 to 67108864 bytes"},
		{"echo", nil, Content{Size: MostSize + 1}, "want 1 to 67108864 bytes"},
		{"ack", nil, Content{Size: -1}, "ack: size -1"},
		{"stamp", nil, Content{Size: -1}, "stamp: size -1"},
		{"echo", nil, Content{Size: 5, Messages: one}, "want no size"},
		{"timesync", nil, Content{Size: 25}, "size 25: want 26"},
		{"timesync", nil, Content{Size: 26, Lines: true}, "size 26: want 27"},
		{"timesync", nil, Content{Messages: one}, "cannot be given"},
		{"ntp", nil, Content{Size: 64}, "48 bytes"},
		{"ntp", nil, Content{Messages: one}, "cannot be given"},
	} {
		if _, err := NewExchange(c.service, maps.All(c.params), c.content); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewExchange(%q, %v, %+v): %v, want it to say %q", c.service, c.params, c.content, err, c.want)
		}
	}
	for reply, want := range map[string]string{"": usualReply, "thanks": "thanks"} {
		x, err := NewExchange("ack", maps.All(map[string]string{"reply": reply}), Content{})
		if err != nil || x.AnswerSize(0) != len(want) || x.Check([]byte(want), 0, 0) != nil {
			t.Errorf("ack with reply %q: %v, want it to take %q", reply, err, want)
		}
	}
}

// An Exchange is safe for concurrent use; the race detector looks on.
func TestExchangesAreShared(t *testing.T) {
	for _, c := range exchangeCases {
		x := mustExchange(t, c.service, c.content)
		var wg sync.WaitGroup
		for session := range 4 {
			wg.Go(func() {
				for seq := range uint64(200) {
					if err := x.Check(answerTo(x, session, seq), session, seq); err != nil {
						t.Errorf("%s: message %d of session %d: %v", c.service, seq, session, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// FuzzCheck gives the exchanges any answer: what is taken for right is what a slow
// comparison takes for it.
func FuzzCheck(f *testing.F) {
	for i, c := range exchangeCases {
		x := mustExchange(f, c.service, c.content)
		f.Add(uint8(i), 3, uint64(5), uint64(9), answerTo(x, 3, 5))
		f.Add(uint8(i), 0, uint64(0), uint64(0), []byte{})
		f.Add(uint8(i), 1, uint64(1)<<63, uint64(2), answerTo(x, 1, 7)[1:])
	}
	var all []Exchange
	for _, c := range exchangeCases {
		all = append(all, mustExchange(f, c.service, c.content))
	}
	f.Fuzz(func(t *testing.T, which uint8, session int, seq, newest uint64, answer []byte) {
		i := int(which) % len(all)
		x, c := all[i], exchangeCases[i]
		session &= 0xffff
		before := bytes.Clone(answer)
		err := x.Check(answer, session, seq)
		n, ok := x.Number(answer, session, newest)
		if !bytes.Equal(answer, before) {
			t.Fatal("the answer was changed")
		}
		right := slowlyRight(x, c.content.Lines, answer, session, seq)
		if (err == nil) != right {
			t.Errorf("%s %+v: Check(%q, %d, %d) = %v, want right: %v", c.service, c.content, answer, session, seq, err, right)
		}
		if err == nil && c.service != "ack" && c.content.Messages == nil {
			if again, ok := x.Number(answer, session, seq); x.Size(seq) >= 9 && (!ok || again != seq && seq < 1<<48) {
				t.Errorf("%s: Number(%q, newest %d) = %d, %v", c.service, answer, seq, again, ok)
			}
		}
		if ok && n <= newest && c.service != "ntp" && c.service != "ack" { // it is the newest that is written so
			m := x.Append(nil, session, n)
			k := min(mostDigit, x.Size(n))
			if c.content.Lines {
				k = min(mostDigit, x.Size(n)-1)
			}
			from := 0
			if c.service == "stamp" {
				from = stampSize
			}
			if !bytes.Equal(m[:k], answer[from:from+k]) || k < 8 && newest-n >= 1<<(6*k) {
				t.Errorf("%s: Number(%q, newest %d) = %d, whose message begins with %q", c.service, answer, newest, n, m[:k])
			}
		}
	})
}

// slowlyRight is whether an answer is right, by making it.
func slowlyRight(x Exchange, lines bool, answer []byte, session int, seq uint64) bool {
	same := func(want string) bool {
		return string(answer) == want || lines && string(answer) == strings.TrimSuffix(want, "\n")
	}
	message := string(x.Append(nil, session, seq))
	at := func(layout string, from int) (string, bool) {
		if len(answer) < from+len(layout) {
			return "", false
		}
		text := string(answer[from : from+len(layout)])
		when, err := time.Parse(layout, text)
		return text, err == nil && when.Format(layout) == text
	}
	switch x := x.(type) {
	case echo:
		return same(message)
	case ack:
		return string(answer) == string(x.reply)
	case *stamp:
		when, ok := at(time.ANSIC, 1)
		return ok && same("["+when+"] "+message)
	case *timesync:
		when, ok := at(time.DateTime, 9)
		return ok && same(strings.NewReplacer("%Y-%m-%d %H:%M:%S", when, "%%", "%").Replace(message))
	case ntpExchange:
		return len(answer) >= 48 && answer[0]&63 == 4<<3|4 && answer[1] != 0 &&
			string(answer[24:32]) == message[40:] && string(answer[40:48]) != "\x00\x00\x00\x00\x00\x00\x00\x00"
	}
	return false
}

func TestExchangesDoNotAllocate(t *testing.T) {
	for _, c := range exchangeCases {
		x := mustExchange(t, c.service, c.content)
		answer, buf := answerTo(x, 3, 5), make([]byte, 0, 2000)
		n := testing.AllocsPerRun(100, func() {
			buf = x.Append(buf[:0], 3, 5)
			if x.Check(answer, 3, 5) != nil || x.Size(5)+x.AnswerSize(5) == 0 {
				t.Fatal("wrong answer")
			}
			x.Number(answer, 3, 5)
		})
		if n > 0 {
			t.Errorf("%s %+v: a message and its answer allocate %v times", c.service, c.content, n)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	for _, service := range Exchanges() {
		b.Run(service, func(b *testing.B) {
			x := mustExchange(b, service, Content{})
			answer, buf := answerTo(x, 3, 5), make([]byte, 0, 2000)
			b.ReportAllocs()
			for b.Loop() {
				buf = x.Append(buf[:0], 3, 5)
				if x.Check(answer, 3, 5) != nil {
					b.Fatal("wrong answer")
				}
			}
		})
	}
}

// BenchmarkEchoMessages makes and checks 64 byte messages of 64 sessions in turn.
func BenchmarkEchoMessages(b *testing.B) {
	x := mustExchange(b, "echo", Content{})
	buf := make([]byte, 0, 2000)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		buf = x.Append(buf[:0], int(i%64), i/64)
		if x.Check(buf, int(i%64), i/64) != nil {
			b.Fatal("wrong answer")
		}
	}
}

func BenchmarkSession(b *testing.B) {
	for _, lossy := range []bool{false, true} {
		name := "stream"
		if lossy {
			name = "datagrams"
		}
		b.Run(name, func(b *testing.B) {
			w := pureWorker(Load{Exchange: mustExchange(b, "echo", Content{})}, lossy)
			s := newSession(w, 1)
			buf := make([]byte, 0, 2000)
			b.ReportAllocs()
			for now := int64(0); b.Loop(); now += 100 {
				s.due(now)
				buf, _ = s.next(buf[:0], 1000)
				s.sent(len(buf), now)
				if n, err := s.received(buf, now+50); n != 1 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
