package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot"

	"parley/bench"
)

// A sampler makes numbers that are the same on every machine.
type sampler uint64

func (s *sampler) next() int64 {
	*s = *s*6364136223846793005 + 1442695040888963407
	return int64(uint64(*s) >> 33)
}

// report is of a run of some seconds, around a typical latency in nanoseconds.
func report(name string, seconds int, typical int64) *bench.Report {
	s := sampler(typical)
	r := &bench.Report{
		Endpoint: name, Service: "echo", Sessions: 64, Depth: 1, Workers: 1, Size: 64,
		Started: time.Date(2026, 11, 20, 20, 14, 3, 0, time.UTC), Warmup: time.Second,
		Elapsed: time.Duration(seconds) * time.Second, Opened: 64, Open: 64,
		Latency: hdrhistogram.New(1, int64(time.Hour), 3), Generator: bench.Generator{Busy: 0.5},
	}
	for n := range seconds {
		part := hdrhistogram.New(1, int64(time.Hour), 3)
		for range 20_000 {
			v := typical / 2
			for range 6 {
				v += s.next() % (typical / 6)
			}
			for s.next()%8 == 0 {
				v += v / 3
			}
			if s.next()%3000 == 0 {
				v += s.next() % (30 * typical)
			}
			part.RecordValue(v)
		}
		r.Latency.Merge(part)
		rate := 200_000_000_000/typical + s.next()%10_000
		r.Answered, r.Sent = r.Answered+rate, r.Sent+rate
		r.Intervals = append(r.Intervals, bench.Interval{
			At: time.Duration(n+1) * time.Second, Length: time.Second, Open: 64, Sent: rate, Answered: rate,
			P50: time.Duration(part.ValueAtPercentile(50)), P99: time.Duration(part.ValueAtPercentile(99)), Max: time.Duration(part.Max()),
		})
	}
	return r
}

// odd is a report with what a picture must not stumble over.
func odd(x float64, d time.Duration) *bench.Report {
	r := &bench.Report{
		Mode: 255, Endpoint: "unix:/<&>\"'\x1b\x00\xff\ufffe" + strings.Repeat("long", 60), Service: "]]>", Rate: x, Elapsed: d, Warmup: d,
		Latency: hdrhistogram.New(1, int64(time.Hour), 3), Failure: "\x1b[2J", Interrupted: true,
		Generator: bench.Generator{Busy: x, Limits: []string{strings.Repeat("too much ", 100)}},
		Answered:  int64(d), Sent: int64(d), Failed: 1, Unsent: 1, Unanswered: 1,
		Intervals: []bench.Interval{
			{At: d, Length: d, Answered: int64(d), P50: d, P99: d, Max: d}, {}, {At: 1, Length: 1, Answered: math.MaxInt64, P50: 1, P99: 1, Max: 1},
			{At: -d, Length: 1, Open: -5}, {At: time.Second, Length: -1},
		},
	}
	r.Latency.RecordValue(0)
	r.Latency.RecordValues(int64(time.Hour), 1<<40)
	return r
}

// pictures are arguments of Draw, by name.
func pictures() map[string][]*bench.Report {
	few := report("tcp://127.0.0.1:7007", 1, 80_000)
	few.Latency = hdrhistogram.New(1, int64(time.Hour), 3)
	few.Latency.RecordValue(1)
	held := report("tcp://127.0.0.1:7007", 3, 80_000)
	held.Mode, held.Rate = bench.Holds, 100
	gap := report("udp://127.0.0.1:7007", 5, 80_000)
	gap.Rate = 2_700_000
	gap.Intervals[2] = bench.Interval{At: 3 * time.Second, Length: time.Second}
	opened := report("tcp://127.0.0.1:7007", 5, 80_000)
	opened.Mode = bench.Connects
	return map[string][]*bench.Report{
		"one":      {report("tcp://127.0.0.1:7007", 10, 500_000)},
		"two":      {report("tcp://127.0.0.1:7007", 10, 500_000), report("tcp://127.0.0.1:7008", 12, 900_000)},
		"zero":     {new(bench.Report)},
		"zeroes":   {new(bench.Report), new(bench.Report)},
		"few":      {few},
		"held":     {held},
		"gap":      {gap},
		"opened":   {opened},
		"mixed":    {held, gap, few, opened},
		"odd":      {odd(math.Inf(1), math.MaxInt64)},
		"negative": {odd(math.Inf(-1), math.MinInt64)},
		"none":     {odd(math.NaN(), 0)},
	}
}

// A text is what an SVG says, and where; a path is a curve.
type picture struct {
	texts  []string
	curves map[string]int // lines of each colour that are as thick as curves
}

// parsed reads an SVG, and fails t if it is none.
func parsed(t *testing.T, name string, svg []byte) picture {
	t.Helper()
	p := picture{curves: map[string]int{}}
	dec := xml.NewDecoder(bytes.NewReader(svg))
	dec.Strict = true
	depth, roots, inText := 0, 0, false
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
				if e.Name.Local != "svg" || e.Name.Space != "http://www.w3.org/2000/svg" {
					t.Errorf("%s: the root is %v", name, e.Name)
				}
			}
			depth++
			if inText = e.Name.Local == "text"; inText {
				p.texts = append(p.texts, "")
			}
			for _, a := range e.Attr {
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s: %s of %s is %q", name, a.Name.Local, e.Name.Local, a.Value)
				}
				if color, ok := strings.CutPrefix(a.Value, "fill:none;stroke:"); ok && strings.Contains(a.Value, "stroke-width:1.5") {
					p.curves[color[:7]]++
				}
			}
		case xml.EndElement:
			depth, inText = depth-1, false
		case xml.CharData:
			if inText {
				p.texts[len(p.texts)-1] += string(e)
			}
		}
	}
	if roots != 1 || depth != 0 {
		t.Errorf("%s: %d roots, depth %d at the end", name, roots, depth)
	}
	return p
}

// has reports whether the picture says words, in one place.
func (p picture) has(words string) bool {
	return slices.ContainsFunc(p.texts, func(s string) bool { return strings.Contains(s, words) })
}

func drawn(t *testing.T, reports ...*bench.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Draw(&b, reports...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDrawWellFormed(t *testing.T) {
	for name, reports := range pictures() {
		svg := drawn(t, reports...)
		p := parsed(t, name, svg)
		if dir := os.Getenv("PARLEY_PICTURES"); dir != "" {
			if err := os.WriteFile(dir+"/"+name+".svg", svg, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if !p.has("Latency by percentile") || !p.has("time since the measuring began") {
			t.Errorf("%s: a panel has no name: %q", name, p.texts)
		}
		for _, s := range p.texts {
			if strings.ContainsFunc(s, unicode.IsControl) || strings.Contains(s, "NaN") || strings.HasPrefix(s, "-0") {
				t.Errorf("%s: it says %q", name, s)
			}
		}
		if n := len(svg); n > 200_000 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

func TestDrawDeterministic(t *testing.T) {
	for name, reports := range pictures() {
		if !bytes.Equal(drawn(t, reports...), drawn(t, reports...)) {
			t.Errorf("%s: two pictures of the same reports differ", name)
		}
	}
}

func TestDrawOne(t *testing.T) {
	r := report("tcp://127.0.0.1:7007", 10, 500_000)
	r.Rate = 500_000
	r.Generator.Limits = []string{"a worker was busy 100 % of the time"}
	svg := drawn(t, r)
	p := parsed(t, "one", svg)
	for _, words := range []string{
		"echo@tcp://127.0.0.1:7007", "open loop at 500,000 messages/s (evenly spread), 64 sessions, 64 B a message, 1 worker",
		"messages/s, p50 511 µs, p99 883 µs, p99.9 1.28 ms, measured for 10.0 s, started 2026-11-20 20:14:03 UTC",
		"warning: the generator was the limit, not the endpoint: a worker was busy 100 % of the time",
		"50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "p90 631 µs", "p99.99 10.4 ms", "max 15.3 ms",
		"500 µs", "1 ms", "20 ms", "400 k", "0 s", "10 s",
	} {
		if !p.has(words) {
			t.Errorf("the picture does not say %q: %q", words, p.texts)
		}
	}
	for _, name := range []string{"p50", "p99", "max", "asked"} {
		if !slices.Contains(p.texts, name) {
			t.Errorf("no curve is named %q: %q", name, p.texts)
		}
	}
	if p.curves["#0072B2"] != 3 || p.curves["#D55E00"] != 1 || p.curves["#009E73"] != 1 {
		t.Errorf("curves by colour: %v, want percentiles, rate and p99 in blue, p50 and max in others", p.curves)
	}
	if bytes.Contains(svg, []byte("font-family:Liberation Sans;")) || !bytes.Contains(svg, []byte("Liberation Sans,Arial,Helvetica,sans-serif")) {
		t.Error("a text has no other font for where there is no Liberation Sans")
	}
}

func TestDrawRounds(t *testing.T) {
	var rounds []*bench.Report
	for i := range 3 {
		rounds = append(rounds, report("tcp://127.0.0.1:7007", 4, 500_000+int64(i)*10_000), report("tcp://127.0.0.1:7008", 4, 700_000))
	}
	p := parsed(t, "rounds", drawn(t, rounds...))
	for _, words := range []string{"echo@tcp://127.0.0.1:7007: 3 runs", "echo@tcp://127.0.0.1:7008: 3 runs", "closed loop, 64 sessions"} {
		if !p.has(words) {
			t.Errorf("the picture does not say %q: %q", words, p.texts)
		}
	}
	// Percentiles, rate and p99 of three runs, and the sample beside the name.
	if p.curves["#0072B2"] != 10 || p.curves["#D55E00"] != 10 || len(p.curves) != 2 {
		t.Errorf("curves by colour: %v, want 10 in each of two", p.curves)
	}
}

func TestGroup(t *testing.T) {
	a, b := report("tcp://127.0.0.1:1", 1, 80_000), report("tcp://127.0.0.1:1", 1, 80_000)
	b.Depth, b.Sessions = 8, 2
	groups, common := group([]*bench.Report{a, b, a})
	if got, want := strings.Join(common, "|"), "echo@tcp://127.0.0.1:1|closed loop|64 B a message|1 worker"; got != want {
		t.Errorf("common %q, want %q", got, want)
	}
	if len(groups) != 2 || groups[0].label != "64 sessions, 1 message under way on each" || groups[1].label != "2 sessions, 8 messages under way on each" ||
		len(groups[0].reports) != 2 || len(groups[1].reports) != 1 {
		t.Errorf("groups %+v", groups)
	}
}

var errFull = errors.New("full")

// full is a writer on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestDrawErrors(t *testing.T) {
	if err := Draw(full{}, report("tcp://127.0.0.1:1", 1, 80_000)); !errors.Is(err, errFull) {
		t.Errorf("Draw on a full disk = %v, want %v", err, errFull)
	}
	if err := Draw(io.Discard); err == nil {
		t.Error("Draw of nothing = nil, want an error")
	}
}

func TestByPercentile(t *testing.T) {
	for _, n := range []int64{1, 2, 7, 99, 100, 12_345} {
		r := &bench.Report{Latency: hdrhistogram.New(1, int64(time.Hour), 3)}
		for i := range n {
			r.Latency.RecordValue(1000 + i*i)
		}
		points := byPercentile(r)
		first, last := points[0], points[len(points)-1]
		if first.X != 1 || first.Y > nanoseconds(r.Latency.ValueAtPercentile(0)) || last.X != float64(n) || last.Y != float64(r.Latency.Max()) {
			t.Errorf("%d latencies: from %v to %v, want from 0 %% to the max of %d", n, first, last, r.Latency.Max())
		}
		for i, p := range points[1:] {
			if p.X < points[i].X || p.Y < points[i].Y {
				t.Errorf("%d latencies: %v is before %v", n, p, points[i])
			}
			if want := float64(r.Latency.ValueAtPercentile(100 - 100/p.X)); p.Y != want && p.X != float64(n) {
				t.Errorf("%d latencies: %v, want %v", n, p, want)
			}
		}
	}
}

func TestAxes(t *testing.T) {
	for _, c := range []struct{ low, high, least, most float64 }{
		{276_000, 42_500_000, 200_000, 50_000_000},
		{1000, 1000, 500, 2000},
		{1, 1, 0.5, 2},
		{500_000, 19_800_000, 200_000, 50_000_000},
		{1, 3.6e12, 0.5, 5e12},
	} {
		least, most := around(c.low, c.high)
		if math.Abs(least/c.least-1) > 1e-9 || math.Abs(most/c.most-1) > 1e-9 {
			t.Errorf("around(%g, %g) = %g, %g, want %g, %g", c.low, c.high, least, most, c.least, c.most)
		}
	}
	for _, c := range []struct {
		name  string
		ticks []plot.Tick
		want  string
	}{
		{"latencies", logTicks{}.Ticks(200_000, 50_000_000), "200 µs 500 µs 1 ms 2 ms 5 ms 10 ms 20 ms 50 ms"},
		{"wide latencies", logTicks{}.Ticks(500, 5e12), "1 µs 10 µs 100 µs 1 ms 10 ms 100 ms 1 s 10 s 100 s 1000 s"},
		{"nines", nines{}.Ticks(1, 123_456), "0 % 50 % 90 % 99 % 99.9 % 99.99 % 99.999 %"},
		{"rate", linearTicks{5, thousands}.Ticks(0, 440_000), "0 100 k 200 k 300 k 400 k"},
		{"small rate", linearTicks{5, thousands}.Ticks(0, 1), "0 0.2 0.4 0.6 0.8 1"},
		{"time", linearTicks{10, seconds}.Ticks(-1, 9), "-1 s 0 s 1 s 2 s 3 s 4 s 5 s 6 s 7 s 8 s 9 s"},
	} {
		var labels []string
		for _, tick := range c.ticks {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The curve is its samples: what was left out lies on it.
func TestByPercentileLeavesNothingOut(t *testing.T) {
	r := report("tcp://127.0.0.1:1", 1, 80_000)
	points := byPercentile(r)
	k := 0
	for i := 0; ; i++ {
		x := math.Pow(10, float64(i)/perDecade)
		if x >= float64(count(r)) {
			break
		}
		for points[k+1].X < x {
			k++
		}
		a, b := points[k], points[k+1]
		want := float64(r.Latency.ValueAtPercentile(100 - 100/x))
		if y := a.Y + (b.Y-a.Y)*(x-a.X)/(b.X-a.X); math.Abs(y-want) > 1e-6*want {
			t.Errorf("at %g the curve is at %g, want %g", x, y, want)
		}
	}
}

func TestBroken(t *testing.T) {
	style := typeface(10, ink)
	s := "a few short words " + strings.Repeat("µ", 300) + " and 1.20 ms more"
	lines := broken(s, style, 200)
	for _, line := range lines {
		if w := style.Width(line); w > 200 {
			t.Errorf("%q is %v points wide, want at most 200", line, w)
		}
	}
	if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(s, " ", ""); got != want {
		t.Errorf("the lines say %q, want %q", got, want)
	}
}

func TestDrawWarnings(t *testing.T) {
	p := parsed(t, "odd", drawn(t, odd(1, time.Second)))
	n := 0
	for _, s := range p.texts {
		if strings.HasPrefix(s, "warning: ") {
			n++
		}
	}
	if n != mostWarnings || !p.has("warnings that are not shown here: ") {
		t.Errorf("%d warnings, want %d and how many more there are: %q", n, mostWarnings, p.texts)
	}
}

func TestDrawGap(t *testing.T) {
	p := parsed(t, "gap", drawn(t, pictures()["gap"]...))
	if n := p.curves["#0072B2"]; n != 4 {
		t.Errorf("%d curves, want percentiles, rate, and p99 in two parts", n)
	}
}

// Panels whose numbers differ in width still begin at the same place.
func TestDrawAligned(t *testing.T) {
	r := report("tcp://127.0.0.1:1", 2, 500_000)
	for i := range r.Intervals {
		r.Intervals[i].Answered = 3
	}
	tick := regexp.MustCompile(`<text x="([^"]*)"[^>]*>0 s</text>`)
	found := tick.FindAllSubmatch(drawn(t, r), -1)
	if len(found) != 2 || string(found[0][1]) != string(found[1][1]) {
		t.Errorf("0 s is at %s, want the same place in two panels", found)
	}
}

func TestWorst(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct{ a, b, want float64 }{{1, 2, 2}, {2, 1, 2}, {nan, 1, 1}, {1, nan, 1}} {
		if got := worst(c.a, c.b); got != c.want {
			t.Errorf("worst(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestSteps(t *testing.T) {
	day := new(bench.Report)
	for n := range 86_400 {
		day.Intervals = append(day.Intervals, bench.Interval{
			At: time.Duration(n+1) * time.Second, Length: time.Second, Answered: int64(n % 2 * 10), P50: 5, P99: time.Duration(1 + n%7), Max: time.Duration(n % 1000),
		})
	}
	steps := stepsOf(day, bench.Interval.PerSecond)
	if n := len(steps); n > mostSteps || n < mostSteps/2 {
		t.Fatalf("%d steps, want at most %d", n, mostSteps)
	}
	for i, s := range steps {
		if i > 0 && s.from != steps[i-1].to || math.Abs(s.rate-5) > 1e-9 || s.p99 != 7 || s.p50 != 5 {
			t.Errorf("step %d: %+v", i, s)
		}
	}
	if last := steps[len(steps)-1]; steps[0].from != 0 || last.to != 86_400 {
		t.Errorf("from %v to %v, want all of a day", steps[0].from, last.to)
	}
	one := stepsOf(&bench.Report{Intervals: []bench.Interval{{At: time.Second, Length: time.Second}}}, bench.Interval.PerSecond)
	if len(one) != 1 || !math.IsNaN(one[0].p99) || one[0].rate != 0 {
		t.Errorf("an interval without an answer: %+v, want rate 0 and no latency", one)
	}
}

func TestNamesApart(t *testing.T) {
	r := report("tcp://127.0.0.1:1", 2, 500_000)
	for i := range r.Intervals {
		r.Intervals[i].P50, r.Intervals[i].P99, r.Intervals[i].Max = 500_000, 501_000, 502_000
	}
	y := map[string]float64{}
	name := regexp.MustCompile(`<text x="[^"]*" y="([^"]*)"[^>]*>(p50|p99|max)</text>`)
	for _, m := range name.FindAllSubmatch(drawn(t, r), -1) {
		y[string(m[2])], _ = strconv.ParseFloat(string(m[1]), 64)
	}
	if len(y) != 3 || y["p50"]-y["p99"] < 8 || y["p99"]-y["max"] < 8 {
		t.Errorf("the names of three curves that are one are at %v, want them below each other", y)
	}
}
