// Package discipline decides what to believe of several time servers, and how to steer a
// clock by it.
//
// The data flows one way:
//
//	exchange of packets -> Sample -> Source (history, Kalman filter) -> Estimate
//	Estimates of all -> selection (falsetickers out) -> clustering -> combining -> State
//	State -> Decision: a step, or a frequency and a slew
//
// The skeleton is that of RFC 5905: samples are weighed by their delay (the clock filter of
// section 10), servers are selected, clustered and combined as in section 11.2, and the poll
// interval adapts as in section 13. Where RFC 5905 has a feedback loop (section 11.3), this
// has an estimator: what servers said is kept on the time scale of the bare oscillator,
// without anything that was done to the clock, where it lies on a line as long as the
// oscillator keeps its frequency. A Kalman filter finds the line, its slope is the
// frequency, and the clock is steered onto it. So a correction does not disturb what was
// measured before, a burst of delays moves nothing, and the loop needs no time constant that
// has to fit the network.
//
// Nothing here reads a clock, sleeps or does I/O: the moment is an argument.
package discipline

import "time"

// A Sample is what one exchange with a server said (RFC 5905 section 8).
type Sample struct {
	At             time.Time     // when the answer came, by the clock that is steered
	Offset         time.Duration // the server's clock minus ours
	Delay          time.Duration // there and back, without the server's own time
	Dispersion     time.Duration // the error of reading both clocks
	RootDelay      time.Duration // of the server, to its reference
	RootDispersion time.Duration
	Stratum        uint8
	Leap           uint8   // as in the packet: 3 is not synchronized
	ServerID       [4]byte // the reference ID of whoever follows this server
	Loop           bool    // the server follows us
}

// fit reports whether the server says that its time can be followed.
func (x *Sample) fit() bool { return x.Leap < 3 && x.Stratum >= 1 && x.Stratum < 16 && !x.Loop }

// MaxSkew is how fast a clock that nobody looks after is taken to drift away (RFC 5905:
// PHI, 15 parts per million).
const MaxSkew = 15e-6

// An Estimate is what the history of one server says of our clock at a moment.
type Estimate struct {
	Offset    time.Duration // the server's clock minus ours
	Deviation time.Duration // the standard deviation of Offset
	Frequency float64       // of the bare oscillator: what has to be added to it, seconds a second
	Skew      float64       // the standard deviation of Frequency
	Jitter    time.Duration // how far samples lie off the line, weighted
	Distance  time.Duration // the largest error of Offset if the server is right (RFC 5905: root distance)
	Samples   int
	Last      Sample
}

// A Verdict says what became of a source.
type Verdict uint8

// The verdicts, the better the larger.
const (
	Unheard     Verdict = iota // not enough answers yet, or none lately
	Unfit                      // the server is not synchronized, follows us, or is too far from its reference
	Falseticker                // its time is outside of what the majority agrees on
	Outlier                    // right, but put aside: others agree more closely
	Combined                   // its time is used
	Selected                   // and it leads: of the least distance
)

// String is what people read.
func (v Verdict) String() string {
	return [...]string{"unheard", "unfit", "falseticker", "outlier", "combined", "selected"}[min(int(v), 5)]
}
