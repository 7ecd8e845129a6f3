// Package simulate has an oscillator and a network for tests of clocks, in simulated time:
// seeded, so that every run is the same.
package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"parley/clock"
)

// An Oscillator is a clock.Clock that is wrong by a frequency which walks at random. True
// time, which it does not know, is a time.Time that the caller advances.
type Oscillator struct {
	// Frequency is by how much it runs too fast, seconds a second, and Wander how its
	// frequency walks: the standard deviation after a second, and with the square root of
	// the time. Sway is a sine of the frequency, as of a room's temperature, of Period.
	Frequency, Wander, Sway float64
	Period                  time.Duration

	Steps int // that were made
	Said  clock.Status

	random   *rand.Rand
	now      time.Time     // true time
	began    time.Time     // true time at the beginning
	ahead    time.Duration // of the clock to true time
	rest     float64       // below a nanosecond
	steering float64
}

// NewOscillator makes a clock that shows offset more than the true time now.
func NewOscillator(now time.Time, offset time.Duration, frequency float64, seed uint64) *Oscillator {
	return &Oscillator{Frequency: frequency, random: rand.New(rand.NewPCG(seed, 77)), now: now, began: now, ahead: offset}
}

// quantum is the time in which the frequency is taken for constant.
const quantum = time.Second

// Advance lets true time pass, to now.
func (o *Oscillator) Advance(now time.Time) {
	for o.now.Before(now) {
		d := min(now.Sub(o.now), quantum)
		o.Frequency += o.Wander * math.Sqrt(d.Seconds()) * o.random.NormFloat64()
		f := o.Frequency
		if o.Period > 0 {
			f += o.Sway * math.Sin(2*math.Pi*float64(o.now.Sub(o.began))/float64(o.Period))
		}
		// The steering multiplies what the oscillator does.
		gained := float64(d)*(f+o.steering+f*o.steering) + o.rest
		whole := math.Floor(gained)
		o.ahead, o.rest = o.ahead+time.Duration(whole), gained-whole
		o.now = o.now.Add(d)
	}
}

// Ahead is by how much the clock shows more than the true time.
func (o *Oscillator) Ahead() time.Duration { return o.ahead }

// Now is the time that the clock shows.
func (o *Oscillator) Now() time.Time { return o.now.Add(o.ahead) }

// Step sets the clock forward by d.
func (o *Oscillator) Step(d time.Duration) error {
	o.ahead += d
	o.Steps++
	return nil
}

// Adjust steers.
func (o *Oscillator) Adjust(frequency float64) error {
	if math.Abs(frequency) > clock.MaxFrequency || math.IsNaN(frequency) {
		return fmt.Errorf("frequency of %g", frequency)
	}
	o.steering = frequency
	return nil
}

// Announce keeps s in Said.
func (o *Oscillator) Announce(s clock.Status) error {
	o.Said = s
	return nil
}
