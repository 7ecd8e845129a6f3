package bench

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"parley"
)

func TestStreamTakesAnswersInAnyParts(t *testing.T) {
	x := mustEcho(t, Content{Size: 10})
	for first := range 31 {
		for second := first; second <= 30; second++ {
			w := pureWorker(Load{Exchange: x}, false)
			s := newStream(w, 3)
			for at := range int64(3) {
				s.due(at)
			}
			wire := sendAll(s, 10)
			over := 0
			for _, part := range [][]byte{wire[:first], wire[first:second], wire[second:]} {
				n, err := s.received(part, 20)
				if err != nil {
					t.Fatalf("split at %d and %d: %v", first, second, err)
				}
				over += n
			}
			wantPending(t, s, 0, 0)
			s.end(nil, 30)
			if over != 3 {
				t.Errorf("split at %d and %d: %d answers, want 3", first, second, over)
			}
			wantCounts(t, "at the end", w.tally, map[string]int64{"sent": 3, "out": 30, "answered": 3, "in": 30, "latencies": 3})
		}
	}
}

func TestStreamWrongAnswers(t *testing.T) {
	x := mustEcho(t, Content{Size: 10})
	message := func(seq uint64) []byte { return x.Append(nil, 0, seq) }
	bad := message(1)
	bad[9] ^= 1
	for _, c := range []struct {
		name     string
		sent     int // bytes of messages 0 and 1
		received []byte
		answered int
		want     string
	}{
		{"nothing was sent", 0, []byte("x"), 0, "before it was sent in full"},
		{"a byte after the last answer", 20, append(slices.Concat(message(0), message(1)), 'x'), 2, "more than"},
		{"a whole answer to a half-sent message", 19, slices.Concat(message(0), message(1)), 1, "before it was sent in full"},
		{"an answer to an unsent message", 10, slices.Concat(message(0), message(1)), 1, "before it was sent in full"},
		{"the second is changed", 20, slices.Concat(message(0), bad), 1, `message 1 of session 0: from byte 9 on it is "` + string(bad[9:]) + `", want "` + string(message(1)[9:]) + `"`},
		{"the second comes first", 20, slices.Concat(message(1), message(0)), 0, "message 0"},
	} {
		w := pureWorker(Load{Exchange: x}, false)
		s := newStream(w, 0)
		s.due(0)
		s.due(0)
		s.next(nil, 1<<10)
		s.sent(c.sent, 1)
		n, err := s.received(c.received, 2)
		if n != c.answered || !errors.Is(err, ErrWrongAnswer) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: received = %d, %v, want %d, a wrong answer with %q", c.name, n, err, c.answered, c.want)
			continue
		}
		if _, more := s.next(nil, 100); more {
			t.Errorf("%s: there is more to send", c.name)
		}
		if n, again := s.received([]byte("y"), 3); n != 0 || again != err {
			t.Errorf("%s: received after it = %d, %v, want 0 and the same error", c.name, n, again)
		}
		if _, again := s.expire(3); again != err {
			t.Errorf("%s: expire after it = %v, want the same error", c.name, again)
		}
		s.end(err, 4)
		if got := w.tally.errors; !maps.Equal(got, map[string]int64{"wrong answer": 1}) {
			t.Errorf("%s: errors %v", c.name, got)
		}
		over := int64(c.answered)
		if s.(*stream).wrong { // which is an answer too
			over++
		}
		if y, whole := w.tally, int64(c.sent/10); y.unanswered != whole-over || y.unsent != 2-whole {
			t.Errorf("%s: unanswered %d, unsent %d", c.name, y.unanswered, y.unsent)
		}
	}
}

// An echo of bytes answers the beginning of a message before it has got the end.
func TestStreamTakesPartsOfAnEarlyAnswer(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 10})}, false)
	s := newStream(w, 0)
	s.due(0)
	b, _ := s.next(nil, 100)
	s.sent(6, 1)
	mustReceive(t, s, b[:6], 2, 0)
	rest, more := s.next(nil, 100)
	if !more || !bytes.Equal(rest, b[6:]) {
		t.Fatalf("next() after 6 bytes = %q, want %q", rest, b[6:])
	}
	s.sent(4, 3)
	mustReceive(t, s, b[6:], 4, 1)
}

func TestStreamTimeout(t *testing.T) {
	const second = int64(time.Second)
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4}), Depth: 2}, false)
	s := newStream(w, 0)
	alive := func(now int64) {
		t.Helper()
		if n, err := s.expire(now); n != 0 || err != nil {
			t.Fatalf("expire(%d) = %d, %v, want 0, nil", now, n, err)
		}
	}
	alive(100 * second) // nothing is awaited
	s.due(100 * second)
	alive(101 * second)
	wire := sendAll(s, 101*second) // was blocked
	alive(102 * second)
	mustReceive(t, s, wire[:3], 102*second, 0)
	mustReceive(t, s, wire[3:], 102*second, 1)
	alive(200 * second)
	s.due(200 * second)
	s.due(200 * second)
	wire = sendAll(s, 200*second)
	mustReceive(t, s, wire[:4], 200*second+second/2, 1)
	alive(201*second + second/2) // the other became the oldest at the answer
	_, err := s.expire(201*second + second/2 + 1)
	if !errors.Is(err, ErrUnanswered) || !strings.Contains(err.Error(), "for 1s: 1 messages of session 0") {
		t.Errorf("expire = %v, want unanswered for 1s", err)
	}
	s.end(err, 202*second)
	wantCounts(t, "at the end", w.tally, map[string]int64{"sent": 3, "out": 12, "answered": 2, "in": 8, "latencies": 2, "unanswered": 1, "error unanswered": 1})
}

// A message that the transport does not take waits as well.
func TestStreamTimeoutOfWhatIsNotSent(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4})}, false)
	s := newStream(w, 0)
	s.due(0)
	s.next(nil, 10)
	s.sent(2, 100)
	if _, err := s.expire(100 + int64(time.Second)); err != nil {
		t.Errorf("expire at the timeout: %v", err)
	}
	if _, err := s.expire(101 + int64(time.Second)); !errors.Is(err, ErrUnanswered) {
		t.Errorf("expire after the timeout: %v, want unanswered", err)
	}
	s.end(ErrUnanswered, 102+int64(time.Second))
	wantCounts(t, "at the end", w.tally, map[string]int64{"out": 2, "unsent": 1, "error unanswered": 1})
}

// In an open loop a session that is blocked keeps the moments that its messages
// were intended for.
func TestStreamKeepsIntendedMoments(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4}), Rate: 1000}, false)
	s := newStream(w, 0)
	var wire []byte
	for at := range int64(100) { // blocked
		s.due(at * 1e6)
	}
	wantPending(t, s, 100, 0)
	wire = sendAll(s, 200e6)
	wantPending(t, s, 0, 100)
	mustReceive(t, s, wire, 201e6, 100)
	if y := w.tally.latency; y.TotalCount() != 100 || y.Max() < 201e6 || y.Min() > 102e6 || y.Min() < 101e6 {
		t.Errorf("%d latencies from %d to %d, want 100 from 102e6 to 201e6", y.TotalCount(), y.Min(), y.Max())
	}
}

func TestStreamMeasuresByTheMoment(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4})}, false)
	w.plan.from, w.plan.until = 100, 200
	s := newStream(w, 0)
	exchange := func(due, sent, answered int64) {
		s.due(due)
		wire := sendAll(s, sent)
		mustReceive(t, s, wire, answered, 1)
	}
	exchange(10, 10, 20)    // warm-up
	exchange(90, 90, 110)   // sent in it, answered after
	exchange(90, 110, 120)  // due in it
	exchange(150, 150, 160) // within
	exchange(190, 190, 210) // answered after the end
	wantCounts(t, "at the end", w.tally, map[string]int64{"sent": 3, "out": 12, "answered": 3, "in": 12, "latencies": 2})
	s.due(10)
	s.due(199)
	s.end(nil, 220)
	if w.tally.unsent != 1 {
		t.Errorf("unsent = %d, want the 1 that was intended within the time", w.tally.unsent)
	}
}

func TestStreamEndCountsWhatIsUnderWay(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4})}, false)
	s := newStream(w, 0)
	for at := range int64(5) {
		s.due(at)
	}
	b, _ := s.next(nil, 100)
	s.sent(4+4+4+2, 10)
	mustReceive(t, s, b[:6], 11, 1)
	wantPending(t, s, 2, 2)
	s.end(io.EOF, 12)
	wantCounts(t, "at the end", w.tally, map[string]int64{"sent": 3, "out": 14, "answered": 1, "in": 6, "latencies": 1, "unanswered": 2, "unsent": 2, "error closed": 1})
}

func TestStreamBacklogIsBounded(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4}), Sessions: mostBacklog / 64}, false)
	s := newStream(w, 0)
	for at := range int64(70) {
		s.due(at)
	}
	wantPending(t, s, 64, 0)
	wantCounts(t, "with 70 due", w.tally, map[string]int64{"unsent": 6, "error backlog": 6})
	wire := sendAll(s, 100)
	mustReceive(t, s, wire, 110, 64)
	s.due(120) // there is room again
	wantPending(t, s, 1, 0)
	w.plan.from = 200
	for range 64 {
		s.due(130) // the last of them in vain, in the warm-up
	}
	if w.tally.unsent != 6 || w.tally.errors["backlog"] != 6 {
		t.Errorf("after the warm-up's: unsent %d, errors %v, want 6 of both", w.tally.unsent, w.tally.errors)
	}
}

// What a server says in place of an answer is told, though it is longer.
func TestStreamShowsALongerAnswer(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4}), Framing: parley.Line}, false)
	s := newStream(w, 0)
	s.due(0)
	sendAll(s, 1)
	_, err := s.received([]byte("I am no echo\n"), 2)
	const want = `wrong answer to message 0 of session 0: from byte 0 on it is "I am no echo", want "AAAA"`
	if err == nil || err.Error() != want {
		t.Errorf("received = %v, want %s", err, want)
	}
}

func TestStreamGivesLongMessagesInParts(t *testing.T) {
	const size, room = 1000, 64
	x := mustEcho(t, Content{Size: size, Lines: true})
	for _, taken := range []int{1, 63, 64} {
		w := pureWorker(Load{Exchange: x}, false)
		s := newStream(w, 5)
		s.due(0)
		s.due(0)
		var wire []byte
		for {
			b, more := s.next(nil, room)
			if !more {
				break
			}
			if len(b) > room {
				t.Fatalf("next gave %d bytes for room %d", len(b), room)
			}
			n := min(taken, len(b))
			s.sent(n, 1)
			wire = append(wire, b[:n]...)
		}
		if want := x.Append(x.Append(nil, 5, 0), 5, 1); !bytes.Equal(wire, want) {
			t.Errorf("taken %d bytes at a time, the messages came out as %d bytes, and not as they are", taken, len(wire))
		}
		mustReceive(t, s, wire, 2, 2)
	}
}

func TestStreamFailsOnWhatCannotBeSent(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []string
		framing  Framing
		want     string
	}{
		{"a line feed in a line", []string{"good", "b\nad"}, parley.Line, "framing"},
		{"a zero byte", []string{"good", "b\x00ad"}, parley.Nul, "framing"},
		{"another size", []string{"good", "better"}, parley.Fixed(4), "frame of 4"},
		{"an empty one", []string{"good", ""}, nil, "nothing on a stream"},
	} {
		var given [][]byte
		for _, m := range c.messages {
			given = append(given, []byte(m))
		}
		w := pureWorker(Load{Exchange: mustEcho(t, Content{Messages: given}), Framing: c.framing}, false)
		s := newStream(w, 0)
		s.due(0)
		s.due(0)
		first := []byte("good")
		if c.framing != nil {
			first, _ = c.framing.Append(nil, first)
		}
		b, more := s.next(nil, 100)
		if !more || !bytes.Equal(b, first) {
			t.Errorf("%s: next = %q, %v, want the good one", c.name, b, more)
		}
		s.sent(len(b), 1)
		wantPending(t, s, 1, 1)
		if _, more := s.next(nil, 100); more {
			t.Errorf("%s: there is more to send", c.name)
		}
		_, err := s.expire(2)
		if !errors.Is(err, errUnsendable) || !strings.Contains(err.Error(), c.want) && !errors.Is(err, parley.ErrUnframeable) {
			t.Errorf("%s: expire = %v, want unsendable", c.name, err)
		}
	}
}

func TestStreamFramesBothWays(t *testing.T) {
	for _, c := range []struct {
		name     string
		framing  Framing
		content  Content
		back     func(framed []byte) []byte
		answered int
		wrong    bool
	}{
		{"line", parley.Line, Content{Size: 9}, nil, 3, false},
		{"line of lines", parley.Line, Content{Size: 9, Lines: true}, nil, 3, false},
		{"lines that are given", parley.Line, Content{Messages: [][]byte{[]byte("a"), []byte("b\n")}, Lines: true}, nil, 3, false},
		{"CRLF", parley.Line, Content{Size: 9}, crlf, 3, false},
		{"CRLF of lines", parley.Line, Content{Size: 9, Lines: true}, crlf, 3, false},
		{"CRLF without a framing", nil, Content{Size: 9, Lines: true}, crlf, 0, true},
		{"nul", parley.Nul, Content{Size: 9}, nil, 3, false},
		{"len32", parley.Len32, Content{Size: 9}, nil, 3, false},
		{"len32 of empty ones", parley.Len32, Content{Messages: [][]byte{{}}}, nil, 3, false},
		{"line of empty ones", parley.Line, Content{Messages: [][]byte{{}}}, nil, 3, false},
		{"fixed", parley.Fixed(9), Content{Size: 9}, nil, 3, false},
		{"a longer one", parley.Line, Content{Size: 9}, func(b []byte) []byte { return append([]byte("x"), b...) }, 0, true},
		{"an endless one", parley.Line, Content{Size: 9}, func(b []byte) []byte { return make([]byte, slack+20) }, 0, true},
		{"a huge one", parley.Len32, Content{Size: 9}, func(b []byte) []byte { return []byte("\xff\xff\xff\xff") }, 0, true},
		{"an empty line between", parley.Line, Content{Size: 9}, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\n\n")) }, 1, true},
	} {
		x := mustEcho(t, c.content)
		for _, chunk := range []int{1, 2, 3, 7, 1 << 20} {
			w := pureWorker(Load{Exchange: x, Framing: c.framing}, false)
			s := newStream(w, 0)
			for range 3 {
				s.due(0)
			}
			b, _ := s.next(nil, 1<<10)
			wire := slices.Clone(b)
			s.sent(chunk%len(wire), 1) // half
			rest := sendAll(s, 1)
			if got := append(wire[:chunk%len(wire):chunk%len(wire)], rest...); !bytes.Equal(got, b) {
				t.Fatalf("%s: half-sent after %d bytes, it was sent as %q, want %q", c.name, chunk, got, b)
			}
			if c.back != nil {
				wire = c.back(slices.Clone(wire))
			}
			answered, err := 0, error(nil)
			for part := range slices.Chunk(wire, chunk) {
				var n int
				n, err = s.received(part, 2)
				answered += n
				if err != nil {
					break
				}
			}
			if answered != c.answered || errors.Is(err, ErrWrongAnswer) != c.wrong || (err != nil) != c.wrong {
				t.Errorf("%s, %d bytes at a time: %d answers, %v, want %d, wrong %v", c.name, chunk, answered, err, c.answered, c.wrong)
			}
			if s.(*stream).partial != nil && err == nil {
				t.Errorf("%s: it still holds a buffer", c.name)
			}
		}
	}
}

func crlf(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }

// A streamModel is the slow obvious stream: everything that was ever sent or
// received, and of each message when it was intended for.
type streamModel struct {
	messages [][]byte // framed
	intended []int64
	wire     []byte // taken by the transport
	answers  []byte // of all messages that were sent in full, framed
	heard    int    // bytes of answers
	ends     []int  // of each answer in answers
	answered int
	tally    *tally
}

// sentInFull is how many messages are in wire.
func (m *streamModel) sentInFull() (n int) {
	total := 0
	for n < len(m.messages) && total+len(m.messages[n]) <= len(m.wire) {
		total += len(m.messages[n])
		n++
	}
	return n
}

func TestStreamAgainstModel(t *testing.T) {
	given := [][]byte{[]byte("a"), []byte("bcd"), bytes.Repeat([]byte("e"), 100)}
	for i, c := range []struct {
		service string
		content Content
		framing Framing
	}{
		{"echo", Content{Size: 1}, nil},
		{"echo", Content{Size: 30}, nil},
		{"echo", Content{Size: 300, Lines: true}, nil},
		{"echo", Content{Messages: given}, nil},
		{"echo", Content{Messages: given}, parley.Line},
		{"echo", Content{Messages: given}, parley.Len32},
		{"echo", Content{Size: 9}, parley.Nul},
		{"ack", Content{Size: 20, Lines: true}, nil},
		{"ack", Content{Messages: given, Lines: true}, parley.Line},
		{"stamp", Content{Size: 20, Lines: true}, nil},
		{"timesync", Content{Lines: true}, nil},
		{"timesync", Content{}, parley.Len32},
		{"ntp", Content{}, nil},
	} {
		x, err := NewExchange(c.service, nil, c.content)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(20) {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			if !runStreamModel(t, x, c.framing, random) {
				t.Fatalf("%s %+v %v, seed %d", c.service, c.content, c.framing, seed)
			}
		}
	}
}

// runStreamModel drives a stream and its model by random steps, and reports
// whether they agree.
func runStreamModel(t *testing.T, x Exchange, framing Framing, random *rand.Rand) bool {
	const id = 4
	w := pureWorker(Load{Exchange: x, Framing: framing}, false)
	w.plan.from, w.plan.until = 300, 1500
	p, s, m := w.plan, newStream(w, id), &streamModel{tally: newTally()}
	frame := func(b []byte) []byte {
		if framing != nil {
			b, _ = framing.Append(nil, b)
		}
		return b
	}
	now := int64(0)
	for range 600 {
		now += int64(random.IntN(6))
		switch random.IntN(4) {
		case 0:
			for range random.IntN(4) {
				at := now - int64(random.IntN(20))
				s.due(at)
				m.messages = append(m.messages, frame(x.Append(nil, id, uint64(len(m.messages)))))
				m.intended = append(m.intended, at)
			}
		case 1, 2:
			if random.IntN(2) == 0 {
				room := 1 + random.IntN(200)
				dst := []byte("dst")[:random.IntN(4)]
				b, more := s.next(dst, room)
				pending, given := bytes.Join(m.messages, nil)[len(m.wire):], b[len(dst):]
				if more != (len(pending) > 0) || !bytes.HasPrefix(pending, given) {
					t.Errorf("next gave %.60q, %v, want the beginning of %.60q", given, more, pending)
					return false
				}
				n := random.IntN(len(given) + 1)
				if random.IntN(3) > 0 {
					n = len(given)
				}
				before := m.sentInFull()
				s.sent(n, now)
				m.wire = append(m.wire, given[:n]...)
				for seq := before; seq < m.sentInFull(); seq++ {
					m.answers = append(m.answers, frame(answerTo(x, id, uint64(seq)))...)
					m.ends = append(m.ends, len(m.answers))
					if p.measured(now) {
						m.tally.sent++
					}
				}
				if p.measured(now) {
					m.tally.bytesOut += int64(n)
				}
			}
		case 3:
			n := random.IntN(len(m.answers) - m.heard + 1)
			part := slices.Clone(m.answers[m.heard : m.heard+n])
			m.heard += n
			want := 0
			for m.answered < len(m.ends) && m.ends[m.answered] <= m.heard {
				m.tally.answeredAt(p, m.intended[m.answered], now)
				m.answered++
				want++
			}
			if p.measured(now) {
				m.tally.bytesIn += int64(n)
			}
			got, err := s.received(part, now)
			clear(part) // it is the caller's again
			if got != want || err != nil {
				t.Errorf("received %d bytes = %d, %v, want %d, nil", n, got, err, want)
				return false
			}
		}
		unsent, unanswered := s.pending()
		if full := m.sentInFull(); unsent != len(m.messages)-full || unanswered != full-m.answered {
			t.Errorf("pending() = %d, %d, want %d, %d", unsent, unanswered, len(m.messages)-full, full-m.answered)
			return false
		}
		if _, err := s.expire(now); err != nil {
			t.Errorf("expire: %v", err)
			return false
		}
	}
	s.end(nil, now)
	for seq := m.answered; seq < len(m.messages); seq++ {
		switch {
		case !p.measured(m.intended[seq]):
		case seq < m.sentInFull():
			m.tally.unanswered++
		default:
			m.tally.unsent++
		}
	}
	if got, want := counts(w.tally), counts(m.tally); !maps.Equal(got, want) || !w.tally.latency.Equals(m.tally.latency) {
		t.Errorf("counted\n%v, want\n%v", got, want)
		return false
	}
	return m.answered > 10
}

// FuzzStreamReceived gives a session any bytes in any chunks: how they are cut
// makes no difference. The oracle is the session that gets all at once.
func FuzzStreamReceived(f *testing.F) {
	x := mustEcho(f, Content{Size: 12})
	right := func(n int, framing Framing) (b []byte) {
		for seq := range uint64(n) {
			m := x.Append(nil, 0, seq)
			if framing != nil {
				m, _ = framing.Append(nil, m)
			}
			b = append(b, m...)
		}
		return b
	}
	framings := []Framing{nil, parley.Line, parley.Nul, parley.Len32, parley.Fixed(12)}
	for i, framing := range framings {
		f.Add(uint8(i), 5, 3, right(5, framing), []byte{1, 5, 40})
		f.Add(uint8(i), 5, 12*3+5, right(5, framing), []byte{255, 1, 1, 1, 2})
		f.Add(uint8(i), 3, 100, append(right(3, framing), '\n'), []byte{7})
		f.Add(uint8(i), 3, 100, bytes.ToLower(right(3, framing)), []byte{20, 3})
	}
	f.Fuzz(func(t *testing.T, which uint8, due, sent int, data, cuts []byte) {
		framing := framings[int(which)%len(framings)]
		begin := func() (*worker, session) {
			w := pureWorker(Load{Exchange: x, Framing: framing}, false)
			s := newStream(w, 0)
			for range due & 15 {
				s.due(0)
			}
			b, _ := s.next(nil, 1<<10)
			s.sent(min(max(sent, 0), len(b)), 1)
			return w, s
		}
		oneWorker, one := begin()
		want, wantErr := one.received(data, 2)
		one.end(wantErr, 3)
		manyWorker, many := begin()
		got, err := 0, error(nil)
		rest := data
		for _, cut := range slices.Concat(cuts, []byte{255}) { // the memory behind cuts is the fuzzer's
			n := min(int(cut), len(rest))
			part := slices.Clone(rest[:n])
			rest = rest[n:]
			var k int
			k, err = many.received(part, 2)
			clear(part)
			got += k
			if err != nil {
				break
			}
		}
		if err == nil && len(rest) > 0 {
			var k int
			k, err = many.received(rest, 2)
			got += k
		}
		many.end(err, 3)
		if got != want || errors.Is(err, ErrWrongAnswer) != errors.Is(wantErr, ErrWrongAnswer) || (err == nil) != (wantErr == nil) {
			t.Errorf("in parts: %d, %v; at once: %d, %v", got, err, want, wantErr)
		}
		a, b := counts(manyWorker.tally), counts(oneWorker.tally)
		delete(a, "in") // of a broken session it depends on the parts
		delete(b, "in")
		if !maps.Equal(a, b) {
			t.Errorf("in parts it counted %v, at once %v", a, b)
		}
		if wantErr == nil && framing == nil { // and the bytes were right
			whole := len(data) / 12
			if want != whole || !bytes.HasPrefix(right(due&15, nil), data[:12*whole]) {
				t.Errorf("took %q for %d right answers", data, want)
			}
		}
	})
}

func TestStreamDoesNotAllocate(t *testing.T) {
	for _, framing := range []Framing{nil, parley.Line, parley.Len32} {
		w := pureWorker(Load{Exchange: mustEcho(t, Content{}), Framing: framing, Depth: 4}, false)
		s := newStream(w, 1)
		buf := make([]byte, 0, 4096)
		now := int64(0)
		round := func(split bool) {
			for range 4 {
				s.due(now)
			}
			b, _ := s.next(buf[:0], 2048)
			s.sent(len(b), now)
			cut := len(b)
			if split {
				cut -= 10
			}
			n, err := s.received(b[:cut], now+5)
			k, err2 := s.received(b[cut:], now+5)
			if n+k != 4 || err != nil || err2 != nil {
				t.Fatal(n, k, err, err2)
			}
			s.expire(now + 6)
			now += 10
		}
		for _, split := range []bool{false, true} {
			if raceEnabled && split {
				continue // the race detector drops what is put into a sync.Pool
			}
			if n := testing.AllocsPerRun(100, func() { round(split) }); n > 0 {
				t.Errorf("framing %v, split %v: 4 messages allocate %v times", framing, split, n)
			}
		}
	}
}

func TestStreamIsSmall(t *testing.T) {
	w := pureWorker(Load{Exchange: mustEcho(t, Content{})}, false)
	s := newStream(w, 1).(*stream)
	for range 100 {
		s.due(0)
		mustReceive(t, s, sendAll(s, 1), 2, 1)
	}
	size := unsafe.Sizeof(*s) + uintptr(cap(s.intended.buf))*8
	t.Logf("a stream session of depth 1 has %d bytes", size)
	if size >= 400 {
		t.Errorf("a stream session of depth 1 has %d bytes, want less than 400", size)
	}
}

// An exchange of another package need not make messages in parts, and what it
// finds wrong can be told.
func TestStreamOfAnotherExchange(t *testing.T) {
	w := pureWorker(Load{Exchange: fixedAnswer{}}, false)
	s := newStream(w, 0)
	s.due(0)
	s.due(0)
	if b, more := s.next(nil, 1); string(b) != "m0" || !more {
		t.Errorf("next = %q, %v, want m0 in full", b, more)
	}
	s.sent(1, 1)
	if b, more := s.next(nil, 2); string(b) != "0m1" || !more {
		t.Errorf("next = %q, %v, want the rest and m1", b, more)
	}
	s.sent(3, 2)
	n, err := s.received([]byte("a0b1"), 3)
	if n != 1 || !errors.Is(err, ErrWrongAnswer) || !errors.Is(err, errOther) {
		t.Errorf("received = %d, %v, want 1 and its own error", n, err)
	}
}

// What is only due waits for us, and not for an answer.
func TestStreamDueIsNotUnderWay(t *testing.T) {
	s := newStream(pureWorker(Load{Exchange: mustEcho(t, Content{Size: 4})}, false), 0)
	s.due(0)
	if _, err := s.expire(2 * int64(time.Second)); err != nil {
		t.Errorf("nothing is under way: %v", err)
	}
}
