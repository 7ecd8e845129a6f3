package bench

import (
	"errors"
	"math"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"parley/transport"
)

// A crew is the portable driver: two goroutines for each session, on its net.Conn.
// They meet at one lock, which stands for the worker.
type crew struct {
	// Constant.
	w *worker
	p *plan

	wg    sync.WaitGroup // of read and write
	moved chan struct{}  // of 1: all is settled, in the drain

	mu        sync.Mutex // guards what follows, w.tally and the pure halves of the sessions
	phase     crewPhase
	hands     []*hand   // open ones, in no order
	waiting   []*hand   // adopted before run
	turn      int       // whose of the hands the next message of the schedule is
	unsettled int       // hands with something to send or to hear, in the drain
	schedule  *schedule // nil in a closed loop
	turnAt    int64     // when the tally is given away
	expiry    expiry
}

// A crewPhase is how far a crew is.
//
//	crewWaits -> crewDrives -> crewDrains -> crewEnded
type crewPhase uint8

const (
	crewWaits  crewPhase = iota // hands are kept for run
	crewDrives                  // messages become due
	crewDrains                  // no more, but answers are awaited
	crewEnded                   // who is adopted is closed
)

// A hand is a session of a crew.
type hand struct {
	// Constant.
	id   int
	conn net.Conn
	s    session
	wake chan struct{} // of 1: there may be something to send, or the session has ended

	// Under the crew's lock.
	place   int // in hands
	ended   bool
	err     error // why
	settled bool  // in the drain: nothing to send, nothing to hear
	writing bool  // write is at it
	refused int64 // when the network first said that nobody is there, with no answer since; or 0
	again   int64 // and when it said so last
	refusal error
}

// past is a deadline that ends reads and writes at once.
var past = time.Unix(1, 0)

// room is how many bytes of messages are sent in one write to a stream.
const room = 16 << 10

// resend is the pause after the system had no buffer for a datagram.
const resend = time.Millisecond

// newCrew makes the portable driver of w.
func newCrew(w *worker) driver {
	return &crew{w: w, p: w.plan, moved: make(chan struct{}, 1)}
}

// adopt takes a session over.
func (c *crew) adopt(id int, conn net.Conn) {
	h := &hand{id: id, conn: conn, wake: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase {
	case crewWaits:
		c.waiting = append(c.waiting, h)
	case crewEnded:
		conn.Close()
	default:
		c.startLocked(h)
	}
}

// startLocked makes h an open session.
func (c *crew) startLocked(h *hand) {
	h.s = newSession(c.w, h.id)
	h.place, h.settled = len(c.hands), true
	c.hands = append(c.hands, h)
	now := c.p.now()
	for range c.p.atOnce() {
		c.dueLocked(h, now)
	}
	c.wg.Add(2)
	go c.read(h)  // until the session ends
	go c.write(h) // as well
}

// dueLocked gives h a message, unless the time for new ones is over.
func (c *crew) dueLocked(h *hand, now int64) {
	if c.phase == crewDrives && (c.p.until == 0 || now < c.p.until) {
		h.s.due(now)
		h.wakeUp()
	}
}

func (h *hand) wakeUp() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run drives until every message is over or stop is closed.
func (c *crew) run(stop <-chan struct{}) {
	select {
	case <-stop:
		c.dismiss()
		return
	default:
	}
	c.begin()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, done := c.look()
		if done {
			c.end(false)
			return
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-c.moved:
		case <-stop:
			c.end(true)
			return
		}
	}
}

// begin starts the sessions that were adopted before.
func (c *crew) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = crewDrives
	c.turnAt = int64(interval)
	if c.p.load.Rate > 0 {
		c.schedule = newSchedule(c.p, c.w.index)
	}
	for _, h := range c.waiting {
		c.startLocked(h)
	}
	c.waiting = nil
}

// dismiss closes the sessions of a run that ended before it began.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = crewEnded
	for _, h := range c.waiting {
		h.conn.SetDeadline(past)
		h.conn.Close()
	}
	c.waiting = nil
}

// look does what has come due, and returns for how long there is nothing more
// to do; done is whether there will never be.
func (c *crew) look() (wait time.Duration, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.p.now()
	if now >= c.turnAt {
		c.w.tally = c.w.turn(c.w.tally, now)
		c.turnAt = (now/int64(interval) + 1) * int64(interval)
	}
	next := c.turnAt
	if c.schedule != nil && c.phase == crewDrives {
		next = min(next, c.sendDueLocked(now, crewDue))
	}
	if c.expiry.due(c.p, now) {
		c.expireLocked(now)
	}
	next = min(next, c.expiry.at)
	if until := c.p.until; until != 0 {
		if now >= until && c.phase == crewDrives {
			c.drainLocked(now)
		}
		if now < until {
			next = min(next, until)
		}
		done = c.phase == crewDrains && (c.unsettled == 0 || now >= until+c.p.timeout)
	}
	return time.Duration(max(next-c.p.now(), 0)), done
}

// crewDue is how many messages of the schedule are given at once, so that who has fallen behind
// still looks at the clock, and lets others have the lock.
const crewDue = 4096

// sendDueLocked gives the hands what the schedule has for them up to now, most messages at
// once, and returns when it has more.
func (c *crew) sendDueLocked(now int64, most int) (next int64) {
	for ; ; most-- {
		at := c.schedule.next()
		if c.p.until != 0 && at >= c.p.until {
			return math.MaxInt64
		}
		if at > now || most == 0 {
			return at
		}
		c.schedule.take()
		if !c.w.due(at, now, len(c.hands)) {
			continue
		}
		h := c.hands[c.turn%len(c.hands)]
		c.turn++
		h.s.due(at)
		h.wakeUp()
	}
}

// expireLocked gives up what has waited for too long.
func (c *crew) expireLocked(now int64) {
	for i := len(c.hands) - 1; i >= 0; i-- { // endLocked puts the last in the place of who ends
		h := c.hands[i]
		over, err := h.s.expire(now)
		if err == nil && h.refused != 0 && now-h.refused >= longRefused*c.p.timeout && h.again-h.refused >= c.p.timeout {
			err = h.refusal
		}
		if err != nil {
			c.endLocked(h, err, now)
			continue
		}
		c.overLocked(h, over, now)
	}
}

// longRefused is for how many timeouts a session on UDP may hear nothing but that
// nobody is there. It has to hear it again after the first: one that sends seldom may not
// have tried.
const longRefused = 2

// passingLocked counts an error of a UDP socket that is the network's word on one
// datagram, and may not be true of the next. It reports whether err is one. The words are
// those of package cause, since each system has its own number; Windows resets.
func (c *crew) passingLocked(h *hand, err error, now int64) bool {
	if !strings.HasPrefix(c.p.load.Endpoint.Scheme, "udp") {
		return false
	}
	kind := kindOf(err)
	switch kind {
	case "refused", "unreachable", "reset":
	default:
		return false
	}
	c.w.tally.fail(kind, err)
	h.again = max(now, 1)
	if h.refused == 0 {
		h.refused, h.refusal = max(now, 1), err
	}
	return true
}

// overLocked follows from n messages of h being over.
func (c *crew) overLocked(h *hand, n int, now int64) {
	if c.schedule == nil {
		for range n {
			c.dueLocked(h, now)
		}
	}
	c.settleLocked(h)
}

// drainLocked begins the drain: what the schedule has up to the end is still sent.
func (c *crew) drainLocked(now int64) {
	if c.schedule != nil && c.sendDueLocked(now, mostLate) != math.MaxInt64 {
		c.w.abandon(c.schedule.next())
	}
	c.phase = crewDrains
	c.unsettled = len(c.hands)
	for _, h := range c.hands {
		h.settled = false
		c.settleLocked(h)
	}
}

// settleLocked looks, in the drain, whether h has something left to do.
func (c *crew) settleLocked(h *hand) {
	if c.phase != crewDrains || h.settled {
		return
	}
	if unsent, unanswered := h.s.pending(); !h.ended && (h.writing || unsent+unanswered > 0) {
		return
	}
	h.settled = true
	if c.unsettled--; c.unsettled == 0 {
		select {
		case c.moved <- struct{}{}:
		default:
		}
	}
}

// endLocked ends a session because of err. Its write goroutine closes the conn.
func (c *crew) endLocked(h *hand, err error, now int64) {
	if h.ended {
		return
	}
	h.ended, h.err = true, err
	h.s.end(err, now)
	c.settleLocked(h)
	last := c.hands[len(c.hands)-1]
	c.hands[h.place], last.place = last, h.place
	c.hands = c.hands[:len(c.hands)-1]
	if err != nil {
		h.conn.SetDeadline(past)
	}
	h.wakeUp()
}

// end ends every session and waits until nothing is left of them. In a hurry
// nothing is sent any more, not even that we close.
func (c *crew) end(hurry bool) {
	c.mu.Lock()
	now := c.p.now()
	for len(c.hands) > 0 {
		h := c.hands[len(c.hands)-1]
		if hurry || h.writing {
			h.conn.SetDeadline(past)
		}
		c.endLocked(h, nil, now)
	}
	c.phase = crewEnded
	c.mu.Unlock()
	c.wg.Wait()
}

// write sends what is due on a session until it has ended, and then closes it.
func (c *crew) write(h *hand) {
	defer c.wg.Done()
	var buf []byte
	for {
		b, more, ended := c.next(h, buf[:0])
		switch {
		case ended:
			c.bury(h)
			return
		case !more:
			<-h.wake
			continue
		}
		buf = b
		c.wrote(h, c.put(h, b))
	}
}

// next is what h has to send. It counts as sent before it is, since its answer may
// be here before the write has returned; a write that fails ends the session.
func (c *crew) next(h *hand, buf []byte) (b []byte, more, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.ended {
		return nil, false, true
	}
	b, more = h.s.next(buf, room)
	if more {
		h.s.sent(len(b), c.p.now())
		h.writing = true
	}
	return b, more, false
}

// put writes b. A datagram that the system has no buffer for is tried again until
// the session ends, and at once one that hears of an earlier one: it was not sent.
func (c *crew) put(h *hand, b []byte) error {
	for passed := 1; ; {
		_, err := h.conn.Write(b)
		switch {
		case c.p.lossy && errors.Is(err, syscall.ENOBUFS) && c.refused(h):
			time.Sleep(resend)
		case err != nil && passed < mostPassing && c.passes(h, err):
			passed++
		default:
			return err
		}
	}
}

// passes is passingLocked of a session that goes on.
func (c *crew) passes(h *hand, err error) bool {
	now := c.p.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !h.ended && c.passingLocked(h, err, now)
}

// mostPassing is how many passing errors in a row a socket is tried again after at
// once. The first is of a datagram that was sent before, and says nothing of this one.
const mostPassing = 3

// refused counts a datagram that the system did not take. It reports whether the
// session goes on.
func (c *crew) refused(h *hand) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.w.tally.refused++
	return !h.ended
}

// wrote notes what became of a write.
func (c *crew) wrote(h *hand, err error) {
	now := c.p.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	h.writing = false
	if err != nil && !h.ended && !c.passingLocked(h, err, now) {
		c.endLocked(h, err, now)
	}
	c.settleLocked(h)
}

// bury closes the conn of a session that has ended, and tells the run.
func (c *crew) bury(h *hand) {
	c.w.info(readSockinfo(h.conn))
	h.conn.Close()
	if h.err != nil {
		c.w.failed(h.id, h.err)
	}
}

// read takes what arrives on a session until it has ended.
func (c *crew) read(h *hand) {
	defer c.wg.Done()
	receive := receiver(h.conn, c.p, c.p.bufferSize())
	for {
		data, err := receive()
		if !c.received(h, data, err) {
			return
		}
	}
}

// receiver returns what gives the next bytes of a stream, up to size, or the next
// message of a transport that keeps them. They are good until it is called again.
func receiver(conn net.Conn, p *plan, size int) func() ([]byte, error) {
	if mc, ok := conn.(transport.MessageConn); ok && p.keeps {
		var buf []byte
		return func() (b []byte, err error) {
			buf, err = mc.ReadMessage(buf[:0], longestAnswer)
			return buf, err
		}
	}
	buf := make([]byte, size)
	return func() ([]byte, error) {
		n, err := conn.Read(buf)
		return buf[:n], err
	}
}

// longestAnswer is the size of the longest message taken from a transport that
// keeps them, in bytes.
const longestAnswer = 64 << 20

// bufferSize is how many bytes are read at once where the load waits for answers: of
// datagrams the longest, of a stream what answers are likely to need.
func (p *plan) bufferSize() int {
	const least, most = 512, 64 << 10
	if p.keeps {
		return max(most, p.answer+1) // one that is longer is wrong, and seen to be
	}
	return min(max(p.load.Exchange.AnswerSize(0)*p.load.Depth, least), most)
}

// received gives h what arrived, and reports whether there may be more.
func (c *crew) received(h *hand, data []byte, err error) bool {
	now := c.p.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.ended {
		return false
	}
	if err != nil && len(data) == 0 && c.passingLocked(h, err, now) {
		return true
	}
	if len(data) > 0 || err == nil {
		h.refused = 0
		over, wrong := h.s.received(data, now)
		if wrong != nil {
			c.endLocked(h, wrong, now)
			return false
		}
		c.overLocked(h, over, now)
	}
	if err != nil {
		c.endLocked(h, err, now)
	}
	return err == nil
}
