package bench

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	quiet := func() *Report {
		return &Report{Rate: 1000, Elapsed: 10 * time.Second, Sent: 10_000, Offered: 10_000, Answered: 10_000, Latency: shaped(1000, 10_000)}
	}
	for _, c := range []struct {
		name   string
		change func(*Report)
		want   string // the kinds
	}{
		{"quiet", func(r *Report) {}, ""},
		{"kept up", func(r *Report) { r.Sent = 9_900 }, ""},
		{"behind", func(r *Report) { r.Sent = 9_899 }, "behind"},
		{"fewer random moments", func(r *Report) { r.Sent, r.Offered = 9_700, 9_700 }, ""},
		{"behind in a closed loop", func(r *Report) { r.Sent, r.Rate = 9_899, 0 }, ""},
		{"interrupted", func(r *Report) { r.Sent, r.Interrupted = 10, true }, "interrupted"},
		{"failed", func(r *Report) { r.Sent, r.Failure = 10, "gone" }, "failure"},
		{"limited", func(r *Report) { r.Generator.Limits = []string{"busy"} }, "generator"},
		{"wrong", func(r *Report) { r.Errors = map[string]int64{kindOf(ErrWrongAnswer): 1} }, "wrong"},
		{"sessions", func(r *Report) { r.Failed, r.Unanswered, r.Unsent = 1, 1, 1 }, "failed unanswered unsent"},
		{"lost", func(r *Report) { r.Datagrams = &Datagrams{Lost: 1, Late: 1, DroppedHere: -1} }, "lost"},
		{"dropped", func(r *Report) { r.Datagrams = &Datagrams{DroppedHere: 1} }, "here"},
		{"refused", func(r *Report) { r.Datagrams = &Datagrams{DroppedHere: -1, RefusedHere: 1} }, "here"},
		{"few", func(r *Report) { r.Latency = shaped(1000, 9_999) }, "few"},
		{"nothing", func(r *Report) { r.Latency = nil }, "nothing"},
		{"stalled", func(r *Report) { r.Latency, r.Stall = nil, 2*time.Second }, "stalled nothing"},
		{"not begun", func(r *Report) { r.Latency, r.Elapsed = nil, 0 }, ""},
	} {
		r := quiet()
		c.change(r)
		var kinds []string
		for _, w := range r.warnings() {
			kinds = append(kinds, w.kind)
		}
		if got := strings.Join(kinds, " "); got != c.want {
			t.Errorf("%s: warnings %q, want %q: %q", c.name, got, c.want, r.Warnings())
		}
	}
}

func TestTooFew(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{
		{1, "too few messages (1) to tell p50, p90, p99, p99.9 and p99.99 from the worst"},
		{99, "too few messages (99) to tell p99, p99.9 and p99.99 from the worst"},
		{100, "too few messages (100) to tell p99.9 and p99.99 from the worst"},
		{9_999, "too few messages (9,999) to tell p99.99 from the worst"},
	} {
		if got := tooFew(c.n, "messages"); got != c.want {
			t.Errorf("tooFew(%d) = %q, want %q", c.n, got, c.want)
		}
	}
}

func TestPerSecond(t *testing.T) {
	r := &Report{Elapsed: 2 * time.Second, Answered: 10, Opened: 6, BytesIn: 100, BytesOut: 7}
	i := Interval{Length: 2 * time.Second, Answered: 10, Opened: 6}
	for _, c := range []struct {
		mode Mode
		want float64
	}{{Messages, 5}, {Connects, 3}, {Holds, 3}} {
		r.Mode, i.Mode = c.mode, c.mode
		if got := []float64{r.PerSecond(), i.PerSecond()}; !slices.Equal(got, []float64{c.want, c.want}) {
			t.Errorf("PerSecond of a run and an interval of %v = %v, want %v", c.mode, got, c.want)
		}
	}
	if got := r.BytesPerSecond(); got != 50 {
		t.Errorf("BytesPerSecond = %v, want 50, those of the answers", got)
	}
}

// TestLossIsOfWhatWasOffered: of a schedule that was not kept most was sent after the time that is
// measured, and more can be lost of it than was sent in that time.
func TestLossIsOfWhatWasOffered(t *testing.T) {
	r := &Report{Mode: Messages, Elapsed: time.Second, Sent: 100, Offered: 1000, Latency: shaped(1000, 600), Datagrams: &Datagrams{Lost: 400, DroppedHere: -1}}
	var texts []string
	for _, w := range r.warnings() {
		texts = append(texts, w.text)
	}
	if all := strings.Join(texts, "; "); !strings.Contains(all, "400 messages of 1,000 or their answers were lost (40.000 %)") {
		t.Errorf("warnings %q", all)
	}
	_, items := r.missing()
	if items[0] != "400 lost (40.000 %)" {
		t.Errorf("missing %q", items)
	}
}

// TestGuessedAnswers: where a message is lost whose answer nobody can tell from the next one's.
func TestGuessedAnswers(t *testing.T) {
	r := &Report{Mode: Messages, Elapsed: time.Second, Sent: 100, Offered: 100, Latency: shaped(1000, 99), Guessed: 5, Datagrams: &Datagrams{Lost: 1}}
	guessed := func() bool {
		return slices.ContainsFunc(r.warnings(), func(w warning) bool { return w.kind == "guessed" })
	}
	if !guessed() {
		t.Error("no warning")
	}
	if r.Datagrams.Lost = 0; guessed() {
		t.Error("a warning although nothing was lost")
	}
}
