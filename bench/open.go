package bench

import (
	"context"
	"fmt"
	"math"
	"net"
	"sync"
	"time"
)

// atATime is how many sessions are opened at once, so that they do not overrun
// the backlog of a listener.
const atATime = 128

// steady is how long a session has to last for its failure to be a new one, whose
// backoff begins anew.
const steady = time.Second

// backoff is the pause before a session is opened again that has failed n times in
// a row before, n from 0.
func backoff(n int) time.Duration {
	const first, longest = 10 * time.Millisecond, time.Second
	return min(first<<min(n, 10), longest)
}

// An opener opens the sessions of a run, opens those again that fail if that was
// asked for, and knows when all are gone. Its methods are safe for concurrent use.
//
//	openAll -> begin -> (failed -> reopen)* -> stop -> wait
type opener struct {
	// Constant.
	retry    bool
	patience time.Duration // with retry: for how long none is open before all are gone
	open     func(ctx context.Context, id int) (net.Conn, error)
	adopt    func(id int, c net.Conn) // takes an open session
	gone     func(why error)          // hears once that all are gone for good
	count    func(func(*tally))       // counts
	ctx      context.Context          // bounds every opening; ended by stop
	stop     context.CancelFunc       // nothing is opened any more, and nothing is gone
	slots    chan struct{}            // filled by those who open
	begun    chan struct{}            // closed by begin: nothing is opened again before

	wg sync.WaitGroup // of reopen

	mu       sync.Mutex // guards what follows
	attempts map[int]attempt
	openNow  int64
	missed   int         // that could not be opened before any was
	last     error       // of the session that failed last
	vanish   *time.Timer // runs while none is open; else nil
	told     bool        // gone was called
}

// An attempt is how the openings of a session went so far.
type attempt struct {
	before   bool // it was open before
	failures int  // in a row
	since    time.Time
}

// newOpener makes an opener of l's sessions. ctx bounds every opening. What it opens
// with and whom it tells is the caller's to fill in.
func newOpener(ctx context.Context, l Load) *opener {
	o := &opener{
		retry: l.Retry, patience: l.vanished(),
		slots:    make(chan struct{}, atATime),
		begun:    make(chan struct{}),
		attempts: make(map[int]attempt),
	}
	o.ctx, o.stop = context.WithCancel(ctx)
	return o
}

// openAll opens sessions 0 to n-1, each when ready returns, and returns when each
// is open or has failed, or when ready reports false; or, without retry, when the first
// have all failed: who is not there would else be waited for as many times.
func (o *opener) openAll(n int, ready func(id int) bool) {
	ids := make(chan int)
	var wg sync.WaitGroup
	for range min(n, atATime) {
		wg.Add(1)
		go o.openEach(ids, &wg) // until ids is closed
	}
	for id := 0; id < n && !o.hopeless() && ready(id); id++ {
		ids <- id
	}
	close(ids)
	wg.Wait()
}

// hopeless reports whether as many have failed as are opened at once, and none was ever open.
func (o *opener) hopeless() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.retry && o.missed >= atATime
}

func (o *opener) openEach(ids <-chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	for id := range ids {
		if err := o.openOne(id); err != nil {
			o.lost(id, err)
		}
	}
}

// openOne opens a session and has it adopted.
func (o *opener) openOne(id int) error {
	c, err := o.open(o.ctx, id)
	if err != nil {
		return err
	}
	o.opened(id)
	o.adopt(id, c)
	return nil
}

// opened counts a session as open: before it is adopted, because it can fail as
// soon as it is.
func (o *opener) opened(id int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.attempts[id]
	again := a.before
	a.before, a.since = true, time.Now()
	o.attempts[id] = a
	o.openNow++
	o.missed = math.MinInt // from now on
	if o.vanish != nil {
		o.vanish.Stop()
		o.vanish = nil
	}
	o.count(func(t *tally) {
		if again {
			t.reopened++
		} else {
			t.opened++
		}
	})
}

// failed is told of a session that was open and has failed. It does not block.
func (o *opener) failed(id int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.openNow--
	o.count(func(t *tally) { t.failed++ })
	a := o.attempts[id]
	if time.Since(a.since) >= steady {
		a.failures = 0
	}
	o.attempts[id] = a
	o.lostLocked(id, err)
}

// lost is told of a session that could not be opened.
func (o *opener) lost(id int, err error) {
	if o.ctx.Err() != nil {
		return // our own doing
	}
	o.count(func(t *tally) {
		t.failed++
		t.fail(kindOf(err), err)
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.missed >= 0 {
		o.missed++
	}
	o.lostLocked(id, err)
}

// lostLocked arranges what follows from a session that is not open.
func (o *opener) lostLocked(id int, err error) {
	o.last = err
	if o.ctx.Err() != nil {
		return
	}
	if o.retry {
		a := o.attempts[id]
		pause := backoff(a.failures)
		a.failures++
		o.attempts[id] = a
		o.wg.Add(1)
		go o.reopen(id, pause) // until it is open, or has failed once more, or stop
	}
	o.emptyLocked()
}

// reopen opens a session after a pause.
func (o *opener) reopen(id int, pause time.Duration) {
	defer o.wg.Done()
	select {
	case <-o.begun:
	case <-o.ctx.Done():
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.ctx.Done():
		return
	}
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
	case <-o.ctx.Done():
		return
	}
	if err := o.openOne(id); err != nil {
		o.lost(id, err)
	}
}

// begin is called when every session has been tried once: from then on it is
// noticed when none is open.
func (o *opener) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.begun)
	o.emptyLocked()
}

// emptyLocked looks whether no session is open, and what that means.
func (o *opener) emptyLocked() {
	select {
	case <-o.begun:
	default:
		return
	}
	switch {
	case o.openNow > 0 || o.told || o.ctx.Err() != nil:
	case !o.retry:
		o.told = true
		o.gone(noneLeft(o.last))
	case o.vanish == nil:
		o.vanish = time.AfterFunc(o.patience, o.vanished)
	}
}

// vanished is called when none has been open for as long as patience lasts.
func (o *opener) vanished() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.openNow > 0 || o.told || o.vanish == nil || o.ctx.Err() != nil {
		return
	}
	o.told = true
	o.gone(noneFor(o.patience, o.last))
}

// openCount is how many sessions are open.
func (o *opener) openCount() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.openNow
}

// wait stops the opener and returns when nothing of it is left.
func (o *opener) wait() {
	o.stop()
	o.mu.Lock() // who has seen it running has added to wg by then
	if o.vanish != nil {
		o.vanish.Stop()
		o.vanish = nil
	}
	o.mu.Unlock()
	o.wg.Wait()
}

// noneLeft is why a run ends whose sessions are not opened again.
func noneLeft(last error) error {
	return fmt.Errorf("no session is left, the last failed: %w", last)
}

// noneFor is why a run ends whose sessions cannot be opened again.
func noneFor(d time.Duration, last error) error {
	return fmt.Errorf("no session could be opened for %v: %w", d, last)
}
