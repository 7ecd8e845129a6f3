package bench

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// ms is a millisecond in the times of a session.
const ms = int64(time.Millisecond)

// datagramRig is a session on datagrams with a timeout of a second, whose messages
// are sent at once.
type datagramRig struct {
	t *testing.T
	w *worker
	s session
	x Exchange
}

func newDatagramRig(t *testing.T, l Load) *datagramRig {
	w := pureWorker(l, true)
	return &datagramRig{t: t, w: w, s: newDatagrams(w, 2), x: l.Exchange}
}

// send sends n messages at now.
func (r *datagramRig) send(n int, now int64) {
	for range n {
		r.s.due(now)
	}
	for range n {
		if _, more := r.s.next(nil, 0); !more {
			r.t.Fatal("nothing to send")
		}
		r.s.sent(0, now)
	}
}

// answer gives the session the answer to message seq.
func (r *datagramRig) answer(seq uint64, now int64, over int) {
	r.t.Helper()
	mustReceive(r.t, r.s, answerTo(r.x, 2, seq), now, over)
}

func (r *datagramRig) expire(now int64, over int) {
	r.t.Helper()
	if n, err := r.s.expire(now); n != over || err != nil {
		r.t.Errorf("expire(%d) = %d, %v, want %d, nil", now, n, err, over)
	}
}

func TestDatagramsLossAndLateness(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{})})
	r.send(3, 0)
	r.answer(1, 10*ms, 1)
	r.expire(999*ms, 0)
	r.expire(1000*ms, 2)
	wantPending(t, r.s, 0, 0)
	wantCounts(t, "after the timeout", r.w.tally, map[string]int64{"sent": 3, "out": 192, "in": 64, "answered": 1, "latencies": 1, "lost": 2})
	r.send(40, 1100*ms) // their slots are used again
	r.answer(0, 1500*ms, 0)
	wantCounts(t, "after a late answer", r.w.tally, map[string]int64{"sent": 43, "out": 43 * 64, "in": 128, "answered": 1, "latencies": 2, "lost": 1, "late": 1})
	if got := r.w.tally.latency.Max(); got < 1500*ms {
		t.Errorf("the latency of the late answer is recorded as %d, want 1500 ms", got)
	}
	r.answer(0, 1501*ms, 0) // a duplicate of the late one
	r.answer(1, 1502*ms, 0) // a duplicate, long over
	r.answer(43, 1503*ms, 0)
	wantCounts(t, "after duplicates", r.w.tally, map[string]int64{"sent": 43, "out": 43 * 64, "in": 5 * 64, "answered": 1, "latencies": 2, "lost": 1, "late": 1, "duplicated": 2, "stray": 1})
	wantPending(t, r.s, 0, 40)
	r.s.end(nil, 1600*ms)
	if r.w.tally.unanswered != 40 || r.w.tally.lost != 1 {
		t.Errorf("at an early end: unanswered %d, lost %d, want 40, 1", r.w.tally.unanswered, r.w.tally.lost)
	}
}

func TestDatagramsAnswerAfterTimeoutBeforeExpire(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{})})
	r.send(2, 0)
	r.answer(1, 1000*ms, 2) // both are given up by it
	wantCounts(t, "after it", r.w.tally, map[string]int64{"sent": 2, "out": 128, "in": 64, "lost": 1, "late": 1, "latencies": 1})
}

func TestDatagramsReordering(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{})})
	r.send(6, 0)
	for _, seq := range []uint64{0, 2, 1, 5, 4, 3} {
		r.answer(seq, ms, 1)
	}
	wantCounts(t, "after them", r.w.tally, map[string]int64{"sent": 6, "out": 6 * 64, "in": 6 * 64, "answered": 6, "latencies": 6, "reordered": 3})
}

func TestDatagramsTimeoutInWarmup(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{})})
	r.w.plan.from, r.w.plan.until = 500*ms, 2000*ms
	r.send(2, 100*ms)
	r.send(2, 1900*ms) // gives up what came before
	r.expire(1900*ms, 2)
	r.answer(0, 1950*ms, 0)
	r.answer(2, 2100*ms, 1)
	r.s.end(nil, 2900*ms)
	wantCounts(t, "at the end", r.w.tally, map[string]int64{"sent": 2, "out": 128, "in": 64, "latencies": 1, "lost": 1})
}

func TestDatagramsWrongAnswerIsCounted(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{})})
	r.send(4, 0)
	bad := answerTo(r.x, 2, 1)
	bad[60] ^= 1
	mustReceive(t, r.s, bad, ms, 1) // to 1, as it says
	mustReceive(t, r.s, []byte("what?"), ms, 1)
	bad = answerTo(r.x, 2, 3)
	bad[5] = 'Z' // a number that was never sent, and not its message
	mustReceive(t, r.s, bad, ms, 1)
	wantPending(t, r.s, 0, 1)
	r.answer(3, 2*ms, 1)
	r.answer(0, 2*ms, 0) // over by a wrong answer
	mustReceive(t, r.s, []byte("what?"), ms, 0)
	wantCounts(t, "after them", r.w.tally, map[string]int64{"sent": 4, "out": 256, "in": 256 + 10, "answered": 1, "latencies": 1, "error wrong answer": 3, "duplicated": 1, "stray": 1})
}

func TestDatagramsWithoutNumbersAreTakenInOrder(t *testing.T) {
	x := mustExchange(t, "echo", Content{Messages: [][]byte{[]byte("a"), []byte("b"), []byte("c")}})
	r := newDatagramRig(t, Load{Exchange: x})
	r.send(7, 0) // abcabca
	for _, said := range []string{"b", "a", "a", "c", "c", "b"} {
		mustReceive(t, r.s, []byte(said), ms, 1)
	}
	r.send(1, ms)
	mustReceive(t, r.s, []byte("d"), ms, 1) // to the oldest
	mustReceive(t, r.s, []byte("b"), ms, 1)
	mustReceive(t, r.s, []byte("a"), ms, 0)
	const first = `wrong answer to message 6 of session 2: from byte 0 on it is "d", want "a"`
	if got := r.w.tally.firstErrors["wrong answer"]; got != first {
		t.Errorf("the error is %q, want %q", got, first)
	}
	wantCounts(t, "after them", r.w.tally, map[string]int64{"sent": 8, "out": 8, "in": 9, "answered": 7, "latencies": 7, "reordered": 3, "error wrong answer": 1, "stray": 1})
}

func TestEmptyDatagrams(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{Messages: [][]byte{{}}})})
	r.send(2, 0)
	mustReceive(t, r.s, nil, ms, 1)
	mustReceive(t, r.s, []byte{}, ms, 1)
	mustReceive(t, r.s, nil, ms, 0)
	wantCounts(t, "after them", r.w.tally, map[string]int64{"sent": 2, "answered": 2, "latencies": 2, "stray": 1})
}

// Numbers of one character begin again after 64 messages.
func TestDatagramsShortNumbersWrap(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{Size: 1})})
	for seq := uint64(0); seq < 600; seq += 60 {
		r.send(60, int64(seq)*ms)
		for k := seq + 60; k > seq; k-- {
			r.answer(k-1, int64(seq+1)*ms, 1)
		}
	}
	wantCounts(t, "after them", r.w.tally, map[string]int64{"sent": 600, "out": 600, "in": 600, "answered": 600, "latencies": 600, "reordered": 590})
}

func TestDatagramsAhead(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{Size: 20})})
	for range 3 {
		r.s.due(0)
	}
	b := r.s.(batcher)
	for sent := range uint64(3) {
		for k := range 4 {
			got, more := b.ahead([]byte("x"), k)
			want := append([]byte("x"), answerTo(r.x, 2, sent+uint64(k))...)
			if sent+uint64(k) >= 3 {
				want = []byte("x")
			}
			if more != (len(want) > 1) || !bytes.Equal(got, want) {
				t.Errorf("with %d sent ahead(%d) = %q, %v, want %q", sent, k, got, more, want)
			}
		}
		r.s.sent(20, 0)
	}
	wantPending(t, r.s, 0, 3)
}

func TestDatagramsBacklogAndMemoryAreBounded(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{}), Sessions: mostBacklog})
	for range 70 {
		r.s.due(0)
	}
	wantPending(t, r.s, 64, 0)
	for range 64 {
		r.s.sent(64, 0)
	}
	r.answer(59, 5*ms, 1)
	r.expire(1000*ms, 63)
	// Of 63 that were given up the last 4 are remembered: 60 to 63.
	r.answer(60, 1001*ms, 0)
	r.answer(3, 1002*ms, 0)
	r.answer(58, 1002*ms, 0)
	r.answer(59, 1003*ms, 0)
	wantCounts(t, "after them", r.w.tally, map[string]int64{"sent": 64, "out": 64 * 64, "in": 5 * 64, "answered": 1, "latencies": 2,
		"lost": 62, "late": 1, "duplicated": 1, "stray": 2, "unsent": 6, "error backlog": 6})
	if n := r.s.(*datagrams).lost.len(); n != 4 {
		t.Errorf("%d are remembered, want 4", n)
	}
}

func TestDatagramsEnd(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{})})
	r.send(2, 0)
	r.send(2, 600*ms)
	r.answer(3, 601*ms, 1)
	r.s.due(700 * ms)
	r.s.end(errors.New("gone"), 1100*ms)
	y := r.w.tally
	if y.lost != 2 || y.unanswered != 1 || y.unsent != 1 || len(y.errors) != 1 {
		t.Errorf("lost %d, unanswered %d, unsent %d, errors %v, want 2, 1, 1 and 1", y.lost, y.unanswered, y.unsent, y.errors)
	}
}

func TestPacketsKeepOrder(t *testing.T) {
	x := mustEcho(t, Content{Size: 10})
	begin := func() (*worker, session) {
		w := pureWorker(Load{Exchange: x}, false)
		w.plan.keeps = true
		s := newDatagrams(w, 2)
		for range 3 {
			s.due(0)
		}
		b, more := s.next([]byte("x"), 100)
		if !more || !bytes.Equal(b[1:], answerTo(x, 2, 0)) {
			t.Fatalf("next = %q, %v, want message 0 alone", b, more)
		}
		if b, more := s.(batcher).ahead(nil, 2); !more || !bytes.Equal(b, answerTo(x, 2, 2)) {
			t.Fatalf("ahead(2) = %q, %v, want message 2", b, more)
		}
		if _, more := s.(batcher).ahead(nil, 3); more {
			t.Fatal("ahead(3) has more than the 3 that are due")
		}
		s.sent(10, 5)
		s.sent(0, 6)
		wantPending(t, s, 1, 2)
		return w, s
	}
	w, s := begin()
	mustReceive(t, s, answerTo(x, 2, 0), 9, 1)
	mustReceive(t, s, answerTo(x, 2, 1), 9, 1)
	if n, err := s.received(answerTo(x, 2, 2), 9); n != 0 || !errors.Is(err, ErrWrongAnswer) {
		t.Errorf("an answer to what was not sent: %d, %v, want wrong", n, err)
	}
	wantCounts(t, "after it", w.tally, map[string]int64{"sent": 2, "out": 20, "in": 30, "answered": 2, "latencies": 2})

	_, s = begin()
	if n, err := s.received(answerTo(x, 2, 1), 9); n != 0 || !errors.Is(err, ErrWrongAnswer) {
		t.Errorf("an answer out of order: %d, %v, want wrong", n, err)
	}
	if _, more := s.next(nil, 9); more {
		t.Error("there is more to send after a wrong answer")
	}

	w, s = begin()
	_, err := s.expire(2 * int64(time.Second))
	if !errors.Is(err, ErrUnanswered) {
		t.Errorf("expire = %v, want unanswered", err)
	}
	s.end(err, 2*int64(time.Second))
	wantCounts(t, "at the end", w.tally, map[string]int64{"sent": 2, "out": 20, "unanswered": 2, "unsent": 1, "error unanswered": 1})
}

// A datagramModel is the slow obvious session: it keeps of every message what
// became of it.
type datagramModel struct {
	w        *worker
	x        Exchange
	messages []*modelMessage
	sent     int
}

type modelMessage struct {
	intended, sent int64
	fate           string // "", due or awaited; answered, lost, late, wrong
}

func (m *datagramModel) measured(at int64) int64 {
	if m.w.plan.measured(at) {
		return 1
	}
	return 0
}

func (m *datagramModel) expire(now int64) (over int) {
	for _, msg := range m.messages[:m.sent] {
		if msg.fate == "" && now-msg.sent >= m.w.plan.timeout {
			msg.fate = "lost"
			m.w.tally.lost += m.measured(msg.intended)
			over++
		}
	}
	return over
}

func (m *datagramModel) received(b []byte, now int64) (over int) {
	y := m.w.tally
	y.bytesIn += int64(len(b)) * m.measured(now)
	over = m.expire(now)
	seq, ok := uint64(0), false
	if m.sent > 0 {
		seq, ok = m.x.Number(b, 2, uint64(m.sent-1))
	}
	sent, right := ok && seq < uint64(m.sent), ok && m.x.Check(b, 2, seq) == nil
	switch {
	case sent && m.messages[seq].fate == "":
		m.finish(int(seq), right, now)
		return over + 1
	case !right:
		return over + m.unnumbered(b, now)
	case !sent:
		y.stray += m.measured(now)
	case m.messages[seq].fate == "lost":
		msg := m.messages[seq]
		msg.fate = "late"
		y.lost -= m.measured(msg.intended)
		y.late += m.measured(msg.intended)
		y.record(m.w.plan, msg.intended, now)
	default:
		y.duplicated += m.measured(now)
	}
	return over
}

func (m *datagramModel) unnumbered(b []byte, now int64) int {
	oldest := -1
	for i, msg := range m.messages[:m.sent] {
		if msg.fate != "" {
			continue
		}
		if m.x.Check(b, 2, uint64(i)) == nil {
			m.finish(i, true, now)
			return 1
		}
		if oldest < 0 {
			oldest = i
		}
	}
	if oldest < 0 {
		m.w.tally.stray += m.measured(now)
		return 0
	}
	m.finish(oldest, false, now)
	return 1
}

func (m *datagramModel) finish(seq int, right bool, now int64) {
	msg := m.messages[seq]
	if !right {
		msg.fate = "wrong"
		if m.measured(msg.intended) > 0 {
			m.w.tally.errors["wrong answer"]++
		}
		return
	}
	msg.fate = "answered"
	m.w.tally.answeredAt(m.w.plan, msg.intended, now)
	for _, later := range m.messages[seq+1 : m.sent] {
		if later.fate == "answered" {
			m.w.tally.reordered += m.measured(msg.intended)
			return
		}
	}
}

func TestDatagramsAgainstModel(t *testing.T) {
	for i, c := range []struct {
		service string
		content Content
	}{
		{"echo", Content{}},
		{"echo", Content{Size: 2}},
		{"echo", Content{Size: 1}},
		{"echo", Content{Messages: [][]byte{[]byte("a"), []byte("b"), {}}}},
		{"ack", Content{}},
		{"stamp", Content{Size: 9}},
		{"timesync", Content{}},
		{"ntp", Content{}},
	} {
		x := mustExchange(t, c.service, c.content)
		seen := make(map[string]int64)
		for seed := range uint64(30) {
			got, ok := runDatagramModel(t, x, rand.New(rand.NewPCG(seed, uint64(i))))
			if !ok {
				t.Fatalf("%s %+v, seed %d", c.service, c.content, seed)
			}
			for name, n := range got {
				seen[name] += n
			}
		}
		for _, name := range []string{"answered", "lost", "error wrong answer", "unsent", "late", "duplicated", "reordered"} {
			numbered := c.service != "ack" && c.content.Messages == nil
			if (name == "late" || name == "duplicated") && !numbered || name == "reordered" && c.service == "ack" {
				continue // cannot be known
			}
			if seen[name] < 5 {
				t.Errorf("%s %+v: over all seeds there was %d %s; the steps try nothing", c.service, c.content, seen[name], name)
			}
		}
	}
}

// runDatagramModel drives a session and its model over a network that loses, repeats,
// delays and changes.
func runDatagramModel(t *testing.T, x Exchange, random *rand.Rand) (map[string]int64, bool) {
	w := pureWorker(Load{Exchange: x}, true)
	w.plan.from, w.plan.until, w.plan.timeout = 300, 3500, 60
	other := *w
	other.tally = newTally()
	p, s, m := w.plan, newDatagrams(w, 2), &datagramModel{w: &other, x: x}
	var network [][]byte
	now := int64(0)
	check := func(what string, got, want int) bool {
		a, b := s.pending()
		due, awaited := len(m.messages)-m.sent, 0
		for _, msg := range m.messages[:m.sent] {
			if msg.fate == "" {
				awaited++
			}
		}
		if got != want || a != due || b != awaited {
			t.Errorf("at %d %s: %d over, pending %d, %d; want %d, %d, %d", now, what, got, a, b, want, due, awaited)
			return false
		}
		return true
	}
	for range 1000 {
		now += int64(random.IntN(8))
		switch random.IntN(5) {
		case 0:
			for range random.IntN(5) {
				at := now - int64(random.IntN(10))
				s.due(at)
				m.messages = append(m.messages, &modelMessage{intended: at})
			}
		case 1:
			for range random.IntN(6) {
				b, more := s.next(nil, 100)
				if more != (m.sent < len(m.messages)) {
					t.Errorf("next() has more: %v", more)
					return nil, false
				}
				if !more {
					break
				}
				msg := m.messages[m.sent]
				s.sent(len(b), now)
				msg.sent = now
				if p.measured(now) {
					m.w.tally.sent++
					m.w.tally.bytesOut += int64(len(b))
				}
				if answer := answerTo(x, 2, uint64(m.sent)); random.IntN(10) > 0 {
					network = append(network, answer)
				}
				m.sent++
			}
		case 2, 3:
			if len(network) == 0 {
				continue
			}
			i := 0
			if random.IntN(3) == 0 {
				i = random.IntN(len(network))
			}
			b := bytes.Clone(network[i])
			if random.IntN(8) > 0 { // else it comes again
				network = append(network[:i], network[i+1:]...)
			}
			if random.IntN(20) == 0 && len(b) > 0 {
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			}
			over, err := s.received(b, now)
			if err != nil {
				t.Error(err)
				return nil, false
			}
			if !check("received", over, m.received(b, now)) {
				return nil, false
			}
		case 4:
			over, _ := s.expire(now)
			if !check("expire", over, m.expire(now)) {
				return nil, false
			}
		}
	}
	s.end(nil, now)
	m.expire(now)
	for i, msg := range m.messages {
		if msg.fate == "" && i < m.sent {
			m.w.tally.unanswered += m.measured(msg.intended)
		} else if msg.fate == "" {
			m.w.tally.unsent += m.measured(msg.intended)
		}
	}
	got, want := counts(w.tally), counts(m.w.tally)
	if !maps.Equal(got, want) || !w.tally.latency.Equals(m.w.tally.latency) {
		t.Errorf("counted\n%v, want\n%v", got, want)
		return nil, false
	}
	return got, true
}

// TestGuessed: answers of which each could be another message's are counted.
func TestGuessed(t *testing.T) {
	x, err := Ack(Content{Size: 4})
	if err != nil {
		t.Fatal(err)
	}
	w := pureWorker(Load{Exchange: x}, true)
	s := newDatagrams(w, 0)
	for range 3 {
		s.due(0)
	}
	sendAll(s, 0)
	for i, want := range []int64{1, 2, 2} { // the last is without doubt
		if n, err := s.received(answerTo(x, 0, uint64(i)), 1); n != 1 || err != nil {
			t.Fatalf("received = %d, %v", n, err)
		}
		if w.tally.guessed != want {
			t.Errorf("after answer %d: %d guessed, want %d", i, w.tally.guessed, want)
		}
	}
}

// FuzzDatagrams gives a session any datagrams; the books have to balance: every message
// has one fate.
func FuzzDatagrams(f *testing.F) {
	x := mustEcho(f, Content{Size: 9})
	f.Add([]byte("\x05"), x.Append(nil, 2, 0), x.Append(nil, 2, 1))
	f.Add([]byte("\x03\x00\x01"), []byte("AAAAAAAA"), []byte{})
	f.Add([]byte("\x0f\x40\x81\xff"), x.Append(nil, 2, 9), x.Append(nil, 2, 3))
	f.Fuzz(func(t *testing.T, steps, one, two []byte) {
		w := pureWorker(Load{Exchange: x}, true)
		w.plan.timeout = 50
		s := newDatagrams(w, 2)
		now, due, over := int64(0), 0, 0
		for i, step := range steps {
			now += int64(step >> 4)
			for range step & 3 {
				s.due(now)
				due++
			}
			sendAll(s, now)
			b := one
			if i%2 == 1 {
				b = two
			}
			if step&4 != 0 {
				b = answerTo(x, 2, uint64(step>>3))
			}
			n, err := s.received(b, now)
			if err != nil {
				t.Fatal(err)
			}
			over += n
		}
		_, awaited := s.pending()
		s.end(nil, now)
		y := w.tally
		fates := y.answered + y.late + y.lost + y.unanswered + y.unsent + y.errors["wrong answer"]
		if fates != int64(due) || over+awaited != due || y.answered+y.late != y.latency.TotalCount() {
			t.Errorf("%d messages, %d over, %d awaited; fates %v", due, over, awaited, counts(y))
		}
		if y.offered != fates-y.unsent {
			t.Errorf("%d offered of %d messages; fates %v", y.offered, due, counts(y))
		}
	})
}

func TestDatagramsDoNotAllocate(t *testing.T) {
	r := newDatagramRig(t, Load{Exchange: mustEcho(t, Content{}), Sessions: 1 << 14})
	buf := make([]byte, 0, 1000)
	now := int64(0)
	round := func() {
		for range 4 {
			r.s.due(now)
			buf, _ = r.s.next(buf[:0], 1000)
			r.s.sent(len(buf), now)
		}
		for range 3 { // the last one, again, and again; the others are lost
			if _, err := r.s.received(buf, now+ms); err != nil {
				t.Fatal(err)
			}
		}
		now += 2000 * ms
		r.s.expire(now)
	}
	for range 100 { // until the memory of lost ones is full
		round()
	}
	if n := testing.AllocsPerRun(1000, round); n > 0 {
		t.Errorf("4 messages allocate %v times", n)
	}
}
