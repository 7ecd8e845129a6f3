package clock

import (
	"fmt"
	"sync"
	"time"
)

// A Virtual is a clock that runs beside another one and is steered in its place: it
// shows what the other would show. The other is only read. Its methods may be called by
// several goroutines at once.
type Virtual struct {
	base func() time.Time

	mu        sync.Mutex    // guards what follows
	since     time.Time     // of base: when frequency was set
	ahead     time.Duration // of base, then
	frequency float64
}

// NewVirtual makes a clock that shows what base does until it is steered.
func NewVirtual(base func() time.Time) *Virtual {
	return &Virtual{base: base, since: base().Round(0)}
}

// Now is the time that the clock shows.
func (v *Virtual) Now() time.Time { return v.At(v.base()) }

// At is what the clock shows, as it is steered now, when its base shows t.
func (v *Virtual) At(t time.Time) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.atLocked(t.Round(0))
}

func (v *Virtual) atLocked(t time.Time) time.Time {
	return t.Add(v.ahead + time.Duration(float64(t.Sub(v.since))*v.frequency))
}

// Step sets the clock forward by d.
func (v *Virtual) Step(d time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ahead += d
	return nil
}

// Adjust sets the frequency.
func (v *Virtual) Adjust(frequency float64) error {
	if err := checkFrequency(frequency); err != nil {
		return err
	}
	now := v.base().Round(0)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ahead, v.since, v.frequency = v.atLocked(now).Sub(now), now, frequency
	return nil
}

// Announce does nothing: nobody asks a clock that only runs here.
func (v *Virtual) Announce(Status) error { return nil }

func checkFrequency(f float64) error {
	if !(f >= -MaxFrequency && f <= MaxFrequency) {
		return fmt.Errorf("frequency of %g: want one from %g to %g", f, -MaxFrequency, MaxFrequency)
	}
	return nil
}
