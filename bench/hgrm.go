package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ticks is how many lines there are for each halving of what is left to 100 %: what
// HdrHistogram's tools write.
const ticks = 5

// WriteHGRM writes the latencies as the percentile distribution that the tools of
// HdrHistogram read and plot, as its Java original does; values are microseconds:
//
//	       Value     Percentile TotalCount 1/(1-Percentile)
//
//	      12.031 0.000000000000          1           1.00
//	...
//	    1205.247 1.000000000000    1234567
//	#[Mean    =       45.123, StdDeviation   =       10.456]
//	#[Max     =     1205.247, Total count    =      1234567]
//	#[Buckets =           32, SubBuckets     =         2048]
func (r *Report) WriteHGRM(w io.Writer) error {
	h := r.histogram()
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	for _, line := range h.CumulativeDistributionWithTicks(ticks) {
		value, part := float64(line.ValueAt)/1000, line.Quantile/100
		if h.TotalCount() == 0 {
			break
		}
		fmt.Fprintf(b, "%12.3f %2.12f %10d", value, part, line.Count)
		if part < 1 {
			fmt.Fprintf(b, " %14.2f", 1/(1-part))
		}
		b.WriteByte('\n')
	}
	if err := writeFooter(b, h); err != nil {
		return err
	}
	return b.Flush()
}

// writeFooter writes the lines that begin with #. They hold what of the
// histogram's shape only its package knows.
func writeFooter(w io.Writer, h *hdrhistogram.Histogram) error {
	var all bytes.Buffer
	if _, err := h.PercentilesPrint(&all, 1, 1000); err != nil {
		return err
	}
	_, err := w.Write(all.Bytes()[bytes.IndexByte(all.Bytes(), '#'):])
	return err
}
