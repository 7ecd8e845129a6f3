package discipline

import "time"

// A timeline knows what was done to the clock: it turns moments of the clock into moments of
// the bare oscillator, which nothing was done to.
type timeline struct {
	start time.Time // what the clock showed when the oscillator's time was 0
	list  []segment // the newest last; never empty
}

// A segment is a time in which the clock ran at one frequency.
type segment struct {
	clock     time.Time     // its beginning, as the clock showed it
	bare      time.Duration // and as the oscillator did
	frequency float64       // of the clock against the oscillator
}

// segmentsKept are enough for samples of the exchange before, which is up to a poll interval old,
// while other servers have the clock changed every few seconds.
const segmentsKept = 4096

func newTimeline(now time.Time, frequency float64) *timeline {
	return &timeline{start: now, list: []segment{{now, 0, frequency}}}
}

// bare is the oscillator's moment at the clock's t.
func (l *timeline) bare(t time.Time) time.Duration {
	i := len(l.list) - 1
	for i > 0 && t.Before(l.list[i].clock) {
		i--
	}
	s := l.list[i]
	d := t.Sub(s.clock)
	return s.bare + d - time.Duration(float64(d)*s.frequency/(1+s.frequency))
}

// ahead is how much more than the oscillator the clock showed at its t.
func (l *timeline) ahead(t time.Time) time.Duration { return t.Sub(l.start) - l.bare(t) }

// frequency is that of the clock now.
func (l *timeline) frequency() float64 { return l.list[len(l.list)-1].frequency }

// adjust notes that the clock runs at frequency from now on.
func (l *timeline) adjust(now time.Time, frequency float64) {
	l.add(segment{now, l.bare(now), frequency})
}

// step notes that the clock, which showed now, was set forward by d.
func (l *timeline) step(now time.Time, d time.Duration) {
	l.add(segment{now.Add(d), l.bare(now), l.frequency()})
}

func (l *timeline) add(s segment) {
	if len(l.list) == segmentsKept {
		copy(l.list, l.list[1:])
		l.list = l.list[:segmentsKept-1]
	}
	l.list = append(l.list, s)
}
