package discipline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func candidates(pairs ...[2]time.Duration) (list []candidate) {
	for i, p := range pairs {
		list = append(list, candidate{&source{name: fmt.Sprint(i)}, Estimate{Offset: p[0], Distance: p[1], Deviation: p[1] / 100, Skew: 1e-9}})
	}
	return list
}

func names(list []candidate) (s string) {
	for _, c := range list {
		s += c.source.name
	}
	return s
}

func TestIntersect(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		list [][2]time.Duration
		want string
	}{
		{nil, ""},
		{[][2]time.Duration{{5 * ms, ms}}, "0"},
		{[][2]time.Duration{{0, ms}, {ms, ms}}, "01"},
		{[][2]time.Duration{{0, ms}, {5 * ms, ms}}, ""},
		{[][2]time.Duration{{0, 2 * ms}, {3 * ms, 2 * ms}}, ""}, // each outside of what they have in common
		{[][2]time.Duration{{0, ms}, {500 * ms, ms}, {ms / 2, ms}}, "02"},
		{[][2]time.Duration{{0, ms}, {500 * ms, ms}, {ms / 2, ms}, {-500 * ms, ms}}, ""}, // two of four are no majority
		{[][2]time.Duration{{0, ms}, {500 * ms, ms}, {ms / 2, ms}, {-500 * ms, ms}, {ms, ms}}, "024"},
	} {
		got := names(intersect(candidates(test.list...)))
		if got != test.want {
			t.Errorf("%v: %q, want %q", test.list, got, test.want)
		}
	}
}

// TestIntersectFindsTheRight has a majority that is right, each within its distance of the
// truth, and liars far off: exactly the right are found, whatever their order.
func TestIntersectFindsTheRight(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		right := 1 + random.IntN(6)
		liars := random.IntN(right)
		var list [][2]time.Duration
		want := make(map[string]bool)
		for range right {
			distance := time.Duration(1e6 + random.Int64N(4e6))
			// Near enough that every middle is within the others' intervals too.
			list = append(list, [2]time.Duration{time.Duration(random.Int64N(4e5) - 2e5), distance})
		}
		for range liars {
			side := time.Duration(1 - 2*random.IntN(2))
			list = append(list, [2]time.Duration{side * time.Duration(1e9+random.Int64N(1e9)), time.Duration(random.Int64N(5e6))})
		}
		order := random.Perm(len(list))
		var shuffled [][2]time.Duration
		for i, from := range order {
			shuffled = append(shuffled, list[from])
			want[fmt.Sprint(i)] = from < right
		}
		got := intersect(candidates(shuffled...))
		if len(got) != right {
			t.Fatalf("%v: %d found, want %d", shuffled, len(got), right)
		}
		for _, c := range got {
			if !want[c.source.name] {
				t.Fatalf("%v: the liar %s is believed", shuffled, c.source.name)
			}
		}
	}
}

// TestClusterPutsFarOnesAside keeps three, and the closest.
func TestClusterPutsFarOnesAside(t *testing.T) {
	const us = time.Microsecond
	list := candidates([2]time.Duration{0, 1000 * us}, [2]time.Duration{900 * us, 1000 * us}, [2]time.Duration{10 * us, 1000 * us}, [2]time.Duration{-10 * us, 1000 * us}, [2]time.Duration{5 * us, 1000 * us})
	got := cluster(list)
	for _, c := range got {
		if c.source.name == "1" {
			t.Errorf("the one that is 900 µs off survived among %q", names(got))
		}
	}
	if len(got) < fewestSurvivors {
		t.Errorf("%q are fewer than %d", names(got), fewestSurvivors)
	}
	if got := cluster(list[:2]); len(got) != 2 {
		t.Errorf("of two only %q survived", names(got))
	}
	for i := range list {
		list[i].Deviation = time.Millisecond
	}
	if got := cluster(list); len(got) != len(list) {
		t.Errorf("of five that are as far apart as each may be off only %q survived", names(got))
	}
	list[3].Last.Stratum, list[3].Distance = 1, 2000*us
	for _, i := range []int{0, 1, 2, 4} {
		list[i].Last.Stratum = 2
	}
	if got := cluster(list); got[0].source.name != "3" {
		t.Errorf("%q: the lowest stratum does not lead", names(got))
	}
}

// TestCombine compares with the weighted mean, written out.
func TestCombine(t *testing.T) {
	c := combine(candidates([2]time.Duration{0, time.Millisecond}, [2]time.Duration{time.Millisecond, 3 * time.Millisecond}))
	if want := 250 * time.Microsecond; (c.offset - want).Abs() > 1 {
		t.Errorf("offset %v, want %v: three parts of one, one of the other", c.offset, want)
	}
}

// TestCombineFrequencies weighs them by how well they are known.
func TestCombineFrequencies(t *testing.T) {
	list := candidates([2]time.Duration{0, time.Millisecond}, [2]time.Duration{0, time.Millisecond})
	list[0].Frequency, list[0].Skew = 1e-6, 1e-9
	list[1].Frequency, list[1].Skew = 9e-6, 1e-6
	if c := combine(list); math.Abs(c.frequency-1e-6) > 1e-10 || math.Abs(c.skew-1e-9) > 1e-11 {
		t.Errorf("frequency %g ± %g, want 1e-6 ± 1e-9", c.frequency, c.skew)
	}
}

// TestTimeline goes through steps and frequencies, and compares with the oscillator itself.
func TestTimeline(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	clock := start
	l := newTimeline(clock, 100e-6)
	bare := 0.0 // seconds of the oscillator
	ahead, frequency := 0.0, 100e-6
	for range 200 {
		d := random.Float64() * 1000
		bare, ahead = bare+d, ahead+d*frequency
		clock = clock.Add(time.Duration(d * (1 + frequency) * 1e9))
		if got := l.bare(clock).Seconds(); math.Abs(got-bare) > 1e-6 {
			t.Fatalf("bare time %v, want %v", got, bare)
		}
		if got := l.ahead(clock).Seconds(); math.Abs(got-ahead) > 1e-6 {
			t.Fatalf("ahead by %v, want %v", got, ahead)
		}
		if random.IntN(4) == 0 {
			step := time.Duration(random.Int64N(2e9) - 1e9)
			l.step(clock, step)
			clock, ahead = clock.Add(step), ahead+step.Seconds()
		} else {
			frequency = (random.Float64() - 0.5) * 1e-3
			l.adjust(clock, frequency)
		}
	}
}

// TestTimelineKnowsThePast asks about moments before the last changes, as interleaved samples
// do.
func TestTimelineKnowsThePast(t *testing.T) {
	l := newTimeline(start, 0)
	l.adjust(start.Add(100*time.Second), 500e-6)
	l.adjust(start.Add(200*time.Second), 0)
	for at, want := range map[time.Duration]time.Duration{50 * time.Second: 0, 100 * time.Second: 0, 150 * time.Second: 24988 * time.Microsecond, 300 * time.Second: 49975 * time.Microsecond} {
		if got := l.ahead(start.Add(at)); (got - want).Abs() > 2*time.Microsecond {
			t.Errorf("at %v it was ahead by %v, want %v", at, got, want)
		}
	}
}

// TestKalmanLearnsALine feeds a line without noise.
func TestKalmanLearnsALine(t *testing.T) {
	var points []point
	for i := range 50 {
		at := time.Duration(i) * 16 * time.Second
		points = append(points, point{at: at, offset: time.Duration(float64(at)*25e-6) + time.Millisecond, delay: time.Millisecond, noise: time.Microsecond})
	}
	f := fitHistory(points, prior{0, unknownFrequency}, new(fit))
	if math.Abs(f.slope-25e-6) > 1e-8 {
		t.Errorf("slope %g, want 25e-6", f.slope)
	}
	k := f.ahead(1000 * time.Second)
	got := f.base.Seconds() + k.offset
	if want := 0.001 + 25e-6*(49*16+1000); math.Abs(got-want) > 1e-5 {
		t.Errorf("1000 s later %g, want %g", got, want)
	}
	if k.varOffset <= f.varOffset {
		t.Error("what is not looked at is known better")
	}
}

// ExampleEnsemble shows how a program steers a clock.
func ExampleEnsemble() {
	now := start
	e := New(Config{}, now)
	e.Add("a server")
	for range 3 {
		d := e.Heard("a server", Sample{At: now, Offset: 2 * time.Second, Delay: time.Millisecond, Stratum: 1}, now)
		if d.Update {
			fmt.Println("step by", d.Step.Round(time.Millisecond))
			e.Stepped(d.Step, now)
			e.Adjusted(d.Frequency, now.Add(d.Step))
		}
		now = now.Add(e.Interval("a server"))
	}
	// Output: step by 2s
}
