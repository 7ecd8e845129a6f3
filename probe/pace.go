package probe

import "time"

// burst is how far behind its time a beginning may be and still be caught up:
// what a timer may be late. What was held up for longer is not made good, so that
// nothing comes in a rush.
const burst = 10 * time.Millisecond

// A pacer says when the next may begin: each is due a gap after the one before was
// due.
type pacer struct {
	gap time.Duration // 0 is no limit
	due time.Time     // of the next; zero at first
}

// take begins the next if it is due, and returns 0; or it returns how long that
// takes.
func (p *pacer) take(now time.Time) (wait time.Duration) {
	if p.due.IsZero() {
		p.due = now
	}
	if now.Before(p.due) {
		return p.due.Sub(now)
	}
	if late := now.Add(-burst); p.due.Before(late) {
		p.due = late
	}
	p.due = p.due.Add(p.gap)
	return 0
}
