package bench

import (
	"net"
	"time"
)

// A plan is what all workers of a run know. Constant once it runs.
type plan struct {
	load    Load // with every default filled in
	keeps   bool // the transport keeps messages: datagrams, unixpacket, ws
	lossy   bool // it may also lose them: udp, unixgram
	timeout int64
	answer  int // bytes of the longest answer where the transport keeps messages, as far as is looked

	began       time.Time // the zero of times
	from, until int64     // what is measured: until 0 is without end
}

// now is the time since the run began.
func (p *plan) now() int64 { return int64(time.Since(p.began)) }

// measured reports whether the moment at is in the time that is measured.
func (p *plan) measured(at int64) bool {
	return at >= p.from && (p.until == 0 || at < p.until)
}

// atOnce is how many messages a session has to send when it is adopted. In an
// open loop the schedule says.
func (p *plan) atOnce() int {
	if p.load.Rate > 0 {
		return 0
	}
	return p.load.Depth
}

// A worker is a part of the sessions, the one goroutine (or, in the portable
// driver, lock) that owns them, and what they count.
type worker struct {
	plan  *plan
	index int // 0 to load.Workers-1: sessions with id % Workers == index are its own

	// tally is what is being counted: the driver's alone while it runs.
	tally *tally

	// turn gives tally away and returns a fresh one for the interval that
	// begins. The driver calls it at every multiple of the interval.
	turn func(full *tally, now int64) *tally

	// failed tells the run that a session ended with err, which counts the
	// session and may open it again and adopt it anew. The driver has called the
	// session's end before, which counts the error, and closed its conn. It never
	// blocks.
	failed func(id int, err error)

	// info gets what the system knew of a session's socket before the driver
	// closed it. Any goroutine may call it.
	info func(sockinfo)
}

// An expiry says when it is looked who has waited for too long.
type expiry struct {
	at   int64
	late bool // it was not looked at its time: answers may be here that nobody has read
}

// due reports whether to look now, and sets when to look next. Who was kept from looking for
// long reads what has come meanwhile first.
func (e *expiry) due(p *plan, now int64) bool {
	if now < e.at {
		return false
	}
	patience := min(max(p.timeout/20, int64(time.Millisecond)), int64(50*time.Millisecond))
	e.late = !e.late && e.at > 0 && now-e.at > p.timeout/2
	e.at = now + patience
	return !e.late
}

// part is how much of the time from one moment to another is measured.
func (p *plan) part(from, to int64) time.Duration {
	from = max(from, p.from)
	if p.until != 0 {
		to = min(to, p.until)
	}
	return time.Duration(max(to-from, 0))
}

// mostLate is how many messages are made at the end of a schedule that was not
// kept. That is a second's work, and those beyond are counted without being made.
const mostLate = 1 << 20

// abandon counts what is left of w's schedule from next on: about as many as there would be.
func (w *worker) abandon(next int64) {
	missed := w.plan.part(next, w.plan.until)
	w.tally.unsent += int64(missed.Seconds() * w.plan.load.Rate / float64(w.plan.load.Workers))
}

// due counts a message that the schedule has for the moment at: missed if that was long
// before now, unsent without a session that is open. It reports whether there is one.
func (w *worker) due(at, now int64, sessions int) bool {
	if w.plan.measured(at) {
		if late := time.Duration(now - at); late > missedBy {
			w.tally.missed++
			w.tally.worstMiss = max(w.tally.worstMiss, late)
		}
		if sessions == 0 {
			w.tally.unsent++
		}
	}
	return sessions > 0
}

// interval is how often a worker gives its tally away.
const interval = time.Second

// A driver moves the bytes of a worker's sessions.
type driver interface {
	// adopt takes a session over that has just been opened. It may be called at
	// any time by any goroutine, also before run; after run has returned it closes
	// conn. The driver closes conn, once it has counted what the system knows of it.
	adopt(id int, conn net.Conn)

	// run drives until plan.until and then until every message is answered or
	// given up, or until stop is closed, after which it waits for nothing. When it
	// returns every session has ended, its conn is closed and w.tally is complete.
	run(stop <-chan struct{})
}

// newDriver makes the driver of w: the event loop where there is one for the
// transport, else goroutines, which do the same at a higher price.
func newDriver(w *worker) driver {
	if loopable(w.plan.load.Endpoint.Scheme) {
		if d, err := newLoop(w); err == nil {
			return d
		}
	}
	return newCrew(w)
}

// newSession makes the pure half of session id.
func newSession(w *worker, id int) session {
	if w.plan.keeps {
		return newDatagrams(w, id)
	}
	return newStream(w, id)
}
