package bench

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// holds measures how sessions are opened and whether they last:
//
//	open (and an exchange on each) -> hold -> an exchange on each -> close
func (r *run) holds(ctx context.Context) {
	going := r.begin(0, 0)
	r.usage.begin()
	h := newHolder(ctx, r)
	r.openCount = h.opener.openCount
	done := make(chan struct{})
	go h.live(ctx, going, done) // until the sessions have been held for their time, or ctx ends
	r.tick(h.talker, done)
	r.finish(h.talker)
	r.usage.finish()
}

// A holder opens sessions and holds them.
type holder struct {
	// Constant.
	r        *run
	l        Load
	opener   *opener
	talker   *talker
	watcher  *watcher
	schedule *schedule     // nil without a rate; the goroutine of live only
	over     chan struct{} // closed when the run is given up

	mu   sync.Mutex // guards what follows
	held map[int]*heldSession
	due  map[int]int64 // when sessions that are being opened were to be
}

// A heldSession is one that is open.
type heldSession struct {
	conn  net.Conn
	s     session // nil without an exchange
	since int64
}

func newHolder(ctx context.Context, r *run) *holder {
	h := &holder{
		r: r, l: r.plan.load, talker: newTalker(*r.plan), opener: newOpener(ctx, r.plan.load),
		over: make(chan struct{}), held: make(map[int]*heldSession), due: make(map[int]int64),
	}
	if h.l.Rate > 0 {
		h.schedule = newSchedule(r.plan, 0)
	}
	h.watcher = newWatcher(r.plan, h.heard, h.ended)
	h.opener.open, h.opener.adopt = h.open, h.adopt
	h.opener.count = r.counts.count
	h.opener.gone = func(err error) { r.end(err); close(h.over) }
	return h
}

// live is the life of the run.
func (h *holder) live(ctx context.Context, going bool, done chan<- struct{}) {
	defer close(done)
	// (1) open
	if going {
		h.opener.openAll(h.l.Sessions, func(id int) bool { return h.ready(ctx, id) })
	}
	// (2) hold
	h.r.look(ctx)
	h.opener.begin()
	whole := ctx.Err() == nil && h.hold(ctx)
	h.r.look(ctx)
	h.r.endNow()
	h.opener.wait()
	h.watcher.stop()
	h.r.open = h.opener.openCount()
	// (3) the last exchange
	if whole && h.l.Exchange != nil {
		h.lastExchanges(ctx)
	}
	// (4) close
	h.r.look(ctx)
	h.r.settle()
	h.closeAll()
}

// ready waits for the moment that a session is to be opened.
func (h *holder) ready(ctx context.Context, id int) bool {
	at := h.r.plan.now()
	if h.schedule != nil {
		due := h.schedule.next()
		h.schedule.take()
		if due > at && !pause(ctx, time.Duration(due-at)) {
			return false
		}
		at = due
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.due[id] = at
	return ctx.Err() == nil
}

// open opens a session, and has the first exchange on it. The latency is that of
// opening, from the moment that it was to be.
func (h *holder) open(ctx context.Context, id int) (net.Conn, error) {
	at := h.takeDue(id)
	if h.schedule != nil {
		h.r.countMiss(at) // no more than atATime are opened at once, and the target does not ask for that
	}
	conn, err := h.r.dialer.dial(ctx)
	if err != nil {
		return nil, err
	}
	now := h.r.plan.now()
	h.r.counts.count(func(t *tally) { t.latency.RecordValue(min(max(now-at, leastLatency), mostLatency)) })
	s := h.talker.session(id)
	if s != nil {
		if err := h.talker.exchange(ctx, conn, s); err != nil {
			h.talker.end(s)
			conn.Close()
			return nil, fmt.Errorf("the first exchange: %w", err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[id] = &heldSession{conn: conn, s: s, since: h.r.plan.now()}
	return conn, nil
}

// takeDue is when session id was to be opened: now for one that is opened again.
func (h *holder) takeDue(id int) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, ok := h.due[id]; ok {
		delete(h.due, id)
		return at
	}
	return h.r.plan.now()
}

// adopt has a session watched that has been opened.
func (h *holder) adopt(id int, conn net.Conn) { h.watcher.add(id, conn) }

// heard takes what a peer says while the session is held: nothing is asked of it
// then, so where answers are checked it is wrong.
func (h *holder) heard(id int, data []byte) error {
	h.mu.Lock()
	s := h.held[id].s
	h.mu.Unlock()
	if s != nil {
		_, err := h.talker.heard(s, data, nil)
		return err
	}
	h.talker.mu.Lock()
	defer h.talker.mu.Unlock()
	h.talker.w.tally.bytesIn += int64(len(data))
	return nil
}

// ended takes note of a session that has ended while it was held.
func (h *holder) ended(id int, err error) {
	h.mu.Lock()
	held := h.held[id]
	delete(h.held, id)
	h.mu.Unlock()
	h.release(held)
	err = fmt.Errorf("after %v: %w", h.lasted(held), err)
	h.r.counts.count(func(t *tally) { t.fail(kindOf(err), err) })
	h.opener.failed(id, err)
}

// lasted is for how long a session has been held, in digits that mean something.
func (h *holder) lasted(held *heldSession) time.Duration {
	d := time.Duration(h.r.plan.now() - held.since)
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// release closes a session.
func (h *holder) release(held *heldSession) {
	h.talker.end(held.s)
	h.r.info(readSockinfo(held.conn))
	held.conn.Close()
}

// hold waits for as long as the sessions are to be held. It reports whether
// they were: neither were all gone before nor did ctx end, unless that is what ends the
// run in order.
func (h *holder) hold(ctx context.Context) bool {
	var over <-chan time.Time
	if h.l.Time > 0 {
		timer := time.NewTimer(h.l.Time)
		defer timer.Stop()
		over = timer.C
	} else if !h.r.untilInterrupted() {
		return false
	}
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return h.l.Time == 0
	case <-h.over:
		return false
	}
}

// lastExchanges has an exchange on each session. ctx ends it, unless it has ended
// the holding.
func (h *holder) lastExchanges(ctx context.Context) {
	if h.l.Time == 0 {
		ctx = context.WithoutCancel(ctx)
	}
	ids := make(chan int)
	var wg sync.WaitGroup
	for range min(len(h.held), atATime) {
		wg.Add(1)
		go h.lastEach(ctx, ids, &wg) // until ids is closed
	}
	for _, id := range h.ids() {
		ids <- id
	}
	close(ids)
	wg.Wait()
}

func (h *holder) lastEach(ctx context.Context, ids <-chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	for id := range ids {
		h.mu.Lock()
		held := h.held[id]
		h.mu.Unlock()
		err := h.talker.exchange(ctx, held.conn, held.s)
		if err != nil && ctx.Err() == nil {
			h.lost(id, held, fmt.Errorf("the last exchange: after %v: %w", h.lasted(held), err))
		}
	}
}

// lost counts a session whose last exchange failed.
func (h *holder) lost(id int, held *heldSession, err error) {
	h.r.counts.count(func(t *tally) {
		t.failed++
		t.fail(kindOf(err), err)
	})
	h.release(held)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, id)
	h.r.open--
}

// ids are the sessions that are held.
func (h *holder) ids() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]int, 0, len(h.held))
	for id := range h.held {
		list = append(list, id)
	}
	return list
}

// closeAll closes every session, many at once: some transports wait for the peer.
func (h *holder) closeAll() {
	ids := make(chan int)
	var wg sync.WaitGroup
	for range min(len(h.held), atATime) {
		wg.Add(1)
		go h.closeEach(ids, &wg) // until ids is closed
	}
	for _, id := range h.ids() {
		ids <- id
	}
	close(ids)
	wg.Wait()
}

func (h *holder) closeEach(ids <-chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	for id := range ids {
		h.mu.Lock()
		held := h.held[id]
		h.mu.Unlock()
		h.release(held)
	}
}
