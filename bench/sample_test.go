package bench

import (
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A sampler makes numbers that are the same on every machine: integers only.
type sampler uint64

func (s *sampler) next() int64 {
	*s = *s*6364136223846793005 + 1442695040888963407
	return int64(uint64(*s) >> 33) // 31 bits
}

// latency is around typical: mostly near it, one in a thousand far away.
func (s *sampler) latency(typical int64) int64 {
	v := typical / 2
	for range 6 {
		v += s.next() % (typical / 6)
	}
	if zeros := bits.LeadingZeros32(uint32(s.next() << 1)); zeros > 4 {
		v += v * int64(zeros-4) / 3
	}
	if n := s.next() % 2000; n == 0 {
		v += (s.next() % 1000) * (s.next() % 1000) * typical / 10_000
	}
	return v
}

func sampled(n int, typical int64) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, int64(time.Hour), 3)
	s := sampler(1)
	for range n {
		h.RecordValue(s.latency(typical))
	}
	return h
}

var sampleStart = time.Date(2026, 11, 20, 20, 14, 3, 0, time.UTC)

// closedLoop is an ordinary run.
func closedLoop() *Report {
	r := &Report{
		Endpoint: "tcp://127.0.0.1:7007", Service: "echo", Sessions: 64, Depth: 1, Workers: 1, Size: 64,
		Started: sampleStart, Warmup: time.Second, Elapsed: 10 * time.Second,
		Opened: 64, Open: 64, Sent: 1_234_577, Offered: 1_234_577, Answered: 1_234_567, BytesOut: 1_234_577 * 64, BytesIn: 1_234_567 * 64,
		Latency:   sampled(50_000, 500_000),
		TCP:       &TCP{Connections: 64, RTTMin: 12_300, RTTMean: 45_600, RTTMax: 1_230_000},
		Generator: Generator{Busy: 0.5213},
	}
	for n := range 10 {
		r.Intervals = append(r.Intervals, Interval{
			At: time.Duration(n+1) * time.Second, Length: time.Second, Open: 64, Sent: 123_456, Answered: 123_000 + int64(n*n%7)*300,
			BytesIn: 123_456 * 64, BytesOut: 123_456 * 64,
			P50: 500 * time.Microsecond, P99: time.Duration(900+n*n%11*20) * time.Microsecond, Max: time.Duration(3+n%4) * time.Millisecond,
		})
	}
	return r
}

// openLoop is a run on datagrams with losses of each kind.
func openLoop() *Report {
	return &Report{
		Endpoint: "udp://127.0.0.1:7007", Service: "echo", Sessions: 8, Depth: 1, Workers: 2, Size: 1400, Rate: 50_000, Arrivals: Poisson,
		Started: sampleStart, Warmup: time.Second, Elapsed: 10 * time.Second,
		Opened: 8, Open: 8, Sent: 500_123, Offered: 500_123, Answered: 499_000, BytesOut: 500_123 * 1400, BytesIn: 499_000 * 1400,
		Latency:   sampled(100_000, 80_000),
		Datagrams: &Datagrams{Lost: 1_023, Late: 17, Duplicated: 3, Reordered: 210, Stray: 1, DroppedHere: 44, RefusedHere: 5},
		Generator: Generator{Busy: 0.31, Missed: 12, WorstMiss: 3 * time.Millisecond},
	}
}

// connects is a run of sessions opened and closed, some of which failed.
func connects() *Report {
	return &Report{
		Mode: Connects, Endpoint: "tcp://[::1]:7007", Sessions: 50, Depth: 1, Workers: 1,
		Started: sampleStart, Elapsed: 5 * time.Second,
		Opened: 51_234, Failed: 3, Latency: sampled(51_234, 900_000),
		Errors:      map[string]int64{"refused": 2, "timed out": 1},
		FirstErrors: map[string]string{"refused": "dial tcp [::1]:7007: connect: connection refused", "timed out": "dial tcp [::1]:7007: i/o timeout"},
		Generator:   Generator{Busy: -1},
	}
}

// holds is a run of sessions that are held.
func holds() *Report {
	return &Report{
		Mode: Holds, Endpoint: "tcp://127.0.0.1:7007", Service: "echo", Sessions: 10_000, Depth: 1, Workers: 1, Size: 64, Rate: 2_000,
		Started: sampleStart, Elapsed: 2*time.Hour + 3*time.Second,
		Opened: 10_000, Open: 9_998, Failed: 2, Sent: 19_998, Offered: 19_998, Answered: 19_998, BytesOut: 19_998 * 64, BytesIn: 19_998 * 64,
		Latency:     sampled(10_000, 50_000),
		Errors:      map[string]int64{"closed": 2},
		FirstErrors: map[string]string{"closed": "EOF"},
		Generator:   Generator{Busy: 0.01},
	}
}

// failing is a run that was of no use: the endpoint says what it should not, also to
// a terminal, and vanishes.
func failing() *Report {
	return &Report{
		Endpoint: "unix:/run/a\x1b[2Jb.sock", Service: "ack", Framing: "line", Sessions: 4, Depth: 16, Workers: 1, Size: 64,
		Started: sampleStart, Warmup: 100 * time.Millisecond, Elapsed: 1234 * time.Millisecond,
		Opened: 4, Failed: 4, Reopened: 1, Sent: 812, Offered: 812, Answered: 807, BytesOut: 812 * 64, BytesIn: 800 * 42,
		Latency: sampled(807, 40_000), Unanswered: 5, Unsent: 12,
		Errors: map[string]int64{"reset": 3, "wrong answer": 1, "broken pipe": 3},
		FirstErrors: map[string]string{
			"reset":        "read unix /run/a.sock: connection reset by peer",
			"wrong answer": "wrong answer: message 7 of session 3: want \"tcpServer has received your message\", got \"\x1b]0;owned\a\" and more of it than fits on a line of this width",
		},
		Generator: Generator{Busy: 0.2},
		Failure:   "dial unix /run/a.sock: connect: connection refused",
	}
}

// limited is a run whose generator could not keep up, and that was interrupted.
func limited() *Report {
	return &Report{
		Endpoint: "tcp://192.0.2.1:7", Service: "echo", Sessions: 1000, Depth: 1, Workers: 1, Size: 1, Rate: 1_000_000,
		Started: sampleStart, Warmup: time.Second, Elapsed: 3210 * time.Millisecond,
		Opened: 1000, Open: 1000, Sent: 2_900_000, Offered: 2_900_000, Answered: 2_899_000, BytesOut: 2_900_000, BytesIn: 2_899_000,
		Latency: wide(), TCP: &TCP{Connections: 1000, Retransmits: 1},
		Generator: Generator{Busy: 0.998, Missed: 1_400_000, WorstMiss: 1500 * time.Millisecond, Limits: []string{
			"a worker was busy 100 % of the time",
			"48.3 % of the messages were more than 1ms late before they could be sent, by up to 1.5s",
		}},
		Interrupted: true,
	}
}

// wide is latencies from less than a microsecond to more than an hour.
func wide() *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, int64(time.Hour), 3)
	s := sampler(2)
	for v := int64(200); v < int64(time.Hour); v = v*5/4 + s.next()%10 {
		h.RecordValues(v, 1000+s.next()%30_000)
	}
	return h
}

// slow answered nothing.
func slow() *Report {
	return &Report{
		Endpoint: "udp://127.0.0.1:9", Service: "echo", Sessions: 1, Depth: 1, Workers: 1, Size: 64,
		Started: sampleStart, Elapsed: 10 * time.Second, Opened: 1, Open: 1, Sent: 10, Offered: 10, BytesOut: 640,
		Latency:   hdrhistogram.New(1, int64(time.Hour), 3),
		Datagrams: &Datagrams{Lost: 10, DroppedHere: -1},
		Generator: Generator{Busy: 0},
	}
}

// samples are reports of every kind, by the name of their files.
var samples = []struct {
	name   string
	report *Report
}{
	{"closed", closedLoop()},
	{"open", openLoop()},
	{"connects", connects()},
	{"holds", holds()},
	{"failing", failing()},
	{"limited", limited()},
	{"nothing", slow()},
	{"zero", new(Report)},
}

// compared is three rounds against an endpoint that is slower.
func compared() *Comparison {
	c := &Comparison{Rate: Ratio{0.912, 0.9, 0.93, 3}, P50: Ratio{1.1, 1.09, 1.113, 3}, P99: Ratio{1.02, 0.98, 1.3, 3}}
	for i := range 3 {
		a, b := closedLoop(), closedLoop()
		b.Endpoint = "tcp://127.0.0.1:7008"
		b.Answered = b.Answered * 9 / 10
		b.Latency = sampled(30_000+i, 560_000)
		c.Rounds = append(c.Rounds, Pair{A: a, B: b, Rate: 0.9 + float64(i)/100, P50: 1.1, P99: 0.98 + float64(i)/10})
	}
	c.Rounds[1].A.Generator.Limits = []string{"a worker was busy 100 % of the time"}
	c.Rounds[1].B.Generator.Limits = []string{"a worker was busy 99 % of the time"}
	c.Rounds[2].B.Generator.Limits = []string{"a worker was busy 98 % of the time"}
	return c
}

// unequal is a round of which one side measured nothing, under another load.
func unequal() *Comparison {
	return &Comparison{Rounds: []Pair{{A: closedLoop(), B: slow()}}}
}
