package bench

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A collector takes the tallies that workers give away, makes intervals of them
// and sums them up. turn and count are for everybody; the rest is the run's one
// goroutine's.
type collector struct {
	plan  *plan // constant
	more  chan struct{}
	until atomic.Int64 // when the measuring ended, where the plan does not say; 0 while it lasts

	// The run's goroutine only.
	total   *tally
	workers []share
	bins    map[int]*tally // by the interval they are of, not yet complete
	next    int            // the first interval that was not shown

	mu    sync.Mutex // guards what follows
	own   *tally     // what no worker counts: sessions
	inbox []turned
	fresh []*tally // for reuse
}

// A share is how far a worker is.
type share struct {
	covered       int // intervals that it has counted in full
	idle, elapsed time.Duration
}

// turned is a tally that its worker gave away at the end of interval upTo-1.
type turned struct {
	worker, upTo int
	tally        *tally
}

func newCollector(p *plan, workers int) *collector {
	return &collector{
		plan: p, more: make(chan struct{}, 1),
		total: newTally(), workers: make([]share, workers), bins: make(map[int]*tally),
		own: newTally(),
	}
}

// turn takes what a worker counted up to now, and returns a tally for what
// follows. It waits for nobody who works for long.
func (c *collector) turn(worker int, full *tally, now int64) *tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inbox = append(c.inbox, turned{worker, int(now / int64(interval)), full})
	select {
	case c.more <- struct{}{}:
	default:
	}
	if n := len(c.fresh); n > 0 {
		t := c.fresh[n-1]
		c.fresh = c.fresh[:n-1]
		return t
	}
	return newTally()
}

// count adds to what is counted of the interval that is running.
func (c *collector) count(f func(*tally)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.own)
}

// last is the last interval that is measured: what is counted later belongs to
// messages of it.
func (c *collector) last() int {
	until := c.plan.until
	if until == 0 {
		until = c.until.Load()
	}
	if until == 0 {
		return math.MaxInt
	}
	return int((until - 1) / int64(interval))
}

// take sorts what was given away into its intervals.
func (c *collector) take() {
	c.mu.Lock()
	inbox := c.inbox
	c.inbox = nil
	c.mu.Unlock()
	for _, in := range inbox {
		w := &c.workers[in.worker]
		w.covered = max(w.covered, in.upTo)
		c.put(in.worker, min(max(in.upTo-1, c.next), c.last()), in.tally)
		c.recycle(in.tally)
	}
}

// put adds a worker's tally to an interval.
func (c *collector) put(worker, k int, t *tally) {
	w := &c.workers[worker]
	w.idle += t.idle
	w.elapsed += t.elapsed
	bin := c.bins[k]
	if bin == nil {
		bin = newTally()
		c.bins[k] = bin
	}
	bin.merge(t)
}

func (c *collector) recycle(t *tally) {
	t.reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh = append(c.fresh, t)
}

// ready returns the next interval that every worker has counted in full, or ok is
// false. The last one is never: close returns it.
func (c *collector) ready() (i Interval, ok bool) {
	covered := c.workers[0].covered
	for _, w := range c.workers {
		covered = min(covered, w.covered)
	}
	if c.next >= covered || c.next >= c.last() {
		return Interval{}, false
	}
	return c.show(int64(c.next+1) * int64(interval)), true
}

// close adds what is left in the hands of worker, which has ended.
func (c *collector) close(worker int, t *tally) {
	c.take()
	c.put(worker, max(c.next, min(c.last(), c.workers[worker].covered)), t)
	c.workers[worker].covered = math.MaxInt
}

// rest returns the interval that ends at the moment end, into which goes all that
// was not shown. Its Length may be 0 and less where the end was at once.
func (c *collector) rest(end int64) Interval {
	c.take()
	all := newTally()
	for k, bin := range c.bins {
		all.merge(bin)
		delete(c.bins, k)
	}
	c.bins[c.next] = all
	return c.show(end)
}

// show makes an Interval of what is in the next bin, which ends at the moment end.
func (c *collector) show(end int64) Interval {
	bin := c.bins[c.next]
	if bin == nil {
		bin = newTally()
	}
	delete(c.bins, c.next)
	c.mu.Lock()
	bin.merge(c.own)
	c.own.reset()
	c.mu.Unlock()

	begin := int64(c.next) * int64(interval)
	c.next++
	if end > c.plan.from {
		begin = max(begin, c.plan.from)
	}
	c.total.merge(bin)
	return bin.interval(c.plan, begin, end)
}

// interval is what of a tally is shown of the time from begin to end.
func (t *tally) interval(p *plan, begin, end int64) Interval {
	i := Interval{
		Mode: p.load.Mode, At: time.Duration(end - p.from), Length: time.Duration(end - begin),
		Opened: t.opened + t.reopened, Sent: t.sent, Answered: t.answered, BytesIn: t.bytesIn, BytesOut: t.bytesOut,
		Lost: t.lost + t.late, // some may be late in a later one
	}
	for _, n := range t.errors {
		i.Errors += n
	}
	if t.latency.TotalCount() > 0 {
		i.P50 = time.Duration(t.latency.ValueAtQuantile(50))
		i.P99 = time.Duration(t.latency.ValueAtQuantile(99))
		i.Max = time.Duration(t.latency.Max())
	}
	return i
}

// extend adds a short interval that follows to i. The percentiles stay what they are.
func (i *Interval) extend(o Interval) {
	if o.Length > 0 {
		i.At, i.Length = o.At, i.Length+o.Length
	}
	i.Open = o.Open
	i.add(o)
}

// add adds what o counted to i.
func (i *Interval) add(o Interval) {
	i.Opened += o.Opened
	i.Sent += o.Sent
	i.Answered += o.Answered
	i.BytesIn += o.BytesIn
	i.BytesOut += o.BytesOut
	i.Lost += o.Lost
	i.Errors += o.Errors
	i.Max = max(i.Max, o.Max)
}

// merge adds what o counted to t.
func (t *tally) merge(o *tally) {
	t.latency.Merge(o.latency)
	t.sent += o.sent
	t.answered += o.answered
	t.bytesOut += o.bytesOut
	t.bytesIn += o.bytesIn
	t.lost += o.lost
	t.late += o.late
	t.duplicated += o.duplicated
	t.reordered += o.reordered
	t.stray += o.stray
	t.stall = max(t.stall, o.stall)
	t.offered += o.offered
	t.guessed += o.guessed
	t.unanswered += o.unanswered
	t.unsent += o.unsent
	t.opened += o.opened
	t.failed += o.failed
	t.reopened += o.reopened
	t.missed += o.missed
	t.worstMiss = max(t.worstMiss, o.worstMiss)
	t.idle += o.idle
	t.elapsed += o.elapsed
	t.refused += o.refused
	for kind, n := range o.errors {
		t.addErrors(kind, n, o.firstErrors[kind])
	}
}

// addErrors counts n errors of a kind, the first of which had these words.
func (t *tally) addErrors(kind string, n int64, first string) {
	t.errors[kind] += n
	if _, known := t.firstErrors[kind]; !known {
		t.firstErrors[kind] = first
	}
}
