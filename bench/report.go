package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Report is what a run measured. Latencies are nanoseconds.
type Report struct {
	Mode     Mode
	Endpoint string // without options
	Service  string // "" without an exchange
	Framing  string // "" without one

	Sessions, Depth, Workers int
	Size, LargestSize        int     // of the first message, and of the largest, bytes
	Rate                     float64 // asked for; 0 is a closed loop
	Arrivals                 Arrivals

	Started time.Time
	Warmup  time.Duration
	Elapsed time.Duration // that was measured

	// Opened sessions, those that failed (in opening, or later), those opened
	// again, and those open at the end.
	Opened, Failed, Reopened, Open int64

	// Sent and Answered are what went and came while it was measured. Offered are the messages
	// that were intended for that time and sent, be it later: each is a latency, or
	// lost, unanswered or wrong.
	Sent, Answered    int64
	Offered           int64
	BytesOut, BytesIn int64

	// Latency is of answers, counted from the intended moment; in Connects and
	// Holds of opening a session. Never nil.
	Latency *hdrhistogram.Histogram

	Unanswered, Unsent int64
	Guessed            int64         // answers that do not tell which message they answer, of which several waited
	Stall              time.Duration // the longest wait for an answer that began in the warm-up and lasted all the time that was measured, or 0
	Datagrams          *Datagrams    // nil on streams
	TCP                *TCP          // nil where there is none, or the system does not tell

	Errors      map[string]int64  // by kind
	FirstErrors map[string]string // the words of the first of each kind

	Generator Generator
	Intervals []Interval

	Interrupted bool   // by ctx, before its time
	Failure     string // why the run ended before its time, or ""
}

// Datagrams is what became of messages on a transport that may lose them.
type Datagrams struct {
	Lost, Late, Duplicated, Reordered, Stray int64

	// DroppedHere are datagrams that arrived and that this machine dropped
	// because we did not read fast enough; RefusedHere are those that it did not
	// send. Neither is the network's or the server's. Dropped is -1 where the
	// system does not tell.
	DroppedHere, RefusedHere int64
}

// TCP is what the system knows of the sessions' connections (TCP_INFO), at the
// end of each.
type TCP struct {
	Connections int64
	Retransmits int64         // segments
	RTTMin      time.Duration // smoothed round trip times, as the system measures them
	RTTMean     time.Duration
	RTTMax      time.Duration
}

// Generator says how the load itself fared.
type Generator struct {
	Busy      float64       // share of the time that the busiest worker did not wait; -1 not known
	Missed    int64         // messages whose moment was missed by more than a millisecond through our own fault
	WorstMiss time.Duration // the worst
	Limits    []string      // why the generator, not the endpoint, was the limit; nil if it was not
}

// An Interval is a part of the time of a run.
type Interval struct {
	Mode              Mode
	At                time.Duration // its end, since the measuring began; up to 0 in the warm-up
	Length            time.Duration
	Open              int64 // sessions at its end
	Opened            int64
	Sent              int64
	Answered          int64
	BytesIn, BytesOut int64
	Lost              int64 // given up, also what was answered late
	Errors            int64
	P50, P99, Max     time.Duration // of its latencies; 0 without any
}

// MessagesPerSecond is how many messages were answered in a second, or 0 where
// nothing was measured.
func (r *Report) MessagesPerSecond() float64 { return perSecond(r.Answered, r.Elapsed) }

// BytesPerSecond is how many bytes of answers came in a second: of payload, frames
// included, without the headers of the transport. What was sent is not in it.
func (r *Report) BytesPerSecond() float64 { return perSecond(r.BytesIn, r.Elapsed) }

// SessionsPerSecond is how many sessions were opened in a second.
func (r *Report) SessionsPerSecond() float64 { return perSecond(r.Opened, r.Elapsed) }

// PerSecond is what a run of this mode is judged by: sessions in a second in Connects and
// Holds, else messages.
func (r *Report) PerSecond() float64 {
	if r.Mode == Messages {
		return r.MessagesPerSecond()
	}
	return r.SessionsPerSecond()
}

// PerSecond is the same of an interval.
func (i Interval) PerSecond() float64 {
	if i.Mode == Messages {
		return perSecond(i.Answered, i.Length)
	}
	return perSecond(i.Opened, i.Length)
}

// warmup reports whether the interval was over before the measuring began.
func (i Interval) warmup() bool { return i.At <= 0 }

// perSecond is a finite number whatever it is given.
func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// String is the mode's name: messages, connects or holds.
func (m Mode) String() string {
	switch m {
	case Connects:
		return "connects"
	case Holds:
		return "holds"
	}
	return "messages"
}

// String is even or poisson.
func (a Arrivals) String() string {
	if a == Poisson {
		return "poisson"
	}
	return "even"
}

// spread says how moments are spread.
func (a Arrivals) spread() string {
	if a == Poisson {
		return "at random moments, poisson"
	}
	return "evenly spread"
}
