package bench

import (
	"math"
	"slices"
	"testing"
)

// moments are the first n of a schedule.
func moments(s *schedule, n int) (all []int64) {
	for range n {
		all = append(all, s.next())
		s.take()
	}
	return all
}

func TestEvenScheduleKeepsItsRate(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 1000, 7777.7, 1e6, 1e9} {
		s := newSchedule(&plan{load: Load{Rate: rate, Workers: 1}}, 0)
		for k, at := range moments(s, 10_000) {
			if want := float64(k) * 1e9 / rate; math.Abs(float64(at)-want) > 1 {
				t.Fatalf("rate %g: message %d at %d ns, want %.1f", rate, k, at, want)
			}
		}
	}
}

func TestWorkersShareTheSchedule(t *testing.T) {
	const n = 3000
	for _, arrivals := range []Arrivals{Even, Poisson} {
		l := Load{Rate: 12_345, Arrivals: arrivals, Seed: 9, Workers: 1}
		whole := moments(newSchedule(&plan{load: l}, 0), n)
		l.Workers = 3
		for w := range 3 {
			for i, at := range moments(newSchedule(&plan{load: l}, w), n/3) {
				if want := whole[i*3+w]; at != want {
					t.Fatalf("arrivals %d: message %d of worker %d at %d, want %d", arrivals, i, w, at, want)
				}
			}
		}
		if !slices.IsSorted(whole) {
			t.Errorf("arrivals %d: the moments are not in order", arrivals)
		}
	}
}

// The gaps of a Poisson process have mean and standard deviation 1/rate, and a
// share of 1-1/e of them is shorter than that.
func TestPoissonArrivals(t *testing.T) {
	const n, rate = 200_000, 1000.0
	l := Load{Rate: rate, Arrivals: Poisson, Seed: 3}
	all := moments(newSchedule(&plan{load: l}, 0), n+1)
	var sum, squares, short float64
	for i := range n {
		gap := float64(all[i+1]-all[i]) / 1e9 * rate
		sum += gap
		squares += gap * gap
		if gap < 1 {
			short++
		}
	}
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean-1) > 0.02 || math.Abs(deviation-1) > 0.02 || math.Abs(short/n-(1-1/math.E)) > 0.01 {
		t.Errorf("gaps have mean %.3f, deviation %.3f, and %.3f are short; want 1, 1, 0.632", mean, deviation, short/n)
	}
	if again := moments(newSchedule(&plan{load: l}, 0), n+1); !slices.Equal(all, again) {
		t.Error("two schedules of one seed differ")
	}
	l.Seed = 4
	if other := moments(newSchedule(&plan{load: l}, 0), n+1); slices.Equal(all, other) {
		t.Error("two schedules of two seeds are alike")
	}
}

func TestWithoutARateNothingIsDue(t *testing.T) {
	s := newSchedule(&plan{load: Load{Workers: 2}}, 1)
	for _, at := range moments(s, 3) {
		if at != math.MaxInt64 {
			t.Errorf("next() = %d, want never", at)
		}
	}
}
