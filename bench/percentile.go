package bench

import "github.com/HdrHistogram/hdrhistogram-go"

// percentiles are those of which everything that is written speaks.
var percentiles = []struct {
	name    string
	percent float64
	enough  int64 // latencies for one to be beyond
}{
	{"p50", 50, 2}, {"p90", 90, 10}, {"p99", 99, 100}, {"p99.9", 99.9, 1000}, {"p99.99", 99.99, enough},
}

// empty is the histogram of reports that have none.
var empty = hdrhistogram.New(1, 1000, 3)

// histogram is the latencies, also of the zero Report.
func (r *Report) histogram() *hdrhistogram.Histogram {
	if r.Latency == nil {
		return empty
	}
	return r.Latency
}
