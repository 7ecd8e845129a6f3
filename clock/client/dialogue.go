package client

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"parley/clock/discipline"
	"parley/clock/ntp"
)

// A dialogue is what is said with one server: the pure half of it. It is used by one
// goroutine. Moments of ours are of the clock that is steered.
type dialogue struct {
	interleave bool // try the interleaved mode (RFC 9769)
	random     func() uint64
	floor      time.Time // a moment that is known to be past, whatever our clock shows

	server, self ntp.ReferenceID // of the server, and of this host to it; zero is not known

	asked  ntp.Packet // the request that waits for its answer, zero for none
	sent   time.Time  // when it left
	missed int        // answers in a row that did not come

	// Of the last exchange that was complete, for the interleaved mode: its request
	// left, arrived there, and its answer came.
	before struct {
		sent     time.Time
		received ntp.Timestamp
		came     time.Time
	}
}

func newDialogue(interleave bool, floor time.Time) *dialogue {
	return &dialogue{interleave: interleave, random: rand.Uint64, floor: floor}
}

// maxMissed is how many answers in a row may be missing until the interleaved mode, whose
// sample would be that old, is given up for an exchange.
const maxMissed = 3

// request is the next packet. It says nothing about this machine: the timestamps that a
// server gives back are random numbers.
func (d *dialogue) request() ntp.Packet {
	d.asked = ntp.Packet{Version: 4, Mode: ntp.Client, Transmit: ntp.Timestamp(d.random() | 1)}
	if !d.interleave {
		return d.asked
	}
	// A server notes when its answer leaves for those whose request shows that they know
	// the mode. An origin that it has never given asks for the basic one.
	d.asked.Receive, d.asked.Origin = ntp.Timestamp(d.random()&^1|2), d.before.received
	if d.asked.Origin == 0 || d.missed > maxMissed {
		d.asked.Origin = 1
	}
	return d.asked
}

// left notes when the request left, as well as it is known.
func (d *dialogue) left(at time.Time) { d.sent = at }

// lost notes that no answer came.
func (d *dialogue) lost() {
	d.missed++
	d.asked = ntp.Packet{}
}

// restart forgets what was measured: the clock was stepped.
func (d *dialogue) restart() {
	d.asked = ntp.Packet{}
	d.before.received = 0
}

// ErrKiss is matched by the error of a kiss-o'-death, a *KissError.
var ErrKiss = errors.New("the server refuses")

// A KissError is a refusal with a code: RATE is "too often", and it is asked less often from
// then on; DENY and RSTR are "not you", and it is not asked any more (RFC 5905 section 7.4).
type KissError struct{ Code string }

// Error says the code, and what follows.
func (e *KissError) Error() string {
	if e.final() {
		return "the server refuses: kiss-o'-death " + e.Code + "; it is not asked any more"
	}
	return "the server refuses: kiss-o'-death " + e.Code + "; it is asked less often"
}

// final reports whether the server wants no more questions.
func (e *KissError) final() bool { return e.Code != "RATE" }

// Is matches ErrKiss.
func (e *KissError) Is(target error) bool { return target == ErrKiss }

// errStray is an answer to something else: it is ignored, for the answer may still come.
var errStray = errors.New("not the answer to the request")

// answer takes what came at the moment came, and returns what it says.
func (d *dialogue) answer(b []byte, came time.Time) (s discipline.Sample, err error) {
	p, err := ntp.Parse(b)
	if err != nil || d.asked.Transmit == 0 || p.Mode != ntp.Server || p.Version != d.asked.Version {
		return s, errStray
	}
	interleaved := d.asked.Receive != 0 && p.Origin == d.asked.Receive
	if !interleaved && p.Origin != d.asked.Transmit {
		return s, errStray
	}
	asked, before := d.asked, d.before
	d.asked, d.missed = ntp.Packet{}, 0
	switch code := p.Kiss(); code {
	case "RATE", "DENY", "RSTR":
		return s, &KissError{code}
	case "":
	default: // INIT and the like: it will know the time later
		return discipline.Sample{At: came, Leap: ntp.LeapUnknown}, nil
	}
	if p.Receive == 0 || p.Transmit == 0 {
		return s, errors.New("an answer without the time")
	}
	d.before.sent, d.before.received, d.before.came = d.sent, p.Receive, came
	t1, t2, t4 := d.sent, p.Receive, came
	if interleaved {
		// It tells when the answer before it left, so that that exchange is complete.
		if asked.Origin != before.received {
			return s, errors.New("an interleaved answer that was not asked for")
		}
		t1, t2, t4 = before.sent, before.received, before.came
	}
	if p.Transmit.Sub(t2) < 0 {
		return s, errors.New("an answer that left before its question came")
	}
	pivot := t1 // of the era of its timestamps
	if d.floor.After(pivot) {
		pivot = d.floor
	}
	s = sampleOf(&p, t1, t2.Time(pivot), p.Transmit.Time(pivot), t4)
	if least := s.Dispersion + ntp.Slack + t4.Sub(t1)/1000; s.Delay < -least {
		return discipline.Sample{}, fmt.Errorf("an answer that the server kept for %v longer than the whole exchange took", -s.Delay)
	}
	// A clock that was set after it was read is not sane. Interleaved, Transmit is of the answer
	// before, and Receive alone is of this one.
	if p.Reference != 0 && p.Reference.Sub(p.Receive) > time.Second {
		s.Leap = ntp.LeapUnknown
	}
	s.ServerID, s.Loop = d.server, p.Stratum > 1 && d.self != ntp.ReferenceID{} && p.ReferenceID == d.self
	return s, nil
}

// sampleOf computes what an exchange says.
func sampleOf(p *ntp.Packet, t1, t2, t3, t4 time.Time) discipline.Sample {
	m := ntp.Measure(t1, t2, t3, t4)
	return discipline.Sample{
		At: t4, Offset: m.Offset, Delay: m.Delay,
		Dispersion: power(p.Precision) + ourPrecision + time.Duration(float64(t4.Sub(t1))*discipline.MaxSkew),
		RootDelay:  p.RootDelay.Duration(), RootDispersion: p.RootDispersion.Duration(),
		Stratum: p.Stratum, Leap: p.Leap,
	}
}

// ourPrecision is how finely this machine's clock is read.
const ourPrecision = 100 * time.Nanosecond

// power is 2^n seconds.
func power(n int8) time.Duration {
	switch {
	case n <= -30:
		return time.Nanosecond
	case n < 0:
		return time.Second >> -n
	}
	return time.Second << min(n, 30)
}
