package bench

import (
	"math"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// of is a histogram of some latencies.
func of(values ...int64) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, int64(time.Hour), 3)
	for _, v := range values {
		h.RecordValue(v)
	}
	return h
}

// shaped is n latencies of typical and one each of the others.
func shaped(typical, n int64, others ...int64) *hdrhistogram.Histogram {
	h := of(others...)
	h.RecordValues(typical, n)
	return h
}

func TestRows(t *testing.T) {
	hour := int64(time.Hour)
	for _, c := range []struct {
		name        string
		h           *hdrhistogram.Histogram
		least, most int // rows
	}{
		{"empty", of(), 0, 0},
		{"one", of(50_000), 1, 1},
		{"zero", of(0), 1, 1},
		{"nanosecond", of(1), 1, 1},
		{"hour", of(hour), 1, 1},
		{"two far apart", of(1, hour), 12, 14},
		{"near", of(50_000, 51_000, 52_900), 1, 2},
		{"outlier above", shaped(50_000, 10_000, hour), 2, 6},
		{"outlier below", shaped(50_000, 10_000, 1), 2, 2},
		{"both", shaped(50_000, 10_000, 1, hour), 3, 7},
		{"just beyond the body", shaped(1000, 10_000, 1060), 2, 2},
		{"typical", sampled(100_000, 80_000), 10, mostRows},
		{"wide", wide(), 10, mostRows},
	} {
		rows := rowsOf(c.h)
		if n := len(rows); n < c.least || n > c.most {
			t.Errorf("%s: %d rows, want %d to %d", c.name, n, c.least, c.most)
		}
		checkRows(t, c.name, rows, c.h)
	}
}

func TestBody(t *testing.T) {
	var values []int64
	for v := range int64(400) {
		values = append(values, v+1)
	}
	for _, c := range []struct{ n, low, high int64 }{{1, 1, 1}, {99, 1, 99}, {100, 2, 99}, {400, 5, 396}} {
		low, high := body(of(values[:c.n]...).Distribution(), c.n)
		if low != c.low || high != c.high {
			t.Errorf("body of 1 to %d = %d to %d, want %d to %d", c.n, low, high, c.low, c.high)
		}
	}
}

// checkRows fails unless the rows join and count each latency where it belongs.
func checkRows(t *testing.T, name string, rows []row, h *hdrhistogram.Histogram) {
	t.Helper()
	total := int64(0)
	bars := h.Distribution()
	for i, r := range rows {
		total += r.count
		if r.from >= r.to || i > 0 && r.from != rows[i-1].to {
			t.Errorf("%s: row %d is from %d to %d", name, i, r.from, r.to)
		}
		want := int64(0)
		for _, b := range bars {
			if m := (b.From + b.To) / 2; r.from <= m && m < r.to {
				want += b.Count
			}
		}
		if r.count != want {
			t.Errorf("%s: row %d from %d to %d counts %d, want %d", name, i, r.from, r.to, r.count, want)
		}
	}
	if total != h.TotalCount() {
		t.Errorf("%s: the rows count %d, want %d", name, total, h.TotalCount())
	}
}

func FuzzRows(f *testing.F) {
	f.Add(int64(1), int64(1), int64(1), int64(1))
	f.Add(int64(50_000), int64(10_000), int64(0), int64(time.Hour))
	f.Add(int64(time.Hour), int64(math.MaxInt32), int64(7), int64(8))
	f.Fuzz(func(t *testing.T, typical, n, other, another int64) {
		fit := func(v int64) int64 { return (v & math.MaxInt64) % (int64(time.Hour) + 1) }
		h := shaped(fit(typical), 1+(n&math.MaxInt32), fit(other), fit(another))
		rows := rowsOf(h)
		if len(rows) < 1 || len(rows) > mostRows {
			t.Errorf("%d rows, want 1 to %d", len(rows), mostRows)
		}
		checkRows(t, "fuzzed", rows, h)
	})
}

func TestBlock(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		width       int
		want        string
	}{
		{0, 10, 5, ""},
		{10, 10, 5, "█████"},
		{5, 10, 5, "██▌"},
		{1, 1_000_000, 5, "▏"},
		{math.MaxInt64, math.MaxInt64, 3, "███"},
		{1, 0, 5, ""},
		{1, 1, 0, ""},
	} {
		if got := block(c.part, c.whole, c.width); got != c.want {
			t.Errorf("block(%d, %d, %d) = %q, want %q", c.part, c.whole, c.width, got, c.want)
		}
	}
}
