package probe

import (
	"math"
	"slices"
	"time"
)

// summarize sets the round trip times of f.
func (f *Ping) summarize(round []time.Duration) {
	if len(round) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(round))
	f.Min, f.Max = sorted[0], sorted[len(sorted)-1]
	mean := 0.0
	for _, d := range sorted {
		mean += float64(d) / float64(len(sorted))
	}
	sum := 0.0
	for _, d := range sorted {
		sum += (float64(d) - mean) * (float64(d) - mean)
	}
	f.Mean, f.StdDev = time.Duration(mean), time.Duration(math.Sqrt(sum/float64(len(sorted)))) // as ping(8) has it
	f.P50, f.P90, f.P99 = percentile(sorted, 50), percentile(sorted, 90), percentile(sorted, 99)
}

// percentile is the smallest of sorted that p percent are not above.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max((len(sorted)*p+99)/100, 1)-1]
}
