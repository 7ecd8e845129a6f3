//go:build !parleyportable

package bench

import (
	"math"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A loop is the driver on Linux: one thread that reads and writes the sockets of
// all its sessions, and an epoll that says which. Of a session nothing is left
// but its descriptor and its pure half: the net.Conn is closed as soon as it is
// adopted, so that the runtime's own poller has no part in it.
type loop struct {
	// Constant.
	w     *worker
	p     *plan
	kind  socketKind
	spins int64 // waits that are shorter are spent polling, nanoseconds
	poll  *epoll

	stopped atomic.Bool // set by watch, which then wakes the loop

	mu      sync.Mutex // guards what follows
	over    bool       // run has returned: who is adopted is closed
	adopted []adoption

	// The goroutine of run only.
	seats     []*seat // open sessions, in no order
	slots     []*seat // by the number that epoll knows them by; nil where there is none
	free      []int32 // slots without one
	woken     bool
	turn      int       // whose of seats the next message of the schedule is
	schedule  *schedule // nil in a closed loop
	draining  bool      // no more messages are made
	unsettled int       // seats with something to send or to hear, in the drain

	// When it does what, in nanoseconds since the run began.
	now      int64
	lookAt   int64 // the earliest of those that follow
	turnAt   int64 // the tally is given away
	expiry   expiry
	resendAt int64 // those of later are tried again
	turned   int64 // when the tally was given away last

	dirty []*seat // got messages from the schedule
	later []*seat // the system had no buffer for their datagram
	in    []byte
	out   []byte
	batch batch
}

// A seat is a session of a loop.
type seat struct {
	s            session
	b            batcher // s, on a message transport
	id           int
	refusedSince int64 // the first refusal that no answer has followed, or 0
	refusedLast  int64 // and the last
	place        int32 // in seats
	slot         int32
	fd           int32
	refusal      unix.Errno
	ended        bool
	blocked      bool // the socket takes no more, epoll tells when it does
	dirty        bool // is in dirty
	later        bool // is in later
	settled      bool // in the drain: nothing to send, nothing to hear
}

// An adoption is a session that the loop has not looked at yet.
type adoption struct {
	id, fd int
	err    error // why there is no fd
}

const (
	longestSpin = 50 * time.Microsecond // about as late as the system wakes a thread
	mostDue     = 128                   // messages of the schedule between two looks at the sockets
)

// newLoop makes the event loop of w. The error is that of a system that is out of
// descriptors.
func newLoop(w *worker) (driver, error) {
	poll, err := newEpoll()
	if err != nil {
		return nil, err
	}
	p := w.plan
	l := &loop{w: w, p: p, kind: kindOfSocket(p.load.Endpoint.Scheme), poll: poll}
	if p.load.Rate > 0 {
		l.schedule = newSchedule(p, w.index)
		// Who polls keeps a processor from everybody else, and that may be the server.
		if runtime.GOMAXPROCS(0) > p.load.Workers {
			l.spins = int64(longestSpin)
		}
	}
	l.in = make([]byte, max(64<<10, p.answer+1))
	return l, nil
}

// adopt takes a session's socket over.
func (l *loop) adopt(id int, conn net.Conn) {
	l.mu.Lock() // also so that there is one descriptor too many at most
	defer l.mu.Unlock()
	if l.over {
		conn.Close()
		return
	}
	fd, err := takeOver(conn)
	l.adopted = append(l.adopted, adoption{id, fd, err})
	l.poll.wakeUp()
}

// run drives until every message is over or stop is closed. It keeps a thread for
// itself: the timer slack is the thread's, and so is the processor that somebody may
// have bound it to.
func (l *loop) run(stop <-chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if l.schedule != nil {
		defer exactTimers()()
	}
	var watching sync.WaitGroup
	done := make(chan struct{})
	watching.Add(1)
	go l.watch(stop, done, &watching) // until one of them is closed
	l.drive(stop)
	l.end()
	close(done)
	watching.Wait()
	l.poll.close()
}

// watch wakes the loop when stop is closed.
func (l *loop) watch(stop, done <-chan struct{}, watching *sync.WaitGroup) {
	defer watching.Done()
	select {
	case <-stop:
		l.stopped.Store(true)
		l.poll.wakeUp()
	case <-done:
	}
}

// drive is the loop.
func (l *loop) drive(stop <-chan struct{}) {
	select {
	case <-stop:
		return
	default:
	}
	l.turned, l.turnAt = l.p.now(), int64(interval)
	l.welcome()
	for {
		l.now = l.p.now()
		if l.now >= l.lookAt {
			if !l.look() {
				return
			}
			l.now = l.p.now() // looking is work
		}
		for _, ev := range l.ready() {
			l.handle(ev)
		}
		if l.woken && !l.welcome() {
			return
		}
	}
}

// ready returns what has happened to the sockets. If nothing has it waits: in the
// system where that is for long, else by returning nothing.
func (l *loop) ready() []unix.EpollEvent {
	idle := l.now // polling in vain is waiting too
	events := l.poll.now()
	if len(events) > 0 {
		return events
	}
	if wait := l.lookAt - idle - l.spins; wait > 0 {
		events = l.poll.wait(wait)
	}
	l.now = l.p.now()
	l.w.tally.idle += l.p.part(idle, l.now)
	return events
}

// welcome takes those in who were adopted. It reports whether the run goes on.
func (l *loop) welcome() bool {
	l.woken = false
	l.poll.drain()
	l.mu.Lock()
	adopted := l.adopted
	l.adopted = nil
	l.mu.Unlock()
	now := l.p.now()
	for _, a := range adopted {
		l.begin(a, now)
	}
	return !l.stopped.Load()
}

// begin makes an adopted socket a session.
func (l *loop) begin(a adoption, now int64) {
	m := &seat{id: a.id, fd: int32(a.fd), s: newSession(l.w, a.id), settled: true}
	if l.p.keeps {
		m.b = m.s.(batcher)
	}
	if n := len(l.free); n > 0 {
		m.slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		m.slot, l.slots = int32(len(l.slots)), append(l.slots, nil)
	}
	l.slots[m.slot] = m
	m.place, l.seats = int32(len(l.seats)), append(l.seats, m)
	if a.err == nil {
		a.err = l.poll.add(a.fd, m.slot)
	}
	if a.err != nil {
		l.bury(m, a.err, now)
		return
	}
	l.more(m, l.p.atOnce(), now)
}

// look does what has come due, and notes when there is more to do. It reports
// whether there will ever be.
func (l *loop) look() bool {
	now := l.now
	if now >= l.turnAt {
		l.giveAway(now)
	}
	if l.expiry.due(l.p, now) {
		l.expire(now)
	}
	if now >= l.resendAt {
		l.resend(now)
	}
	next := min(l.turnAt, l.expiry.at, l.resendAt)
	if until := l.p.until; until != 0 && !l.draining && now >= until {
		l.drain(now)
	} else if until != 0 && !l.draining {
		next = min(next, until)
	}
	if l.schedule != nil && !l.draining {
		next = min(next, l.sendDue(now, mostDue))
	}
	if l.draining {
		next = min(next, l.p.until+l.p.timeout)
		if l.unsettled == 0 || now >= l.p.until+l.p.timeout {
			return false
		}
	}
	l.lookAt = min(next, l.resendAt) // which sending may have set
	return true
}

// giveAway gives the tally away at the end of an interval.
func (l *loop) giveAway(now int64) {
	l.w.tally.elapsed += l.p.part(l.turned, now)
	l.w.tally = l.w.turn(l.w.tally, now)
	l.turned = now
	l.turnAt = (now/int64(interval) + 1) * int64(interval)
}

// sendDue gives the seats what the schedule has for them up to now, most messages
// at once, and returns when it has more.
func (l *loop) sendDue(now int64, most int) (next int64) {
	end := int64(math.MaxInt64)
	if l.p.until != 0 {
		end = l.p.until
	}
	for next = l.schedule.next(); next <= now && next < end && most > 0; next = l.schedule.next() {
		l.schedule.take()
		l.give(next, now)
		most--
	}
	for _, m := range l.dirty {
		m.dirty = false
		l.flush(m, now)
	}
	l.dirty = l.dirty[:0]
	if next >= end {
		return math.MaxInt64
	}
	return next
}

// give gives the message that was intended for the moment at to the seat whose turn
// it is. The moment was missed if it was long ago: that the socket is full does
// not count, since messages wait for it in the session.
func (l *loop) give(at, now int64) {
	if !l.w.due(at, now, len(l.seats)) {
		return
	}
	if l.turn >= len(l.seats) {
		l.turn = 0
	}
	m := l.seats[l.turn]
	l.turn++
	m.s.due(at)
	if !m.dirty {
		m.dirty = true
		l.dirty = append(l.dirty, m)
	}
}

// expire gives up what has waited for too long.
func (l *loop) expire(now int64) {
	for i := len(l.seats) - 1; i >= 0; i-- { // bury puts the last in the place of who ends
		m := l.seats[i]
		over, err := m.s.expire(now)
		if err == nil && m.refusedSince != 0 && now-m.refusedSince >= longRefused*l.p.timeout && m.refusedLast-m.refusedSince >= l.p.timeout {
			err = l.failure("write", m.refusal)
		}
		if err != nil {
			l.bury(m, err, now)
			continue
		}
		l.more(m, over, now)
	}
}

// resend tries those again for whose datagrams the system had no buffer.
func (l *loop) resend(now int64) {
	l.resendAt = math.MaxInt64
	again := l.later
	l.later = nil
	for _, m := range again {
		m.later = false
		l.flush(m, now)
	}
}

// more follows from n messages of m being over: in a closed loop as many are made.
func (l *loop) more(m *seat, n int, now int64) {
	if l.draining {
		l.settle(m)
		return
	}
	if n == 0 || l.schedule != nil || l.p.until != 0 && now >= l.p.until {
		return
	}
	for range n {
		m.s.due(now)
	}
	l.flush(m, now)
}

// drain begins the drain: what the schedule has up to the end is still sent.
func (l *loop) drain(now int64) {
	if l.schedule != nil && l.sendDue(now, mostLate) != math.MaxInt64 {
		l.w.abandon(l.schedule.next())
	}
	l.draining = true
	for _, m := range l.seats {
		m.settled = false
		l.unsettled++
	}
	for _, m := range l.seats {
		l.settle(m)
	}
}

// settle looks, in the drain, whether m has something left to do.
func (l *loop) settle(m *seat) {
	if m.settled {
		return
	}
	if unsent, unanswered := m.s.pending(); !m.ended && unsent+unanswered > 0 {
		return
	}
	m.settled = true
	if l.unsettled--; l.unsettled == 0 {
		l.lookAt = 0
	}
}

// bury ends a session: because of err, or because the run is over. Its socket is closed
// here and nowhere else.
func (l *loop) bury(m *seat, err error, now int64) {
	if m.ended {
		return
	}
	m.ended = true
	m.s.end(err, now)
	if m.fd >= 0 {
		l.w.info(sockinfoOf(int(m.fd)))
		unix.Close(int(m.fd))
	}
	l.slots[m.slot] = nil
	l.free = append(l.free, m.slot)
	last := l.seats[len(l.seats)-1]
	l.seats[m.place], last.place = last, m.place
	l.seats[len(l.seats)-1] = nil
	l.seats = l.seats[:len(l.seats)-1]
	if l.draining {
		l.settle(m)
	}
	if err != nil {
		l.w.failed(m.id, err)
	}
}

// end ends every session, and lets nobody in any more.
func (l *loop) end() {
	l.mu.Lock()
	l.over = true
	for _, a := range l.adopted {
		if a.err == nil {
			unix.Close(a.fd)
		}
	}
	l.adopted = nil
	l.mu.Unlock()
	now := l.p.now()
	for _, m := range slices.Backward(slices.Clone(l.seats)) {
		l.bury(m, nil, now)
	}
	l.w.tally.elapsed += l.p.part(l.turned, now)
}
