package bench

import (
	"math"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"parley/internal/figure"
)

// The rows of a histogram in characters. The body is all but one in 100 at each end,
// whose rows may be coarser: their bars are too short to mislead.
const (
	bodyRows = 14
	tailRows = 8 // above the body; one is below
	mostRows = 20
	tail     = 100 // a 100th of all is a tail
)

// widestBar is in columns.
const widestBar = 40

// preferred are the numbers R40 of ISO 3, in hundredths: 40 bounds a decade, rounded
// so that people can read them, in equal steps of the logarithm.
var preferred = []int64{
	100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265, 280, 300,
	315, 335, 355, 375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800, 850, 900, 950,
}

// grids are the bounds of rows from fine to coarse.
var grids = [][]int64{
	grid(func(i int) bool { return true }),
	grid(func(i int) bool { return i%2 == 0 }),
	grid(func(i int) bool { return i%4 == 0 }),
	grid(func(i int) bool { return i%8 == 0 }),
	grid(func(i int) bool { return i == 0 || i == 12 || i == 28 }), // 1, 2, 5
	grid(func(i int) bool { return i == 0 }),
}

// grid is 0 and the chosen preferred numbers times powers of ten, to beyond an
// hour in nanoseconds.
func grid(chosen func(i int) bool) []int64 {
	bounds := []int64{0}
	for power := int64(1); power <= 1e13; power *= 10 {
		for i, n := range preferred {
			if b := (n*power + 50) / 100; chosen(i) && b > bounds[len(bounds)-1] {
				bounds = append(bounds, b)
			}
		}
	}
	return bounds
}

// A row is the latencies from from to below to, in nanoseconds.
type row struct{ from, to, count int64 }

// rowsOf parts the latencies into at most mostRows rows, as fine as that allows.
func rowsOf(h *hdrhistogram.Histogram) []row {
	bars := slices.DeleteFunc(h.Distribution(), func(b hdrhistogram.Bar) bool { return b.Count == 0 })
	if len(bars) == 0 {
		return nil
	}
	least, most := middle(bars[0]), middle(bars[len(bars)-1])
	low, high := body(bars, h.TotalCount())

	bounds := within(low, high, bodyRows)
	if least < bounds[0] {
		bounds = slices.Insert(bounds, 0, floor(least))
	}
	if last := bounds[len(bounds)-1]; most >= last {
		for _, b := range within(last, most, min(tailRows, mostRows-len(bounds)+1)) {
			if b > last {
				bounds = append(bounds, b)
			}
		}
	}
	return fill(bounds, bars)
}

// middle is what a bar of the histogram stands for.
func middle(b hdrhistogram.Bar) int64 { return b.From + (b.To-b.From)/2 }

// body is the least and the greatest latency without the tails.
func body(bars []hdrhistogram.Bar, total int64) (low, high int64) {
	low, high = -1, -1
	seen := int64(0)
	for _, b := range bars {
		seen += b.Count
		if low < 0 && seen > total/tail {
			low = middle(b)
		}
		if high < 0 && seen >= total-total/tail {
			high = middle(b)
		}
	}
	return low, high
}

// within is the bounds of at most most rows that low and high are in, of the finest
// grid that has so few; of the coarsest, the bounds of one.
func within(low, high int64, most int) []int64 {
	var bounds []int64
	for _, g := range grids {
		i, _ := slices.BinarySearch(g, low+1)  // the first beyond low
		j, _ := slices.BinarySearch(g, high+1) // the first beyond high
		if bounds = g[i-1 : j+1]; len(bounds)-1 <= most {
			return slices.Clone(bounds)
		}
	}
	return []int64{bounds[0], bounds[len(bounds)-1]}
}

// floor is the greatest bound not above v.
func floor(v int64) int64 {
	i, _ := slices.BinarySearch(grids[0], v+1)
	return grids[0][i-1]
}

// fill counts the bars in the rows between bounds.
func fill(bounds []int64, bars []hdrhistogram.Bar) []row {
	rows := make([]row, len(bounds)-1)
	for i := range rows {
		rows[i].from, rows[i].to = bounds[i], bounds[i+1]
	}
	i := 0
	for _, b := range bars {
		for middle(b) >= rows[i].to {
			i++
		}
		rows[i].count += b.Count
	}
	return rows
}

// writeCurve writes the histogram of latencies as rows of characters.
func writeCurve(p *page, h *hdrhistogram.Histogram, unit string) {
	rows := rowsOf(h)
	from, to := []string{""}, []string{"latency"}
	count, share, sofar := []string{unit}, []string{"share"}, []string{"so far"}
	seen, fullest := int64(0), int64(0)
	for _, r := range rows {
		seen += r.count
		fullest = max(fullest, r.count)
		from = append(from, figure.Latency(float64(r.from)))
		to = append(to, figure.Latency(float64(r.to)))
		count = append(count, figure.Count(r.count))
		share = append(share, figure.Share(r.count, h.TotalCount()))
		sofar = append(sofar, figure.Share(seen, h.TotalCount()))
	}
	widths := []int{widest(from), widest(to), widest(count), widest(share), widest(sofar)}
	used := widths[0] + len(" to ") + widths[1] + 2 + widths[2] + 2 + widths[3] + 2 + widths[4] + 2
	showSoFar := used+10 <= p.width
	if !showSoFar {
		used -= widths[4] + 2
	}
	bar := min(p.width-used, widestBar)
	for i := range from {
		to0 := " to "
		if i == 0 {
			to0 = "    "
		}
		line := padLeft(from[i], widths[0]) + to0 + padLeft(to[i], widths[1]) + "  " +
			padLeft(count[i], widths[2]) + "  " + padLeft(share[i], widths[3])
		if showSoFar {
			line += "  " + padLeft(sofar[i], widths[4])
		}
		if i > 0 {
			line += "  " + block(rows[i-1].count, fullest, bar)
		}
		p.line(line)
	}
}

// eighths are parts of a column.
var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// block draws part of whole as a bar of at most width columns, in eighths of one. What is there
// is seen.
func block(part, whole int64, width int) string {
	if part <= 0 || whole <= 0 || width <= 0 {
		return ""
	}
	n := max(1, int(math.Round(float64(part)/float64(whole)*float64(width)*8)))
	return strings.Repeat("█", n/8) + eighths[n%8]
}
