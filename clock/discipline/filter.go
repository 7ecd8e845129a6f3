package discipline

import (
	"math"
	"slices"
	"time"
)

// The samples of a source are filtered by Kalman's filter. The state is the offset of the
// server's clock against our bare oscillator, and the frequency with which it grows; the
// frequency walks at random, as that of a quartz does. The filter runs over the whole history
// again at each sample: what a sample is worth depends on the least delay, which is learned
// late, and how much the frequency walks, and how noisy the server's own clock is, is found by
// trying.

// A prior is what is known of the oscillator's frequency without any sample.
type prior struct {
	frequency float64
	deviation float64
}

// A fit is the state after the newest sample.
type fit struct {
	at   time.Duration // of the newest, by the oscillator
	base time.Duration // of the server's clock against the oscillator, added to offset
	kalman
	jitter       time.Duration // how far samples were from what was expected, weighted
	delay, queue time.Duration // the least delay, and what of it is taken to be queues too
	noise        time.Duration // of reading the clocks, and of the server's own
	rough        int           // by which of roughs that is more than what the server says
}

// A kalman is the state of the filter, in seconds, and its covariance.
type kalman struct {
	offset, slope                   float64
	varOffset, covariance, varSlope float64
	wander                          float64 // of the frequency: its deviation after a second
}

// pass lets dt seconds go by.
func (k *kalman) pass(dt float64) {
	q := k.wander * k.wander
	k.offset += k.slope * dt
	k.varOffset += 2*dt*k.covariance + dt*dt*k.varSlope + q*dt*dt*dt/3
	k.covariance += dt*k.varSlope + q*dt*dt/2
	k.varSlope += q * dt
}

// see takes in an observation of the offset of variance r, and returns how far it was from what
// was expected, and the variance of that.
func (k *kalman) see(offset, r float64) (off, variance float64) {
	off, variance = offset-k.offset, k.varOffset+r
	gainOffset, gainSlope := k.varOffset/variance, k.covariance/variance
	k.offset += gainOffset * off
	k.slope += gainSlope * off
	k.varSlope -= gainSlope * k.covariance
	k.covariance *= 1 - gainOffset
	k.varOffset *= 1 - gainOffset
	return off, variance
}

// wanders are tried for the walk of the frequency, in 1/sqrt(s). The middle one is that of a
// computer's oscillator in a room; as little as a few samples tell, it wins.
var wanders = [...]float64{1e-10, 3e-10, 1e-9, 3e-9, 1e-8, 3e-8, 1e-7, 3e-7}

const (
	usualIndex = 2  // of wanders
	tryAll     = 32 // points
)

// roughs are how many steps of 4 are tried for the noise of the server's clock, above that of
// reading the clocks. A receiver of radio time without a pulse a second is off by milliseconds
// that no delay shows; taken for exact, they would be followed as the frequency's walk.
const roughs = 12

// roughPenalty is what a step has to gain in likelihood.
const roughPenalty = 0.5

// fitHistory filters points, of which there is at least one. It tries all
// wanders, or once there are many points climbs to the likeliest from that of the fit before,
// and so with the noise.
//
// A frequency that is known may be known wrong: that it is not is tried too.
func fitHistory(points []point, p prior, before *fit) fit {
	best, likeliest := climb(points, p, before)
	if p.deviation < unknownFrequency {
		p.deviation = unknownFrequency
		if f, l := climb(points, p, before); l-wrongPenalty > likeliest {
			return f
		}
	}
	return best
}

// wrongPenalty is how much likelier the points have to be for a frequency that was found before
// not to be believed.
const wrongPenalty = 5

// climb finds the likeliest fit with a prior, and the logarithm of its likelihood.
func climb(points []point, p prior, before *fit) (best fit, likeliest float64) {
	var common fit
	common.delay, common.queue, common.noise = leastDelay(points)
	at := usualIndex
	for i, w := range wanders {
		if w == before.wander {
			at = i
		}
	}
	best, likeliest = common.with(points, p, at, before.rough)
	for improved := true; improved; {
		improved = false
		along := func(most int, try func(i int) (fit, float64), from int, all bool) {
			for _, step := range [...]int{1, -1} {
				for i := from + step; i >= 0 && i < most; i += step {
					f, l := try(i)
					if l > likeliest+leastGain {
						best, likeliest, improved = f, l, true
					} else if !all {
						break
					}
				}
			}
		}
		along(roughs, func(i int) (fit, float64) { return common.with(points, p, best.wanderIndex(), i) }, best.rough, len(points) <= tryAll)
		along(len(wanders), func(i int) (fit, float64) { return common.with(points, p, i, best.rough) }, best.wanderIndex(), len(points) <= tryAll)
	}
	return best, likeliest
}

// leastGain is what a fit has to be likelier by for the search to go on.
const leastGain = 1e-6

// with filters points with the i'th wander and the rough'th noise, and returns the logarithm of
// their likelihood.
func (f fit) with(points []point, p prior, i, rough int) (fit, float64) {
	decades := math.Log10(wanders[i] / wanders[usualIndex])
	f.rough = rough
	f.noise <<= 2 * rough
	l := f.run(points, p, wanders[i]) - decades*decades - roughPenalty*float64(rough)
	return f, l
}

// wanderIndex is which of wanders it is of.
func (f *fit) wanderIndex() int { return slices.Index(wanders[:], f.wander) }

// run filters with a wander, and returns the logarithm of the likelihood of it.
func (f *fit) run(points []point, p prior, wander float64) (likelihood float64) {
	first := points[0]
	f.base = first.offset
	f.kalman = kalman{slope: p.frequency, varSlope: p.deviation * p.deviation, varOffset: variance(first, f), wander: wander}
	var sum, weights float64
	for i := 1; i < len(points); i++ {
		one := points[i]
		f.pass((one.at - points[i-1].at).Seconds())
		off, v := f.see((one.offset - f.base).Seconds(), variance(one, f))
		sum += off * off / v
		weights += 1 / v
		likelihood -= (math.Log(v) + off*off/v) / 2
	}
	f.at = points[len(points)-1].at
	if weights > 0 {
		f.jitter = duration(math.Sqrt(sum / weights))
	}
	return likelihood
}

// ahead is the state dt later.
func (f *fit) ahead(dt time.Duration) kalman {
	k := f.kalman
	k.pass(dt.Seconds())
	return k
}

// perExcess is the standard deviation of an offset for each second that a delay was longer than
// the least: that was spent in queues on the way there or back, in a proportion that is not
// known, so the error is up to half of it either way, evenly spread (1/sqrt(12)).
const perExcess = 0.2887

// variance is that of the offset of a sample.
func variance(p point, f *fit) float64 {
	excess := (p.delay - f.delay + f.queue).Seconds() * perExcess
	noise := f.noise.Seconds()
	return excess*excess + noise*noise
}

// leastDelay is the least delay of points, how much of even that was spent in queues, and the
// noise of reading the clocks. The way without any queue is shorter than the least delay
// seen: with queues of exponential length on both ways the least of n delays is about 1.4 times
// as far from it as the third is from the least, whatever n is.
func leastDelay(points []point) (delay, queue, noise time.Duration) {
	first, second, third := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	noise = time.Second
	for _, p := range points {
		switch d := p.delay; {
		case d < first:
			first, second, third = d, first, second
		case d < second:
			second, third = d, second
		case d < third:
			third = d
		}
		noise = min(noise, p.noise)
	}
	noise = min(max(noise, time.Nanosecond), 100*time.Millisecond)
	switch len(points) {
	case 1:
		return first, first / 4, noise // it is not known at all
	case 2:
		return first, second - first, noise
	}
	return first, (third - first) * 14 / 10, noise
}
