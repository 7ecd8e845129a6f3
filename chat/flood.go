package chat

import "time"

// Flood bounds how much one peer says: Burst lines at once, then PerSecond.
// The zero value is the default, 400 and 20: enough for what somebody pastes. A
// negative Burst is no bound.
type Flood struct {
	Burst     int
	PerSecond float64
}

// effective is f with its defaults.
func (f Flood) effective() Flood {
	if f.Burst == 0 {
		f.Burst = 400
	}
	if f.PerSecond <= 0 {
		f.PerSecond = 20
	}
	return f
}

// A bucket holds what somebody may still say.
type bucket struct {
	used float64   // of Flood.Burst, at the time
	at   time.Time // zero: nothing is used
}

// take takes one, or returns how long to wait until there is one.
func (b *bucket) take(f Flood, now time.Time) time.Duration {
	f = f.effective()
	if f.Burst < 0 {
		return 0
	}
	if !b.at.IsZero() {
		b.used = max(0, b.used-f.PerSecond*now.Sub(b.at).Seconds())
	}
	b.at = now
	if over := b.used + 1 - float64(f.Burst); over > 0 {
		wait := time.Duration(over / f.PerSecond * float64(time.Second))
		return max(wait.Round(time.Millisecond), time.Millisecond)
	}
	b.used++
	return 0
}
