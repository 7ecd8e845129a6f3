package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// A shape is what a JSON value may be: the names of its members in an object, or
// "number", "string", "bool", with "?" for one that may be null or absent.
type (
	object map[string]any
	list   struct{ of any }
	dict   struct{ of any }
)

var (
	latencyShape = object{
		"count": "number", "min": "number?", "p50": "number?", "p90": "number?", "p99": "number?", "p99.9": "number?",
		"p99.99": "number?", "max": "number?", "mean": "number?", "stddev": "number?",
	}
	reportShape = object{
		"mode": "string", "endpoint": "string", "service": "string", "framing?": "string",
		"sessions": object{"asked": "number", "opened": "number", "failed": "number", "reopened": "number", "open": "number"},
		"depth":    "number", "workers": "number", "size": "number", "rate": "number?", "arrivals": "string",
		"started": "string?", "warmup_s": "number", "elapsed_s": "number", "sent": "number", "offered": "number", "answered": "number",
		"messages_per_second": "number", "bytes_per_second": "number", "sessions_per_second": "number",
		"bytes_in": "number", "bytes_out": "number", "latency_us": latencyShape, "unanswered": "number", "unsent": "number", "guessed": "number", "largest_size": "number", "stall_s": "number",
		"datagrams?": object{
			"lost": "number", "late": "number", "duplicated": "number", "reordered": "number", "stray": "number",
			"dropped_here": "number?", "refused_here": "number?",
		},
		"tcp?":   object{"connections": "number", "retransmits": "number", "rtt_min_us": "number", "rtt_mean_us": "number", "rtt_max_us": "number"},
		"errors": dict{"number"}, "first_errors": dict{"string"},
		"generator": object{"busy": "number?", "missed": "number", "worst_miss_us": "number", "limits": list{"string"}},
		"intervals": list{object{
			"at_s": "number", "length_s": "number", "messages_per_second": "number", "sessions_per_second": "number",
			"p50_us": "number?", "p99_us": "number?", "max_us": "number?", "open": "number", "lost": "number", "errors": "number",
		}},
		"interrupted": "bool", "failure": "string",
	}
	ratioShape      = object{"median": "number?", "min": "number?", "max": "number?"}
	comparisonShape = object{
		"rate": ratioShape, "p50": ratioShape, "p99": ratioShape,
		"rounds":      list{object{"rate": "number?", "p50": "number?", "p99": "number?", "a": reportShape, "b": reportShape}},
		"interrupted": "bool", "failure": "string",
	}
)

// conform is what is wrong with a value of a shape.
func conform(where string, shape, v any) (wrong []string) {
	switch s := shape.(type) {
	case string:
		kind, optional := strings.CutSuffix(s, "?")
		if got := kindOfJSON(v); got != kind && !(optional && got == "null") {
			wrong = append(wrong, fmt.Sprintf("%s is %s, want %s", where, got, s))
		}
	case list:
		all, ok := v.([]any)
		if !ok {
			return []string{where + " is no list"}
		}
		for i, e := range all {
			wrong = append(wrong, conform(fmt.Sprintf("%s[%d]", where, i), s.of, e)...)
		}
	case dict:
		all, ok := v.(map[string]any)
		if !ok {
			return []string{where + " is no object"}
		}
		for k, e := range all {
			wrong = append(wrong, conform(where+"."+k, s.of, e)...)
		}
	case object:
		all, ok := v.(map[string]any)
		if !ok {
			return []string{where + " is no object"}
		}
		seen := 0
		for name, of := range s {
			name, optional := strings.CutSuffix(name, "?")
			e, ok := all[name]
			if ok {
				seen++
				wrong = append(wrong, conform(where+"."+name, of, e)...)
			} else if !optional {
				wrong = append(wrong, where+" has no "+name)
			}
		}
		if seen != len(all) {
			wrong = append(wrong, fmt.Sprintf("%s has %d members too many", where, len(all)-seen))
		}
	}
	return wrong
}

func kindOfJSON(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case float64, json.Number:
		return "number"
	case string:
		return "string"
	case bool:
		return "bool"
	}
	return "composite"
}

// marshaled checks that v is written as valid JSON of a shape, and reads it again.
func marshaled(t *testing.T, name string, v any, shape any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v in %s", name, err, text)
	}
	wrong := conform(name, shape, got)
	slices.Sort(wrong)
	for _, w := range wrong {
		t.Error(w)
	}
	return got
}

// extreme has every number at the end of its range.
func extreme(sign int64) *Report {
	n, d, x := sign*math.MaxInt64, time.Duration(sign*math.MaxInt64), math.Inf(int(sign))
	r := &Report{
		Mode: 255, Arrivals: 255, Endpoint: "\xff\x00\"\\<&>\u2028", Rate: x, Started: time.Unix(sign<<50, 0), Warmup: d, Elapsed: d,
		Sent: n, Answered: n, BytesOut: n, BytesIn: n, Opened: n, Failed: n, Open: n, Latency: of(0, 1, int64(time.Hour)), Unanswered: n, Unsent: n,
		Datagrams: &Datagrams{n, n, n, n, n, n, n}, TCP: &TCP{n, n, d, d, d},
		Errors: map[string]int64{"": n, "\xff": n}, FirstErrors: map[string]string{"": "\x00\xff"},
		Generator: Generator{Busy: x, Missed: n, WorstMiss: d, Limits: []string{"\xff"}},
		Intervals: []Interval{{At: d, Length: d, Answered: n, Max: d, P50: d, P99: d, Lost: n, Errors: n}, {}},
	}
	for range 1000 {
		r.Latency.RecordValues(int64(time.Hour), 1<<52)
	}
	return r
}

func TestReportJSON(t *testing.T) {
	for _, s := range samples {
		marshaled(t, s.name, s.report, reportShape)
		marshaled(t, s.name+" by value", *s.report, reportShape)
	}
	for _, r := range []*Report{extreme(1), extreme(-1), {Rate: math.NaN(), Generator: Generator{Busy: math.NaN()}}} {
		got := marshaled(t, "extreme", r, reportShape)
		if got["rate"] != nil || got["started"] != nil || got["generator"].(map[string]any)["busy"] != nil {
			t.Errorf("rate %v, started %v, generator %v: what is no number or time is not null", got["rate"], got["started"], got["generator"])
		}
		checkLines(t, "extreme", text(t, r, 120), 10_000)
		if line := r.intervalsLine(); strings.Contains(line, "NaN") || strings.Contains(line, "Inf") {
			t.Errorf("Line = %q", line)
		}
	}
}

func (r *Report) intervalsLine() (all string) {
	for _, i := range r.Intervals {
		all += i.Line(200) + "\n"
	}
	return all
}

func TestReportJSONValues(t *testing.T) {
	r := openLoop()
	r.Latency = shaped(45_000, 9_999, 1_200_000)
	r.Intervals = []Interval{{At: time.Second, Length: 500 * time.Millisecond, Answered: 7, P50: 1500, P99: 2500, Max: 3500, Open: 8, Lost: 2, Errors: 1}, {At: 2 * time.Second}}
	r.Errors = map[string]int64{"reset": 3}
	got := marshaled(t, "report", r, reportShape)
	for path, want := range map[string]any{
		"mode": "messages", "service": "echo", "endpoint": "udp://127.0.0.1:7007", "arrivals": "poisson", "rate": 50_000.0, "size": 1400.0,
		"sessions.opened": 8.0, "started": "2026-11-20T20:14:03Z", "elapsed_s": 10.0, "warmup_s": 1.0,
		"messages_per_second": 49_900.0, "bytes_per_second": 69_860_000.0, "sessions_per_second": 0.8,
		"latency_us.count": 10_000.0, "latency_us.p50": 45.023, "latency_us.p99.9": 45.023, "latency_us.max": 1200.127, "latency_us.min": 44.992,
		"datagrams.lost": 1023.0, "datagrams.dropped_here": 44.0, "errors.reset": 3.0, "generator.busy": 0.31, "generator.worst_miss_us": 3000.0,
		"intervals.0.messages_per_second": 14.0, "intervals.0.p99_us": 2.5, "intervals.0.at_s": 1.0, "intervals.1.p50_us": nil,
		"tcp": nil,
	} {
		if v := lookup(got, path); v != want {
			t.Errorf("%s = %v, want %v", path, v, want)
		}
	}
	got = marshaled(t, "nothing", slow(), reportShape)
	for _, path := range []string{"latency_us.p50", "latency_us.mean", "datagrams.dropped_here", "rate"} {
		if v := lookup(got, path); v != nil {
			t.Errorf("%s = %v where there is none, want null", path, v)
		}
	}
}

// lookup finds a member; the percentiles' own dots are in the last name.
func lookup(v any, path string) any {
	for path != "" {
		switch at := v.(type) {
		case map[string]any:
			if whole, ok := at[path]; ok {
				return whole
			}
			name, rest, _ := strings.Cut(path, ".")
			v, path = at[name], rest
		case []any:
			name, rest, _ := strings.Cut(path, ".")
			v, path = at[name[0]-'0'], rest
		default:
			return nil
		}
	}
	return v
}

func TestComparisonJSON(t *testing.T) {
	got := marshaled(t, "compared", compared(), comparisonShape)
	for path, want := range map[string]any{
		"rate.median": 0.912, "p99.max": 1.3, "rounds.1.rate": 0.91, "rounds.2.b.endpoint": "tcp://127.0.0.1:7008", "rounds.0.a.sent": 1_234_577.0,
		"failure": "", "interrupted": false,
	} {
		if v := lookup(got, path); v != want {
			t.Errorf("%s = %v, want %v", path, v, want)
		}
	}
	broken := unequal()
	broken.Rounds[0].B.Failure, broken.Rounds[0].A.Interrupted = "gone", true
	broken.Rounds[0].Rate, broken.Rate.Median = math.Inf(1), math.NaN()
	got = marshaled(t, "unequal", broken, comparisonShape)
	for path, want := range map[string]any{"failure": "gone", "interrupted": true, "rounds.0.rate": nil, "rate.median": nil, "p50.min": nil} {
		if v := lookup(got, path); v != want {
			t.Errorf("%s = %v, want %v", path, v, want)
		}
	}
	marshaled(t, "none", new(Comparison), comparisonShape)
}

// What a command prints is indented or not by its encoder alone: one object, one line.
func TestReportJSONOneLine(t *testing.T) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(failing()); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines, want 1: %s", n, b.Bytes())
	}
}

func TestRFC3339(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Date(2026, 11, 20, 21, 14, 3, 5000, zone), "2026-11-20T20:14:03.000005Z"},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "9999-12-31T23:59:59Z"},
		{time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{time.Time{}, ""},
	} {
		got := ""
		if s := rfc3339(c.t); s != nil {
			got = *s
		}
		if got != c.want {
			t.Errorf("rfc3339(%v) = %q, want %q", c.t, got, c.want)
		}
	}
}
