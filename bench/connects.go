package bench

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// connects measures how fast sessions can be opened: each of the load's Sessions is
// opened, has an exchange if there is one, is closed, and is opened again.
func (r *run) connects(ctx context.Context) {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.begin(r.plan.load.Warmup, r.plan.load.Time)
	c := &connector{
		r: r, l: r.plan.load, talker: newTalker(*r.plan),
		gone: func(err error) { r.end(err); cancel() },
	}
	if c.l.Rate > 0 {
		c.schedule = newSchedule(r.plan, 0)
	}
	r.openCount = c.openCount
	measuring := time.AfterFunc(c.l.Warmup, r.usage.begin)
	defer measuring.Stop()
	closing := time.AfterFunc(time.Duration(r.plan.until), r.usage.finish)
	defer closing.Stop()

	var wg sync.WaitGroup
	for id := range c.l.Sessions {
		wg.Add(1)
		go c.slot(ctx, id, &wg) // until the time is over or ctx ends
	}
	done := make(chan struct{})
	go waitFor(&wg, done) // until the last slot has ended
	r.tick(c.talker, done)
	r.look(outer)
	c.countUnopened()
	r.finish(c.talker)
	r.usage.finish()
}

// waitFor closes done when all of wg are.
func waitFor(wg *sync.WaitGroup, done chan<- struct{}) {
	wg.Wait()
	close(done)
}

// A connector opens and closes sessions.
type connector struct {
	// Constant.
	r      *run
	l      Load
	talker *talker
	gone   func(error) // ends the run

	mu       sync.Mutex // guards what follows
	schedule *schedule  // nil in a closed loop
	open     int64
	failures int   // in a row, of all slots
	good     int64 // when a session was opened last
}

// slot opens and closes sessions, one after another.
func (c *connector) slot(ctx context.Context, id int, wg *sync.WaitGroup) {
	defer wg.Done()
	failures := 0 // in a row
	for {
		at, ok := c.next(ctx)
		if !ok {
			return
		}
		conn, err := c.r.dialer.dial(ctx)
		switch {
		case err == nil:
			failures = 0
			c.use(ctx, conn, id, at)
		case ctx.Err() != nil:
			return
		default:
			c.failed(err)
			if c.l.Rate == 0 {
				pause(ctx, backoff(failures))
				failures++
			}
		}
	}
}

// next waits for the moment that the next session is to be opened. ok is false when
// there is none.
func (c *connector) next(ctx context.Context) (at int64, ok bool) {
	p := c.r.plan
	if c.l.Rate == 0 {
		at = p.now()
		return at, at < p.until && ctx.Err() == nil
	}
	if at, ok = c.takeMoment(); !ok || ctx.Err() != nil {
		return 0, false
	}
	if wait := at - p.now(); wait <= 0 {
		return at, true
	} else if !pause(ctx, time.Duration(wait)) {
		return 0, false
	}
	c.r.countMiss(at)
	return at, true
}

// takeMoment takes the next moment of the schedule, while there is time.
func (c *connector) takeMoment() (at int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.r.plan
	at = c.schedule.next()
	if at >= p.until || p.now() >= p.until {
		return 0, false
	}
	c.schedule.take()
	return at, true
}

// pause waits, and reports whether ctx still lasts.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// countMiss counts an opening that came too late through our own doing.
func (r *run) countMiss(at int64) {
	late := time.Duration(r.plan.now() - at)
	if late <= missedBy || !r.plan.measured(at) {
		return
	}
	r.counts.count(func(t *tally) {
		t.missed++
		t.worstMiss = max(t.worstMiss, late)
	})
}

// use counts a session that has been opened, and closes it.
func (c *connector) use(ctx context.Context, conn net.Conn, id int, at int64) {
	now := c.r.plan.now()
	c.mu.Lock()
	c.open++
	c.failures, c.good = 0, now
	c.mu.Unlock()
	c.r.counts.count(func(t *tally) {
		if c.r.plan.measured(at) {
			t.latency.RecordValue(min(max(now-at, leastLatency), mostLatency))
		}
		if c.r.plan.measured(now) {
			t.opened++
		}
	})
	c.talk(ctx, conn, id)
	c.r.info(readSockinfo(conn))
	c.r.dialer.hangUp(conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
}

// talk has the exchange of a session, if there is one.
func (c *connector) talk(ctx context.Context, conn net.Conn, id int) {
	s := c.talker.session(id)
	if s == nil {
		return
	}
	err := c.talker.exchange(ctx, conn, s)
	c.talker.end(s)
	if err != nil && ctx.Err() == nil {
		c.count(err)
	}
}

func (c *connector) count(err error) {
	c.r.counts.count(func(t *tally) {
		t.failed++
		t.fail(kindOf(err), err)
	})
}

// failed counts a session that could not be opened. The run is over when as many in
// a row could not as are opened at once, or with Retry when none could for too long.
func (c *connector) failed(err error) {
	c.count(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures++
	if c.l.Retry {
		if since := time.Duration(c.r.plan.now() - c.good); since >= c.l.vanished() {
			c.gone(noneFor(c.l.vanished(), err))
		}
		return
	}
	if c.failures >= c.l.Sessions {
		c.gone(fmt.Errorf("no session can be opened any more: %w", err))
	}
}

// mostUnopened bounds the counting of what the schedule still had.
const mostUnopened = 10_000_000

// countUnopened counts the sessions that were due and that no slot was free for.
func (c *connector) countUnopened() {
	if c.schedule == nil {
		return
	}
	end, n := c.r.ending(), int64(0)
	for at := c.schedule.next(); at < end && n < mostUnopened; at = c.schedule.next() {
		c.schedule.take()
		if c.r.plan.measured(at) {
			n++
		}
	}
	c.r.counts.count(func(t *tally) { t.unsent += n })
}

func (c *connector) openCount() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}
