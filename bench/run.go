package bench

import (
	"context"
	"net"
	"sync"
	"time"
)

// Run puts the load on its endpoint and returns what it measured. The error is that
// of Check, and nothing was sent then. What happens later is in the report,
// and there is always one: of a run that failed or that ctx ended it says what was
// measured so far.
//
// ctx bounds all of it. When Run returns, every session is closed.
func Run(ctx context.Context, l Load) (*Report, error) {
	if err := Check(l); err != nil {
		return nil, err
	}
	return l.measure(ctx), nil
}

// measure is Run of a load that was checked.
func (l Load) measure(ctx context.Context) *Report {
	r := newRun(l.filled())
	defer context.AfterFunc(ctx, r.interrupt)()
	switch r.plan.load.Mode {
	case Connects:
		r.connects(ctx)
	case Holds:
		r.holds(ctx)
	default:
		r.messages(ctx)
	}
	return r.report()
}

// A run is one call of Run. The life of one that measures messages:
//
//	open -> warm up -> measure -> drain -> report
type run struct {
	// Constant.
	plan    *plan
	dialer  *dialer
	counts  *collector
	started time.Time
	stop    chan struct{} // closed when the run is to end at once

	// Written before what reads them starts, or after it has ended.
	intervals []Interval
	open      int64        // sessions at the end
	openCount func() int64 // sessions now
	early     Interval     // what was measured before the tallies of the warm-up were given away
	looped    bool         // by event loops, which know how busy they are

	mu          sync.Mutex // guards what follows
	begun       bool       // plan.began is when it began
	stopped     bool       // stop is closed
	stoppedAt   int64      // when
	endedAt     int64      // of a run without a time that was set: when it was over
	patient     bool       // ctx ends the run in order
	settled     bool       // the run has ended in its time: nothing interrupts it
	interrupted bool
	failure     error
	sockets     sockets
	usage       usage
}

// newRun makes a run of a load that is filled in.
func newRun(l Load) *run {
	p := &plan{load: l, keeps: l.Endpoint.KeepsMessages(), lossy: l.lossy(), timeout: int64(l.answerTimeout()), answer: l.longestAnswer()}
	return &run{
		plan:    p,
		dialer:  &dialer{load: l},
		counts:  newCollector(p, l.Workers),
		started: time.Now(),
		stop:    make(chan struct{}),
	}
}

// interrupt ends the run because its ctx has ended, which may be what it waits for.
func (r *run) interrupt() {
	r.mu.Lock()
	patient := r.patient
	r.mu.Unlock()
	if !patient {
		r.end(nil)
	}
}

// look ends the run if ctx has ended, at once and not when interrupt is run: for who
// has seen that it has.
func (r *run) look(ctx context.Context) {
	if ctx.Err() != nil {
		r.interrupt()
	}
}

// untilInterrupted says that from now on ctx ends the run in order. It reports
// whether the run still goes on.
func (r *run) untilInterrupted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.patient = !r.stopped
	return r.patient
}

// endNow ends what is measured by a run without a time that was set.
func (r *run) endNow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endedAt = max(r.plan.now(), 1)
	r.counts.until.Store(r.endedAt)
}

// end ends the run at once: because of err, or because it was interrupted.
func (r *run) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.settled {
		return
	}
	r.stopped = true
	if r.begun {
		r.stoppedAt = r.plan.now()
	}
	r.interrupted, r.failure = err == nil, err
	close(r.stop)
}

// settle says that all is over, so that an interruption is none any more.
func (r *run) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settled = true
}

// begin sets the zero of times, and what is measured: length after warmup, 0
// without an end. It reports whether the run goes on.
func (r *run) begin(warmup, length time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
	r.plan.began = time.Now()
	r.plan.from = int64(warmup)
	if length > 0 {
		r.plan.until = int64(warmup + length)
	}
	return !r.stopped
}

// ending is when the measuring ended, or would have if it is still to begin.
func (r *run) ending() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	until := r.plan.until
	if until == 0 {
		until = r.endedAt
	}
	if r.stopped {
		until = min(until, r.stoppedAt)
	}
	return until
}

// messages measures exchanges on sessions that stay open.
func (r *run) messages(ctx context.Context) {
	o := newOpener(ctx, r.plan.load)
	defer o.wait()
	workers, drivers := r.hire(o)
	o.open = func(ctx context.Context, _ int) (net.Conn, error) { return r.dialer.dial(ctx) }
	o.adopt = func(id int, c net.Conn) { drivers[id%len(drivers)].adopt(id, c) }
	o.gone, o.count = r.end, r.counts.count
	r.openCount = o.openCount

	// (1) open
	o.openAll(r.plan.load.Sessions, func(int) bool { return ctx.Err() == nil })
	r.look(ctx)

	// (2) warm up, measure, drain
	r.begin(r.plan.load.Warmup, r.plan.load.Time)
	o.begin()
	measuring := time.AfterFunc(r.plan.load.Warmup, r.usage.begin)
	defer measuring.Stop()
	closing := time.AfterFunc(time.Duration(r.plan.until), func() { o.stop(); r.usage.finish() })
	defer closing.Stop()
	r.drive(workers, drivers)
	r.usage.finish()

	// (3) report
	r.open = o.openCount()
	r.settle()
}

// hire makes the workers and their drivers.
func (r *run) hire(o *opener) (workers []*worker, drivers []driver) {
	for i := range r.plan.load.Workers {
		w := &worker{plan: r.plan, index: i, tally: newTally(), failed: o.failed, info: r.info}
		w.turn = func(full *tally, now int64) *tally { return r.counts.turn(i, full, now) }
		workers = append(workers, w)
		d := newDriver(w)
		_, portable := d.(*crew)
		r.looped = !portable
		drivers = append(drivers, d)
	}
	return workers, drivers
}

// drive runs the drivers, and shows intervals, until all have ended.
func (r *run) drive(workers []*worker, drivers []driver) {
	ended := make(chan int)
	for i, d := range drivers {
		go r.driveOne(i, d, ended) // until the load is done or stop is closed
	}
	for range drivers {
		for i := -1; i < 0; {
			select {
			case <-r.counts.more:
				r.show()
			case i = <-ended:
				r.counts.close(i, workers[i].tally)
			}
		}
	}
	r.showRest()
}

func (r *run) driveOne(i int, d driver, ended chan<- int) {
	d.run(r.stop)
	ended <- i
}

// shortest is how long the last interval has to be for its rate to mean something.
const shortest = interval / 10

// show shows the intervals that are complete.
func (r *run) show() {
	r.counts.take()
	for i, ok := r.counts.ready(); ok; i, ok = r.counts.ready() {
		r.showOne(i)
	}
}

// showRest shows what was not shown when the measuring ended.
func (r *run) showRest() {
	i := r.counts.rest(r.ending())
	n := len(r.intervals)
	switch {
	case n > 0 && i.Length < shortest:
		i.Open = r.openCount()
		r.intervals[n-1].extend(i)
	case i.Length > 0:
		r.showOne(i)
	}
}

func (r *run) showOne(i Interval) {
	i.Open = r.openCount()
	switch {
	case i.warmup():
		r.early.add(i)
		r.early.Errors = 0
		if r.plan.load.Mode == Messages {
			r.early.Opened = 0
		}
	case len(r.intervals) == 0:
		i.add(r.early)
		fallthrough
	default:
		r.intervals = append(r.intervals, i)
	}
	if f := r.plan.load.Progress; f != nil {
		f(i)
	}
}

// tick shows the intervals of a run that has a talker, until done is closed.
func (r *run) tick(t *talker, done <-chan struct{}) {
	next := int64(interval)
	timer := time.NewTimer(interval)
	defer timer.Stop()
	turn := func(full *tally, now int64) *tally { return r.counts.turn(0, full, now) }
	for {
		select {
		case <-timer.C:
			t.turn(turn, next)
			r.show()
			next += int64(interval)
			timer.Reset(time.Duration(next - r.plan.now()))
		case <-done:
			return
		}
	}
}

// finish shows the rest of a run that has a talker.
func (r *run) finish(t *talker) {
	t.w.tally.latency.Reset()
	r.counts.close(0, t.w.tally)
	r.showRest()
	r.settle()
}

// info takes what the system knew of a session's socket.
func (r *run) info(i sockinfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sockets.add(i)
}
