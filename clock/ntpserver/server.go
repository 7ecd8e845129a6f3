// Package ntpserver has the server of the network time protocol.
package ntpserver

import (
	"math/bits"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley"
	"parley/clock/ntp"
	"parley/internal/bucket"
)

// Service answers clients (mode 3) of versions 1 to 4 in the version they asked in, in
// basic mode (RFC 5905) and interleaved mode (RFC 9769), and nobody else: no peers, no
// broadcasts, no answers, no control messages. An answer is never longer than the
// request, and a request of version 4 or older says nothing that it needs a key for.
//
// It is served on datagrams. Make one with New; it may serve several listeners.
type Service struct {
	// Constant after New.
	config    Config
	precision int8
	sources   *bucket.Table // nil: not limited
	kisses    *bucket.Table // of those that are over

	memory  memory
	answers sync.Pool // *[ntp.PacketSize]byte

	early atomic.Bool // the clock shows a time before Config.Floor

	made time.Time    // constant; with a monotonic reading, if the clock has any
	set  atomic.Int64 // by how many nanoseconds the clock has been set since, when that was looked at last
}

// Config is of a Service. The zero value works.
type Config struct {
	// Now is the clock; nil is time.Now. What the system's timestamps of datagrams
	// are of is the system's clock: with another one set Own.
	Now func() time.Time
	Own bool

	// Offset is added to every moment that is told.
	Offset time.Duration

	// State says what is known of the clock; nil is a clock of its own, at
	// [DefaultStratum] with the reference ID LOCL. It is called for each request.
	State func(now time.Time) State

	// Leap says what happens at the end of now's day; nil is nothing.
	Leap func(now time.Time) uint8

	// Floor is a moment that is known to be past: while the clock shows an
	// earlier one, it is known to be wrong, and nothing is answered.
	Floor time.Time

	// PerSource is how many requests a second of a source are answered, loopback
	// exempt: 0 is DefaultPerSource, negative without limit. What is over is not
	// answered, but once a second with the kiss-o'-death RATE.
	PerSource float64
}

// The limits of a source: DefaultPerSource requests a second, burst seconds' worth of
// them at once (a client that starts sends several), and of those that are over kissRate a second
// get a kiss: an answer to each would do what its forger wants.
const (
	DefaultPerSource = 8
	burst            = 4
	kissRate         = 1
	sourcesKept      = 1 << 16
	kissedKept       = 1 << 12
)

// DefaultStratum is that of a clock that nobody disciplines: far from any reference, so
// that whoever hears a better one follows that.
const DefaultStratum = 10

// State is what a server says of its clock.
type State struct {
	Stratum        uint8 // 1 to 15; 0 and 16: not synchronized
	ReferenceID    ntp.ReferenceID
	Reference      time.Time // when the clock was last set or corrected
	RootDelay      time.Duration
	RootDispersion time.Duration // at now
}

// New makes a service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.State == nil {
		c.State = localState
	}
	if c.Leap == nil {
		c.Leap = func(time.Time) uint8 { return ntp.LeapNone }
	}
	s := &Service{config: c, precision: precisionOf(c.Now), made: c.Now()}
	if c.PerSource == 0 {
		c.PerSource = DefaultPerSource
	}
	if c.PerSource > 0 {
		s.sources = bucket.New(c.PerSource, max(burst*c.PerSource, 1), sourcesKept)
		s.kisses = bucket.New(kissRate, 1, kissedKept)
	}
	s.answers.New = func() any { return new([ntp.PacketSize]byte) }
	return s
}

// localState is a clock that is its own reference.
func localState(now time.Time) State {
	return State{Stratum: DefaultStratum, ReferenceID: ntp.Local, Reference: now.Truncate(time.Minute)}
}

// precisionOf is the time that reading the clock takes, as a power of two of seconds.
func precisionOf(now func() time.Time) int8 {
	least := time.Second
	for range 16 {
		if d := -time.Until(now()); d > 0 && d < least {
			least = d
		}
		a := now()
		if d := now().Sub(a); d > 0 && d < least {
			least = d
		}
	}
	return int8(bits.Len64(uint64(least)) - 30) // 2^30 ns are about a second
}

// LoopFree reports true: answers are not answered.
func (*Service) LoopFree() bool { return true }

// Parallel reports true: nothing that requests share is waited for.
func (*Service) Parallel() bool { return true }

// String is the name of the service.
func (*Service) String() string { return "ntp" }

// Serve answers a request, or not.
func (s *Service) Serve(c *parley.Conn, msg []byte) error {
	r := request{from: c.AddrPort(), received: c.Received()}
	if s.config.Own {
		r.received = s.config.Now()
	}
	if !r.parse(msg) {
		return nil
	}
	now := s.config.Now()
	if now.Before(s.config.Floor) {
		if !s.early.Swap(true) {
			c.Note("the clock shows " + now.UTC().Format(time.RFC3339) + ", which is past: nothing is answered until it is set")
		}
		return nil
	}
	s.early.Store(false)
	s.lookForStep(now)
	kiss, ok := s.admit(&r, now)
	if !ok {
		return nil
	}
	var answer ntp.Packet
	if kiss {
		answer = r.kiss()
	} else {
		answer = s.answer(&r)
	}
	buf := s.answers.Get().(*[ntp.PacketSize]byte)
	defer s.answers.Put(buf)
	if r.keep {
		return c.SendStamped(answer.Append(buf[:0]), uint64(answer.Receive))
	}
	return c.Send(answer.Append(buf[:0]))
}

// Stamped notes when an answer left, which the client may ask for in its next request.
func (s *Service) Stamped(key uint64, at time.Time) {
	if !s.config.Own {
		s.memory.correct(ntp.Timestamp(key), transmitStamp(at.Add(s.config.Offset)))
	}
}

// lookForStep looks whether the clock was stepped, by what it has gained on the monotonic one.
func (s *Service) lookForStep(now time.Time) {
	s.gained(now.Round(0).Sub(s.made.Round(0)) - now.Sub(s.made))
}

// gained forgets what was noted if the clock was stepped: moments before and after are not of
// one scale. A slew over hours is taken for a step too, which costs an interleaved client
// one answer in basic mode.
func (s *Service) gained(d time.Duration) {
	if before := s.set.Load(); (d-time.Duration(before)).Abs() > leastStep && s.set.CompareAndSwap(before, int64(d)) {
		s.memory.clear()
	}
}

// leastStep is what moments may be apart for their difference to mean something.
const leastStep = 10 * time.Millisecond

// admit takes r off what its source may ask. kiss: only to be told so.
func (s *Service) admit(r *request, now time.Time) (kiss, ok bool) {
	if s.sources == nil || r.from.Addr().IsLoopback() {
		return false, true
	}
	if _, ok := s.sources.Take(r.from.Addr(), now); ok {
		return false, true
	}
	kiss = s.kisses.Try(r.from.Addr(), now)
	return kiss, kiss
}

// A request is one of a client.
type request struct {
	ntp.Packet
	from     netip.AddrPort
	received time.Time
	keep     bool // the client may ask when the answer left
}

// parse reads msg, and reports whether it is a request that is answered.
func (r *request) parse(msg []byte) bool {
	p, err := ntp.Parse(msg)
	if err != nil || p.Version < 1 || p.Version > 4 {
		return false
	}
	// Version 1 had no mode, and its clients sent from any port but the servers'.
	if p.Mode != ntp.Client && !(p.Version == 1 && p.Mode == ntp.Reserved && r.from.Port() != 123) {
		return false
	}
	switch r.from.Port() {
	case 7, 13, 17, 19, 37: // servers that answer anything, with what may be a request
		return false
	}
	r.Packet = p
	r.keep = p.Origin != 0 && p.Receive != p.Transmit
	return true
}

// kiss says that the source asks too often (RFC 5905 section 7.4).
func (r *request) kiss() ntp.Packet {
	return ntp.Packet{
		Leap: ntp.LeapUnknown, Version: r.Version, Mode: ntp.Server, Poll: r.Poll,
		ReferenceID: ntp.ReferenceID{'R', 'A', 'T', 'E'},
		Origin:      r.Transmit, Receive: r.Transmit, Transmit: r.Transmit,
	}
}

// answer says the time.
func (s *Service) answer(r *request) ntp.Packet {
	received := r.received.Add(s.config.Offset)
	state := s.config.State(r.received)
	if !state.Reference.IsZero() {
		state.Reference = state.Reference.Add(s.config.Offset) // it is told on the scale of the others
	}
	p := ntp.Packet{
		Leap: s.config.Leap(received), Version: r.Version, Mode: ntp.Server, Stratum: state.Stratum,
		Poll: r.Poll, Precision: s.precision,
		RootDelay: ntp.ShortOf(state.RootDelay), RootDispersion: ntp.ShortOf(state.RootDispersion),
		ReferenceID: state.ReferenceID, Reference: ntp.TimestampOf(state.Reference),
		Origin: r.Transmit, Receive: receiveStamp(received),
	}
	if state.Stratum == 0 || state.Stratum >= ntp.MaxStratum {
		p.Stratum, p.Leap = 0, ntp.LeapUnknown // which says the same (RFC 5905 figure 11)
		p.ReferenceID = ntp.ReferenceID{'I', 'N', 'I', 'T'}
	}
	if !r.keep {
		p.Transmit = transmitStamp(s.config.Now().Add(s.config.Offset))
		return p
	}
	before, known := s.memory.find(r.Origin)
	now := transmitStamp(s.config.Now().Add(s.config.Offset))
	p.Receive = s.memory.note(p.Receive, now)
	p.Transmit = now
	if known { // interleaved: when the answer before this one left
		p.Origin, p.Transmit = r.Receive, before
	}
	return p
}

// The last bit of a timestamp (0.2 ns) tells moments of arrival from those of departure,
// so that a client in basic mode, which gives back the latter, is not taken for one
// in interleaved mode, which gives back the former (RFC 9769 section 2).

func receiveStamp(t time.Time) ntp.Timestamp  { return ntp.TimestampOf(t) | 1 }
func transmitStamp(t time.Time) ntp.Timestamp { return max(ntp.TimestampOf(t)&^1, 2) }
