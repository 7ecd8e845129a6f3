package bench

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"
)

// pureWorker is a worker of the plan for l whose time is measured from 0 on and
// without end, unless p is changed.
func pureWorker(l Load, lossy bool) *worker {
	l.Sessions, l.Depth = max(l.Sessions, 1), max(l.Depth, 1)
	p := &plan{load: l, lossy: lossy, keeps: lossy, timeout: int64(time.Second)}
	return &worker{plan: p, tally: newTally()}
}

func mustEcho(t testing.TB, c Content) Exchange {
	t.Helper()
	x, err := Echo(c)
	if err != nil {
		t.Fatalf("Echo(%+v): %v", c, err)
	}
	return x
}

// counts are the counters of a tally that are not 0, for comparing and showing.
func counts(y *tally) map[string]int64 {
	all := map[string]int64{
		"sent": y.sent, "answered": y.answered, "out": y.bytesOut, "in": y.bytesIn,
		"lost": y.lost, "late": y.late, "duplicated": y.duplicated, "reordered": y.reordered, "stray": y.stray,
		"unanswered": y.unanswered, "unsent": y.unsent, "latencies": y.latency.TotalCount(),
	}
	for kind, n := range y.errors {
		all["error "+kind] = n
	}
	maps.DeleteFunc(all, func(_ string, n int64) bool { return n == 0 })
	return all
}

func wantCounts(t *testing.T, when string, y *tally, want map[string]int64) {
	t.Helper()
	if got := counts(y); !maps.Equal(got, want) {
		t.Errorf("%s: counted\n%v, want\n%v", when, got, want)
	}
}

// sendAll moves everything that s has to send, and returns it.
func sendAll(s session, now int64) (wire []byte) {
	for {
		b, more := s.next(nil, 1<<20)
		if !more {
			return wire
		}
		s.sent(len(b), now)
		wire = append(wire, b...)
	}
}

// answered is like received, for a right answer.
func mustReceive(t *testing.T, s session, data []byte, now int64, want int) {
	t.Helper()
	if n, err := s.received(data, now); n != want || err != nil {
		t.Fatalf("received(%.40q, %d) = %d, %v, want %d, nil", data, now, n, err, want)
	}
}

func wantPending(t *testing.T, s session, unsent, unanswered int) {
	t.Helper()
	if a, b := s.pending(); a != unsent || b != unanswered {
		t.Errorf("pending() = %d, %d, want %d, %d", a, b, unsent, unanswered)
	}
}

// fixedAnswer is an exchange of messages "m0", "m1" ... whose answers are "a0",
// "a1" ..., with numbers of one digit; as one that is not of this package may be.
type fixedAnswer struct{}

var errOther = errors.New("another")

func (fixedAnswer) Append(dst []byte, _ int, seq uint64) []byte {
	return fmt.Appendf(dst, "m%d", seq%10)
}
func (fixedAnswer) Size(uint64) int       { return 2 }
func (fixedAnswer) AnswerSize(uint64) int { return 2 }
func (fixedAnswer) Check(answer []byte, _ int, seq uint64) error {
	if !bytes.Equal(answer, fmt.Appendf(nil, "a%d", seq%10)) {
		return errOther
	}
	return nil
}
func (fixedAnswer) Number([]byte, int, uint64) (uint64, bool) { return 0, false }
func (fixedAnswer) String() string                            { return "fixed" }
