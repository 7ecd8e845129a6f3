package plot

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// around is the range of a logarithmic axis: from 1, 2 or 5 times a power of ten well
// below low to the same well above high.
func around(low, high float64) (least, most float64) {
	low, high = low/1.06, high*1.06
	decade := math.Pow(10, math.Floor(math.Log10(low)))
	least = decade
	for _, m := range []float64{2, 5} {
		if m*decade <= low {
			least = m * decade
		}
	}
	decade = math.Pow(10, math.Floor(math.Log10(high)))
	for _, m := range []float64{10, 5, 2} {
		if m*decade > high {
			most = m * decade
		}
	}
	return least, most
}

// logTicks are ticks of a logarithmic axis of nanoseconds: labelled at 1, 2 and 5 or,
// where that were too many, at 1.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	few := high/low <= 2000
	for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
		for m := 1.0; m < 10; m++ {
			v := m * decade
			if v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			tick := plot.Tick{Value: max(low, min(v, high))}
			if m == 1 || few && (m == 2 || m == 5) {
				tick.Label = shortLatency(v)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// shortLatency writes a round number of nanoseconds: "50 µs".
func shortLatency(ns float64) string {
	units := []string{" ns", " µs", " ms", " s"}
	i := 0
	for ; ns >= 999 && i < len(units)-1; i++ {
		ns /= 1000
	}
	return plain(ns) + units[i]
}

// linearTicks are ticks of a linear axis, at multiples of 1, 2 or 5: at most most, and
// one.
type linearTicks struct {
	most  float64
	label func(float64) string
}

func (l linearTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	step := roundStep((high - low) / l.most)
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
		v := i*step + 0 // and not -0
		ticks = append(ticks, plot.Tick{Value: v, Label: l.label(v)})
	}
	return ticks
}

// roundStep is the least of 1, 2 and 5 times a power of ten that is not below x.
func roundStep(x float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*decade >= x*(1-1e-9) {
			return m * decade
		}
	}
	return 10 * decade
}

// plain writes a number without a unit, which the axis has.
func plain(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// seconds writes a time.
func seconds(x float64) string { return plain(x) + " s" }

// thousands writes a number with the prefix of its unit: "50 k".
func thousands(x float64) string {
	prefixes := []string{"", " k", " M", " G", " T"}
	i := 0
	for ; math.Abs(x) >= 999.999 && i < len(prefixes)-1; i++ {
		x /= 1000
	}
	return plain(x) + prefixes[i]
}
