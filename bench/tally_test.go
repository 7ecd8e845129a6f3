package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestWhatIsMeasured(t *testing.T) {
	p := &plan{from: 100, until: 200}
	for _, c := range []struct {
		intended, now      int64
		answered, recorded int64
	}{
		{50, 99, 0, 0},   // all in the warm-up
		{50, 100, 1, 0},  // intended in the warm-up, answered after it
		{99, 150, 1, 0},  //
		{100, 150, 1, 1}, // within
		{100, 199, 1, 1}, //
		{199, 200, 0, 1}, // intended within, answered after the end
		{200, 250, 0, 0}, // after the end
	} {
		y := newTally()
		y.answeredAt(p, c.intended, c.now)
		if y.answered != c.answered || y.latency.TotalCount() != c.recorded {
			t.Errorf("intended %d, answered %d: counted %d, recorded %d, want %d, %d",
				c.intended, c.now, y.answered, y.latency.TotalCount(), c.answered, c.recorded)
		}
	}
	y := newTally()
	y.answeredAt(&plan{from: 100}, 1<<50, 1<<50+7)
	if y.answered != 1 || y.latency.Max() != 7 {
		t.Errorf("without an end: answered %d, latency %d, want 1, 7", y.answered, y.latency.Max())
	}
}

// What was awaited all the time that was measured is in no latency, and is told.
func TestStall(t *testing.T) {
	for _, c := range []struct {
		intended, now int64
		stall         time.Duration
	}{
		{99, 199, 0},
		{99, 200, 101},
		{50, 250, 200},
		{100, 250, 0}, // is measured
	} {
		y, all := newTally(), newTally()
		y.answeredAt(&plan{from: 100, until: 200}, c.intended, c.now)
		all.merge(y)
		if all.stall != c.stall {
			t.Errorf("intended %d, answered %d: stall %d, want %d", c.intended, c.now, all.stall, c.stall)
		}
	}
	y := newTally()
	y.answeredAt(&plan{from: 100}, 50, 1<<50)
	if y.stall != 0 {
		t.Errorf("without an end: stall %d, want 0", y.stall)
	}
}

func TestLatencyHoldsItsRange(t *testing.T) {
	for _, c := range []struct{ took, want int64 }{
		{-5, 1}, {0, 1}, {1, 1}, {999, 999}, {int64(time.Hour), int64(time.Hour)}, {int64(2 * time.Hour), int64(time.Hour)},
	} {
		y := newTally()
		y.record(&plan{}, 1000, 1000+c.took)
		if n, got := y.latency.TotalCount(), y.latency.Max(); n != 1 || got < c.want || float64(got) > float64(c.want)*1.001 {
			t.Errorf("latency %d is recorded %d times as %d, want once as %d", c.took, n, got, c.want)
		}
	}
}

func TestTallyReset(t *testing.T) {
	y := newTally()
	fill := func() {
		y.answeredAt(&plan{}, 5, 9)
		y.fail("reset", io.ErrClosedPipe)
		y.lost, y.worstMiss, y.idle, y.refused = 1, 2, 3, 4
	}
	fill()
	y.reset()
	if got := counts(y); len(got) != 0 || y.worstMiss != 0 || y.idle != 0 || y.refused != 0 || len(y.firstErrors) != 0 {
		t.Errorf("after a reset it holds %v, %+v", got, y)
	}
	if n := testing.AllocsPerRun(10, func() { fill(); y.reset() }); n > 0 {
		t.Errorf("a reset allocates %v times", n)
	}
}

func TestFirstErrorOfEachKind(t *testing.T) {
	y := newTally()
	y.fail("reset", errors.New("one"))
	y.fail("reset", errors.New("two"))
	y.fail("closed", errors.New("three"))
	if y.errors["reset"] != 2 || y.errors["closed"] != 1 || y.firstErrors["reset"] != "one" || y.firstErrors["closed"] != "three" {
		t.Errorf("errors %v, first %v", y.errors, y.firstErrors)
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{wrongAnswer(1, 2, io.EOF), "wrong answer"},
		{fmt.Errorf("%w for 1s", ErrUnanswered), "unanswered"},
		{fmt.Errorf("session 1: %w", errBacklog), "backlog"},
		{fmt.Errorf("%w: it is empty", errUnsendable), "unsendable"},
		{fmt.Errorf("read: %w", io.EOF), "closed"},
		{io.ErrUnexpectedEOF, "closed"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "reset"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "refused"},
		{errors.New("something else"), "failed"},
	} {
		if got := kindOf(c.err); got != c.want {
			t.Errorf("kindOf(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

// What was given up in one interval and comes in another is not a negative loss there.
func TestLostOfAnIntervalIsNotNegative(t *testing.T) {
	p := &plan{load: Load{}}
	y := newTally()
	y.lost, y.late = -40, 40
	if i := y.interval(p, 0, int64(time.Second)); i.Lost != 0 {
		t.Errorf("lost %d, want 0", i.Lost)
	}
}

// What is known of all sockets is the sum.
func TestSocketsAdd(t *testing.T) {
	var s sockets
	s.add(sockinfo{tcp: true, retransmits: 2, rtt: 3 * time.Millisecond, drops: -1})
	s.add(sockinfo{tcp: true, retransmits: 5, rtt: time.Millisecond, drops: -1})
	if got, want := *s.tcp(), (TCP{2, 7, time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond}); got != want || s.dropped() != -1 {
		t.Errorf("%+v and %d dropped, want %+v and -1", got, s.dropped(), want)
	}
}
