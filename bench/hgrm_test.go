package bench

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestWriteHGRM(t *testing.T) {
	for _, s := range samples {
		var b strings.Builder
		if err := s.report.WriteHGRM(&b); err != nil {
			t.Fatal(err)
		}
		checkHGRM(t, s.name, b.String(), s.report)
	}
	var b strings.Builder
	(&Report{Latency: of(12_345, 20_000, 20_000, 1_000_000)}).WriteHGRM(&b)
	checkGolden(t, "few.hgrm", b.String())
}

// Columns and footer as HdrHistogram's tools and the scripts around them look for them.
var (
	hgrmHead = regexp.MustCompile(`^ +Value +Percentile +TotalCount +1/\(1-Percentile\)$`)
	hgrmLine = regexp.MustCompile(`^\s*([0-9.]+)\s+([0-9.]+)\s+([0-9]+)(?:\s+([0-9.]+))?$`)
	hgrmFoot = regexp.MustCompile(`(?s)^#\[Mean    = +([0-9.]+), StdDeviation   = +([0-9.]+)\]
#\[Max     = +([0-9.]+), Total count    = +([0-9]+)\]
#\[Buckets = +([0-9]+), SubBuckets     = +2048\]
$`)
)

func checkHGRM(t *testing.T, name, text string, r *Report) {
	t.Helper()
	head, rest, _ := strings.Cut(text, "\n\n")
	if !hgrmHead.MatchString(head) {
		t.Errorf("%s: head %q", name, head)
	}
	at := strings.IndexByte(rest, '#')
	if at < 0 || !hgrmFoot.MatchString(rest[at:]) {
		t.Fatalf("%s: the footer is not HdrHistogram's:\n%s", name, rest)
	}
	foot := hgrmFoot.FindStringSubmatch(rest[at:])
	if got, want := foot[4], strconv.FormatInt(r.latencies(), 10); got != want {
		t.Errorf("%s: total count %s, want %s", name, got, want)
	}
	value, percentile, count := -1.0, -1.0, int64(0)
	lines := strings.FieldsFunc(rest[:at], func(r rune) bool { return r == '\n' })
	for i, line := range lines {
		m := hgrmLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%s: line %q", name, line)
		}
		v, _ := strconv.ParseFloat(m[1], 64)
		p, _ := strconv.ParseFloat(m[2], 64)
		n, _ := strconv.ParseInt(m[3], 10, 64)
		if v < value || p < percentile || n < count {
			t.Errorf("%s: line %q is before the line above it", name, line)
		}
		value, percentile, count = v, p, n
		if last := i == len(lines)-1; last != (m[4] == "") || last != (p == 1) {
			t.Errorf("%s: line %q: only the last is of all", name, line)
		}
		inverse, _ := strconv.ParseFloat(m[4], 64)
		if m[4] != "" && math.Abs(inverse*(1-p)-1) > 0.01 {
			t.Errorf("%s: line %q: want %f at the end", name, line, 1/(1-p))
		}
		if exact := least(r, p*float64(r.latencies())); m[1] != fmt.Sprintf("%.3f", float64(exact)/1000) {
			t.Errorf("%s: line %q: want %d ns", name, line, exact)
		}
	}
	if count != r.latencies() || foot[3] != strconv.FormatFloat(float64(r.histogram().Max())/1000, 'f', 3, 64) {
		t.Errorf("%s: %d in all and at most %s, want %d and %d ns", name, count, foot[3], r.latencies(), r.histogram().Max())
	}
}

// least is the least latency that n latencies are not above.
func least(r *Report, n float64) int64 {
	seen := int64(0)
	for _, b := range r.Latency.Distribution() {
		if seen += b.Count; b.Count > 0 && float64(seen) >= n*(1-1e-12) {
			return b.To
		}
	}
	return 0
}

var errFull = errors.New("full")

// full is a writer on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	r := closedLoop()
	if err := r.WriteHGRM(full{}); !errors.Is(err, errFull) {
		t.Errorf("WriteHGRM on a full disk = %v, want %v", err, errFull)
	}
	if err := r.WriteText(full{}, 80); !errors.Is(err, errFull) {
		t.Errorf("WriteText on a full disk = %v, want %v", err, errFull)
	}
	if err := compared().WriteText(full{}, 80); !errors.Is(err, errFull) {
		t.Errorf("Comparison.WriteText on a full disk = %v, want %v", err, errFull)
	}
}
