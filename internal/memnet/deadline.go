package memnet

import "time"

// deadline is a moment, and the timer that wakes those who wait when it comes.
// Whether it has passed is read off the clock: a timer that was already firing
// when the moment moved wakes somebody in vain and does no harm. It is guarded
// by its stream's mu.
type deadline struct {
	wake  func()    // constant
	at    time.Time // zero: none
	timer *time.Timer
}

// set moves the deadline. The timer is kept for the next one, so that setting a
// deadline for each message allocates nothing.
func (d *deadline) set(t time.Time) {
	if t.IsZero() {
		d.at = t
		d.stop()
		return
	}
	// Somebody may set the wall clock while we wait: from here on only the
	// monotonic clock counts, which is the timer's.
	wait := time.Until(t)
	d.at = time.Now().Add(wait)
	switch {
	case wait <= 0:
		d.stop()
	case d.timer == nil:
		d.timer = time.AfterFunc(wait, d.wake)
	default:
		d.timer.Reset(wait)
	}
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
