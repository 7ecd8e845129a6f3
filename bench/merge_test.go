package bench

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

// tallied is a tally with n messages, the latency of each being that number of
// milliseconds.
func tallied(n int64) *tally {
	t := newTally()
	t.sent, t.answered, t.lost = n, n, 1
	for range n {
		t.latency.RecordValue(n * int64(time.Millisecond))
	}
	t.errors["reset"], t.firstErrors["reset"] = 1, time.Duration(n).String()
	return t
}

// collecting is a collector for a run whose measuring begins at from and ends at until.
func collecting(workers int, from, until time.Duration) *collector {
	return newCollector(&plan{from: int64(from), until: int64(until)}, workers)
}

// give has a worker give its tally away, as many seconds after the beginning.
func give(c *collector, worker int, at float64, n int64) {
	c.turn(worker, tallied(n), int64(at*float64(time.Second)))
	c.take()
}

// An interval is shown when every worker has counted it, in the order of time.
func TestIntervalsWaitForEveryWorker(t *testing.T) {
	c := collecting(2, 0, 10*time.Second)
	give(c, 0, 1.001, 1)
	give(c, 0, 2.001, 2)
	if i, ok := c.ready(); ok {
		t.Fatalf("%+v before the second worker has counted", i)
	}
	give(c, 1, 1.002, 4)
	i, ok := c.ready()
	if !ok || i.Sent != 5 || i.At != time.Second || i.Length != time.Second || i.Errors != 2 || i.Lost != 2 {
		t.Errorf("%+v, %v; want 5 messages in the first second", i, ok)
	}
	if i.Max < 4*time.Millisecond || i.P50 < 4*time.Millisecond {
		t.Errorf("%+v, want latencies of 4 ms", i)
	}
	if i, ok := c.ready(); ok {
		t.Errorf("%+v is not complete", i)
	}
	give(c, 1, 2.5, 8)
	if i, ok = c.ready(); !ok || i.Sent != 10 || i.At != 2*time.Second {
		t.Errorf("%+v, %v; want 10 messages in the second second", i, ok)
	}
}

// A worker that was late gives away what it counted in several intervals.
func TestIntervalsOfALateWorker(t *testing.T) {
	c := collecting(1, 0, 10*time.Second)
	give(c, 0, 3.2, 7)
	var sent, n int64
	for i, ok := c.ready(); ok; i, ok = c.ready() {
		sent, n = sent+i.Sent, n+1
	}
	if sent != 7 || n != 3 {
		t.Errorf("%d messages in %d intervals, want 7 in 3", sent, n)
	}
}

// Nothing is lost: what comes after the end belongs to the last interval.
func TestIntervalsAndTheRest(t *testing.T) {
	c := collecting(2, 500*time.Millisecond, 2500*time.Millisecond)
	c.count(func(t *tally) { t.opened += 3 })
	give(c, 0, 1, 1)
	give(c, 1, 1, 2)
	i, ok := c.ready()
	if !ok || i.Length != 500*time.Millisecond || i.At != 500*time.Millisecond || i.Sent != 3 || i.Opened != 3 {
		t.Errorf("first: %+v, %v", i, ok)
	}
	for worker := range 2 {
		for _, at := range []float64{2, 3, 4} {
			give(c, worker, at, 10)
		}
	}
	if i, ok = c.ready(); !ok || i.Sent != 20 || i.At != 1500*time.Millisecond {
		t.Errorf("second: %+v, %v", i, ok)
	}
	if i, ok = c.ready(); ok {
		t.Errorf("%+v before the run is over", i)
	}
	c.close(0, tallied(100))
	c.close(1, tallied(100))
	if i = c.rest(int64(2500 * time.Millisecond)); i.Sent != 240 || i.At != 2*time.Second || i.Length != 500*time.Millisecond {
		t.Errorf("last: %+v", i)
	}
	if c.total.sent != 263 || c.total.latency.TotalCount() != 263 || c.total.opened != 3 || c.total.errors["reset"] != 10 {
		t.Errorf("total: %+v", c.total)
	}
}

// The warm-up is before 0.
func TestIntervalsOfTheWarmup(t *testing.T) {
	c := collecting(1, 2*time.Second, 4*time.Second)
	var at []time.Duration
	for k := range 3 {
		give(c, 0, float64(k+1), 1)
		i, ok := c.ready()
		if !ok || i.Length != time.Second {
			t.Fatalf("%+v, %v", i, ok)
		}
		at = append(at, i.At)
	}
	if at[0] != -time.Second || at[1] != 0 || at[2] != time.Second {
		t.Errorf("ends at %v, want -1s, 0s, 1s", at)
	}
}

// A tally that was merged is used again, and is empty then.
func TestTalliesAreReused(t *testing.T) {
	c := collecting(1, 0, 10*time.Second)
	first := tallied(5)
	c.turn(0, first, int64(time.Second))
	c.take()
	again := c.turn(0, tallied(1), 2*int64(time.Second))
	if again != first || again.sent != 0 || again.latency.TotalCount() != 0 || len(again.errors) != 0 {
		t.Errorf("%+v, want the first tally, empty", again)
	}
}

func TestMergeKeepsTheFirstError(t *testing.T) {
	a, b := newTally(), newTally()
	a.fail("reset", errors.New("first"))
	b.fail("reset", errors.New("second"))
	b.fail("refused", errors.New("third"))
	b.missed, b.worstMiss = 3, time.Second
	a.merge(b)
	if a.errors["reset"] != 2 || a.errors["refused"] != 1 || a.firstErrors["reset"] != "first" || a.firstErrors["refused"] != "third" {
		t.Errorf("%v %v", a.errors, a.firstErrors)
	}
	if a.missed != 3 || a.worstMiss != time.Second {
		t.Errorf("%+v", a)
	}
}

// The busiest worker is what limits a run, and is said to.
func TestGeneratorLimits(t *testing.T) {
	r := newRun(Load{Workers: 2, Sessions: 2})
	r.looped = true
	r.counts.workers = []share{{idle: time.Second, elapsed: 2 * time.Second}, {idle: 10 * time.Millisecond, elapsed: time.Second}}
	g := r.generator()
	if g.Busy < 0.989 || g.Busy > 0.991 || len(g.Limits) != 1 {
		t.Errorf("%+v, want busy 0.99", g)
	}
	r.counts.workers[1].idle = time.Second / 2
	r.counts.total.sent, r.counts.total.missed, r.counts.total.worstMiss = 1000, 10, time.Second
	if g := r.generator(); g.Busy != 0.5 || len(g.Limits) != 0 || g.Missed != 10 {
		t.Errorf("%+v, want no limit", g)
	}
	r.counts.total.missed = 11
	if g := r.generator(); len(g.Limits) != 1 {
		t.Errorf("%+v, want the missed schedule to be a limit", g)
	}
}

// Every number of a tally is merged.
func TestMergeTakesEverything(t *testing.T) {
	into, from := newTally(), newTally()
	v := reflect.ValueOf(from).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.CanInt() {
			reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().SetInt(7)
		}
	}
	into.merge(from)
	for i := range v.NumField() {
		if f := reflect.ValueOf(into).Elem().Field(i); f.CanInt() && f.Int() != 7 {
			t.Errorf("%s is %d after the merge, want 7", v.Type().Field(i).Name, f.Int())
		}
	}
}
