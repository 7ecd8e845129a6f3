package chat

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley"
	"parley/chat/wire"
)

// An outbox is what a member was not sent because it does not read: of messages
// only how many, of other lines the lines themselves, as far as they fit.
type outbox struct {
	behind atomic.Bool // something follows; then nothing else is sent

	mu     sync.Mutex // guards what follows, and seat.missed
	lines  [][]byte
	bytes  int // of lines
	missed []*seat
}

// maxWaiting bounds the lines that wait for a member. One that does not even take
// these has its session ended: a client would wait for an answer for ever.
const maxWaiting = 256 << 10

// lagPause is how long a member that is behind is left alone. It gathers what is
// missed into one notice.
const lagPause = 100 * time.Millisecond

// offer sends a message of s, and returns 1; or it counts it as missed.
func (m *member) offer(s *seat, b []byte) int64 {
	if !m.out.behind.Load() {
		switch err := m.write(b); err {
		case nil:
			return 1
		case parley.ErrBacklogged:
		default:
			return 0 // the session is over, or the address not proved, which is counted
		}
	}
	m.out.mu.Lock()
	defer m.out.mu.Unlock()
	if s.missed++; s.missed == 1 {
		m.out.missed = append(m.out.missed, s)
	}
	m.hub.counts.missed.Add(1)
	m.fallBehindLocked()
	return 0
}

// send sends a line that is no message of a room. If the member does not read, it
// waits; on datagrams it is lost, as others are.
func (m *member) send(b []byte) {
	if !m.out.behind.Load() || m.datagram {
		if m.write(b) != parley.ErrBacklogged || m.datagram {
			return
		}
	}
	m.out.mu.Lock()
	defer m.out.mu.Unlock()
	if m.out.bytes+len(b) > maxWaiting {
		m.conn.End()
		return
	}
	m.out.lines = append(m.out.lines, append([]byte(nil), b...))
	m.out.bytes += len(b)
	m.fallBehindLocked()
}

// try sends b, unless it would have to wait.
func (m *member) try(b []byte) bool { return !m.out.behind.Load() && m.write(b) == nil }

// write hands b to the server, if the peer may be sent that much.
func (m *member) write(b []byte) error {
	if m.proof != nil && !m.proof.spend(len(b)) {
		m.hub.counts.dropped.Add(1)
		return parley.ErrAnswerCap
	}
	return m.conn.Send(b)
}

// fallBehindLocked makes everything else wait; out.mu is held.
func (m *member) fallBehindLocked() {
	if !m.out.behind.Swap(true) {
		m.hub.lag.add(m)
	}
}

// catchUp sends what waits, and says what was missed. It reports whether the
// member is behind no longer.
func (m *member) catchUp() bool {
	o := &m.out
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.lines) > 0 {
		if m.stillBehind(o.lines[0]) {
			return false
		}
		o.bytes -= len(o.lines[0])
		o.lines = o.lines[1:]
	}
	for len(o.missed) > 0 {
		s := o.missed[0]
		if m.stillBehind(m.either(words(wire.VerbMissed, s.room.name, strconv.Itoa(s.missed)), missedNotice(s.missed))) {
			return false
		}
		s.missed = 0
		o.missed = o.missed[1:]
	}
	o.lines, o.missed = nil, nil
	o.behind.Store(false)
	return true
}

// stillBehind tries to send b.
func (m *member) stillBehind(b []byte) bool { return m.write(b) == parley.ErrBacklogged }

func missedNotice(n int) []byte {
	if n == 1 {
		return notice("you missed 1 message, /history shows it")
	}
	return notice(fmt.Sprintf("you missed %d messages, /history shows them", n))
}

// forget takes a seat that m leaves out of what it missed. room.mu is held.
func (m *member) forget(s *seat) {
	m.out.mu.Lock()
	defer m.out.mu.Unlock()
	for i, t := range m.out.missed {
		if t == s {
			m.out.missed = append(m.out.missed[:i], m.out.missed[i+1:]...)
			break
		}
	}
	s.missed = 0
}

// laggards are the members that are behind. A goroutine looks after them while
// there are any.
type laggards struct {
	hub *Hub
	wg  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	list    []*member
	running bool
	over    bool
}

func (l *laggards) add(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, m)
	if !l.running && !l.over {
		l.running = true
		l.wg.Go(l.run)
	}
}

// run ends when nobody is behind, or the hub is closed.
func (l *laggards) run() {
	tick := time.NewTicker(lagPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.hub.ctx.Done():
			return
		}
		if !l.round() {
			return
		}
	}
}

// round gives everybody a chance, and reports whether somebody is still behind.
func (l *laggards) round() bool {
	l.mu.Lock()
	list := l.list
	l.list = nil
	l.mu.Unlock()
	var still []*member
	for _, m := range list {
		if !m.catchUp() {
			still = append(still, m)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, still...)
	l.running = len(l.list) > 0
	return l.running
}

// wait waits for the goroutine, when the hub's ctx is over.
func (l *laggards) wait() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.wg.Wait()
}
