package bench

import (
	"net/netip"
	"runtime"
	"time"

	"parley/endpoint"
)

// Mode is what a run measures.
type Mode uint8

const (
	Messages Mode = iota // exchanges on sessions that stay open
	Connects             // sessions opened and closed, one after another
	Holds                // sessions opened once and held
)

// Arrivals is how the moments of an open loop are spread.
type Arrivals uint8

const (
	Even    Arrivals = iota // one every 1/Rate seconds
	Poisson                 // independent of each other, as those of many users are
)

// A Load is what to do to an endpoint, and for how long. The zero value of each
// field is the default that is named. A Load is not modified after it was handed
// over.
type Load struct {
	Mode     Mode
	Endpoint endpoint.Endpoint

	// Exchange is what is said on each session and what has to come back. It
	// is needed by Messages. In Connects, if it is set, each session has one
	// exchange before it is closed, in Holds one when it opens and one at the
	// end; latencies are of opening all the same.
	Exchange Exchange

	// Framing cuts the answers from a stream and joins messages to it. Nil
	// adds nothing to a message and takes the number of bytes that the Exchange
	// expects for an answer. It is ignored where the transport keeps messages.
	Framing Framing

	// Sessions is how many there are at once. In Connects it is how many are
	// being opened at once. Default 1.
	Sessions int

	// Depth is how many messages of each session are under way in a closed
	// loop. Default 1. With a Rate it is not used.
	Depth int

	// Rate is the number of messages a second, of all sessions together, or in
	// Connects and Holds of sessions to open. 0 is a closed loop: as fast as
	// answers allow.
	Rate float64

	// Arrivals spreads the moments of an open loop. Seed is of its random
	// numbers and of the messages' contents.
	Arrivals Arrivals
	Seed     uint64

	// Time is how long is measured, after Warmup, which is not. Time: default
	// 10 s; in Holds it is from when every session is open, without a warm-up, and
	// 0 is until ctx ends. Warmup: default a tenth of Time and at most 1 s; negative
	// none.
	Time, Warmup time.Duration

	// Timeout is how long an answer is awaited: on datagrams it is then taken
	// for lost, or late if it still comes; on a stream it fails the session. Also
	// how long after the end answers to the last messages are awaited. Default
	// 1 s on datagrams, 10 s on streams. It also bounds each connecting
	// (default 10 s).
	Timeout time.Duration

	// Retry opens a session again that failed, after a pause that grows from
	// 10 ms to 1 s. Without it the run ends when all have failed (in Connects as many
	// in a row as are opened at once), with it when none could be opened for 5 s or for
	// Timeout, whichever is longer.
	Retry bool

	// Reset closes the sessions of Connects by a reset, which leaves no
	// address in TIME_WAIT on this side.
	Reset bool

	// Workers is how many event loops there are, each on a processor.
	// Default: one for a session of this machine (loopback, unix), else as many
	// as there are processors; never more than sessions.
	Workers int

	// Progress, if it is set, gets what was measured, about once a second, on
	// one goroutine. The Interval is its own.
	Progress func(Interval)
}

// Framing is what of a parley.Framing is needed here.
type Framing interface {
	Split(data []byte, max int, last bool) (msg []byte, n int, err error)
	Append(dst, msg []byte) ([]byte, error)
	String() string
}

// The defaults of a Load.
const (
	defaultTime            = 10 * time.Second
	longestWarmup          = time.Second // of those that are not asked for
	defaultDatagramTimeout = time.Second
	defaultTimeout         = 10 * time.Second // of streams, and of connecting
)

// filled is l with every default filled in.
func (l Load) filled() Load {
	l.Sessions = max(l.Sessions, 1)
	l.Depth = max(l.Depth, 1)
	if l.Time == 0 && l.Mode != Holds {
		l.Time = defaultTime
	}
	if l.Warmup == 0 {
		l.Warmup = min(l.Time/10, longestWarmup)
	}
	l.Warmup = max(l.Warmup, 0)
	if l.Mode == Holds {
		l.Warmup = 0
	}
	if l.Workers == 0 {
		l.Workers = 1
		if !l.local() {
			l.Workers = runtime.GOMAXPROCS(0)
		}
	}
	l.Workers = min(l.Workers, l.Sessions)
	if l.Mode != Messages {
		l.Workers = 1
	}
	return l
}

// answerTimeout is how long an answer is awaited.
func (l Load) answerTimeout() time.Duration {
	switch {
	case l.Timeout > 0:
		return l.Timeout
	case l.lossy():
		return defaultDatagramTimeout
	}
	return defaultTimeout
}

// connectTimeout is how long a connecting may take.
func (l Load) connectTimeout() time.Duration {
	if l.Timeout > 0 {
		return l.Timeout
	}
	return defaultTimeout
}

// vanished is for how long no session can be opened again before the target is
// said to have vanished.
func (l Load) vanished() time.Duration { return max(5*time.Second, l.connectTimeout()) }

// longestAnswer is how long the messages are at most that are answers, as far as is looked.
func (l Load) longestAnswer() (n int) {
	if !l.Endpoint.KeepsMessages() || l.Exchange == nil {
		return 0
	}
	for seq := range uint64(checkedMessages) {
		n = max(n, l.Exchange.AnswerSize(seq))
	}
	return n
}

// lossy reports whether the transport may lose messages.
func (l Load) lossy() bool { return l.Endpoint.Datagram() }

// ported reports whether each session takes a local port.
func (l Load) ported() bool {
	switch l.Endpoint.Scheme {
	case "unix", "unixgram", "unixpacket", "mem":
		return false
	}
	return true
}

// local reports whether the endpoint is on this machine, as far as its text tells.
func (l Load) local() bool {
	if host := l.Endpoint.Host; l.ported() && host != "" && host != "localhost" {
		addr, err := netip.ParseAddr(host)
		return err == nil && addr.IsLoopback()
	}
	return true
}
