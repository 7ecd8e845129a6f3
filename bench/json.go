package bench

import (
	"encoding/json"
	"math"
	"time"
)

// A number is null in JSON where it is not one: JSON has no NaN and no infinity.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// notKnown is a number that is null.
var notKnown = number(math.NaN())

// The layout of a report. Members are only ever added.
type (
	reportJSON struct {
		Mode              string            `json:"mode"`
		Endpoint          string            `json:"endpoint"`
		Service           string            `json:"service"`
		Framing           string            `json:"framing,omitempty"`
		Sessions          sessionsJSON      `json:"sessions"`
		Depth             int               `json:"depth"`
		Workers           int               `json:"workers"`
		Size              int               `json:"size"`
		LargestSize       int               `json:"largest_size"`
		Rate              number            `json:"rate"` // null in a closed loop
		Arrivals          string            `json:"arrivals"`
		Started           *string           `json:"started"` // null if it never did
		Warmup            number            `json:"warmup_s"`
		Elapsed           number            `json:"elapsed_s"`
		Sent              int64             `json:"sent"`
		Offered           int64             `json:"offered"`
		Answered          int64             `json:"answered"`
		MessagesPerSecond number            `json:"messages_per_second"`
		BytesPerSecond    number            `json:"bytes_per_second"`
		SessionsPerSecond number            `json:"sessions_per_second"`
		BytesIn           int64             `json:"bytes_in"`
		BytesOut          int64             `json:"bytes_out"`
		Latency           latencyJSON       `json:"latency_us"`
		Unanswered        int64             `json:"unanswered"`
		Unsent            int64             `json:"unsent"`
		Guessed           int64             `json:"guessed"`
		Stall             number            `json:"stall_s"`
		Datagrams         *datagramsJSON    `json:"datagrams,omitempty"`
		TCP               *tcpJSON          `json:"tcp,omitempty"`
		Errors            map[string]int64  `json:"errors"`
		FirstErrors       map[string]string `json:"first_errors"`
		Generator         generatorJSON     `json:"generator"`
		Intervals         []intervalJSON    `json:"intervals"`
		Interrupted       bool              `json:"interrupted"`
		Failure           string            `json:"failure"`
	}

	sessionsJSON struct {
		Asked    int   `json:"asked"`
		Opened   int64 `json:"opened"`
		Failed   int64 `json:"failed"`
		Reopened int64 `json:"reopened"`
		Open     int64 `json:"open"`
	}

	// latencyJSON has null for each value where nothing was measured.
	latencyJSON struct {
		Count  int64  `json:"count"`
		Min    number `json:"min"`
		P50    number `json:"p50"`
		P90    number `json:"p90"`
		P99    number `json:"p99"`
		P999   number `json:"p99.9"`
		P9999  number `json:"p99.99"`
		Max    number `json:"max"`
		Mean   number `json:"mean"`
		StdDev number `json:"stddev"`
	}

	datagramsJSON struct {
		Lost        int64  `json:"lost"`
		Late        int64  `json:"late"`
		Duplicated  int64  `json:"duplicated"`
		Reordered   int64  `json:"reordered"`
		Stray       int64  `json:"stray"`
		DroppedHere number `json:"dropped_here"` // null where the system does not tell
		RefusedHere number `json:"refused_here"`
	}

	tcpJSON struct {
		Connections int64  `json:"connections"`
		Retransmits int64  `json:"retransmits"`
		RTTMin      number `json:"rtt_min_us"`
		RTTMean     number `json:"rtt_mean_us"`
		RTTMax      number `json:"rtt_max_us"`
	}

	generatorJSON struct {
		Busy      number   `json:"busy"` // null where it is not known
		Missed    int64    `json:"missed"`
		WorstMiss number   `json:"worst_miss_us"`
		Limits    []string `json:"limits"`
	}

	intervalJSON struct {
		At                number `json:"at_s"`
		Length            number `json:"length_s"`
		MessagesPerSecond number `json:"messages_per_second"`
		SessionsPerSecond number `json:"sessions_per_second"`
		P50               number `json:"p50_us"`
		P99               number `json:"p99_us"`
		Max               number `json:"max_us"`
		Open              int64  `json:"open"`
		Lost              int64  `json:"lost"`
		Errors            int64  `json:"errors"`
	}
)

// MarshalJSON writes one object. It is valid for every Report, the zero value
// too: what is not known is null. Times are in the unit that the end of a member's
// name says, and those of latency_us are microseconds.
//
// The receiver is a value so that reports are written so wherever they are.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(reportJSON{
		Mode:              r.Mode.String(),
		Endpoint:          r.Endpoint,
		Service:           r.Service,
		Framing:           r.Framing,
		Sessions:          sessionsJSON{r.Sessions, r.Opened, r.Failed, r.Reopened, r.Open},
		Depth:             r.Depth,
		Workers:           r.Workers,
		Size:              r.Size,
		LargestSize:       r.LargestSize,
		Rate:              known(r.Rate, r.Rate != 0),
		Arrivals:          r.Arrivals.String(),
		Started:           rfc3339(r.Started),
		Warmup:            number(r.Warmup.Seconds()),
		Elapsed:           number(r.Elapsed.Seconds()),
		Sent:              r.Sent,
		Offered:           r.Offered,
		Stall:             number(r.Stall.Seconds()),
		Answered:          r.Answered,
		MessagesPerSecond: number(r.MessagesPerSecond()),
		BytesPerSecond:    number(r.BytesPerSecond()),
		SessionsPerSecond: number(r.SessionsPerSecond()),
		BytesIn:           r.BytesIn,
		BytesOut:          r.BytesOut,
		Latency:           r.latencyJSON(),
		Unanswered:        r.Unanswered,
		Unsent:            r.Unsent,
		Guessed:           r.Guessed,
		Datagrams:         r.Datagrams.json(),
		TCP:               r.TCP.json(),
		Errors:            orEmpty(r.Errors),
		FirstErrors:       orEmpty(r.FirstErrors),
		Generator:         r.Generator.json(),
		Intervals:         intervalsJSON(r.Intervals),
		Interrupted:       r.Interrupted,
		Failure:           r.Failure,
	})
}

func (r *Report) latencyJSON() latencyJSON {
	h := r.histogram()
	if h.TotalCount() == 0 {
		return latencyJSON{0, notKnown, notKnown, notKnown, notKnown, notKnown, notKnown, notKnown, notKnown, notKnown}
	}
	at := func(percent float64) number { return number(h.ValueAtPercentile(percent)) / 1000 }
	return latencyJSON{
		Count:  h.TotalCount(),
		Min:    number(h.Min()) / 1000,
		P50:    at(50),
		P90:    at(90),
		P99:    at(99),
		P999:   at(99.9),
		P9999:  at(99.99),
		Max:    number(h.Max()) / 1000,
		Mean:   number(h.Mean()) / 1000,
		StdDev: number(h.StdDev()) / 1000,
	}
}

func (d *Datagrams) json() *datagramsJSON {
	if d == nil {
		return nil
	}
	return &datagramsJSON{
		d.Lost, d.Late, d.Duplicated, d.Reordered, d.Stray,
		known(float64(d.DroppedHere), d.DroppedHere >= 0),
		known(float64(d.RefusedHere), d.RefusedHere >= 0),
	}
}

func (t *TCP) json() *tcpJSON {
	if t == nil {
		return nil
	}
	return &tcpJSON{t.Connections, t.Retransmits, micros(t.RTTMin), micros(t.RTTMean), micros(t.RTTMax)}
}

func (g *Generator) json() generatorJSON {
	limits := g.Limits
	if limits == nil {
		limits = []string{}
	}
	return generatorJSON{known(g.Busy, g.Busy >= 0), g.Missed, micros(g.WorstMiss), limits}
}

func intervalsJSON(intervals []Interval) []intervalJSON {
	all := make([]intervalJSON, len(intervals))
	for n, i := range intervals {
		some := i.Max > 0
		all[n] = intervalJSON{
			At:                number(i.At.Seconds()),
			Length:            number(i.Length.Seconds()),
			MessagesPerSecond: number(perSecond(i.Answered, i.Length)),
			SessionsPerSecond: number(perSecond(i.Opened, i.Length)),
			P50:               known(float64(micros(i.P50)), some),
			P99:               known(float64(micros(i.P99)), some),
			Max:               known(float64(micros(i.Max)), some),
			Open:              i.Open,
			Lost:              i.Lost,
			Errors:            i.Errors,
		}
	}
	return all
}

// The layout of a comparison.
type (
	comparisonJSON struct {
		Rate        ratioJSON  `json:"rate"`
		P50         ratioJSON  `json:"p50"`
		P99         ratioJSON  `json:"p99"`
		Rounds      []pairJSON `json:"rounds"`
		Interrupted bool       `json:"interrupted"`
		Failure     string     `json:"failure"` // of the first run that has one
	}

	pairJSON struct {
		Rate number  `json:"rate"`
		P50  number  `json:"p50"`
		P99  number  `json:"p99"`
		A    *Report `json:"a"`
		B    *Report `json:"b"`
	}

	ratioJSON struct {
		Median number `json:"median"`
		Min    number `json:"min"`
		Max    number `json:"max"`
	}
)

// MarshalJSON writes one object: the ratios, b's to a's and null where there is none,
// and each round with its two reports.
func (c Comparison) MarshalJSON() ([]byte, error) {
	j := comparisonJSON{Rate: c.Rate.json(), P50: c.P50.json(), P99: c.P99.json(), Rounds: []pairJSON{}}
	for _, p := range c.Rounds {
		j.Rounds = append(j.Rounds, pairJSON{ratio(p.Rate), ratio(p.P50), ratio(p.P99), p.A, p.B})
		for _, r := range p.sides() {
			if r == nil {
				continue
			}
			j.Interrupted = j.Interrupted || r.Interrupted
			if j.Failure == "" {
				j.Failure = r.Failure
			}
		}
	}
	return json.Marshal(j)
}

func (r Ratio) json() ratioJSON { return ratioJSON{ratio(r.Median), ratio(r.Min), ratio(r.Max)} }

// ratio is a ratio that is known, or null.
func ratio(x float64) number { return known(x, x > 0) }

func known(x float64, is bool) number {
	if !is {
		return notKnown
	}
	return number(x)
}

func micros(d time.Duration) number { return number(d) / 1000 }

// rfc3339 is t as JSON has it, or nil where t is no time that RFC 3339 can tell.
func rfc3339(t time.Time) *string {
	if y := t.UTC().Year(); t.IsZero() || y < 0 || y > 9999 {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}

func orEmpty[M ~map[string]V, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}
