package client

import (
	"errors"
	"fmt"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// A session is the protocol without I/O, over all connections of a [Client]. It
// is told what happens: connected, receive, cut, tick when the time of next has
// come, and what the user wants. It leaves lines in out, events, and a verdict on the
// connection. It is used by one goroutine at a time.
type session struct {
	cfg   Config         // constant
	token string         // constant
	self  string         // constant: the public half of token
	draw  func() float64 // constant: in [0,1), for pauses

	state    state
	met      bool // connected before
	leaving  bool // the user wants to leave: QUIT is said, or need not be
	closing  bool // nothing more is posted
	name     string
	lobby    string
	max      int // bytes of the longest text
	since    time.Time
	backoff  time.Duration
	greeting greeting
	alive    alive
	home     string  // the room of who names none; "" until the server has named it
	rooms    []*room // in the order of joining
	resumed  bool    // every room was live on this connection
	posting  posting
	asks     []*ask
	tags     int // how many were made
	told     []toldKey
	quitAt   time.Time // when to say QUIT again
	quitEnd  time.Time // when not to wait for BYE any more

	out     []byte   // lines to be sent, each with its LF
	events  []Event  // to be shown
	verdict *verdict // on the connection, or on all
}

// state is where a session stands with its connection:
//
//	          ┌──────────────── cut ────────────────┐
//	          v                                     │
//	stateDown ── connected ──> stateHello ── PARLEY ──> stateProving ── PROVED ──> stateOpen
//	                               │                                                  ^
//	                               └───────────── PARLEY without prove= ──────────────┘
type state uint8

const (
	stateDown state = iota
	stateHello
	stateProving
	stateOpen
)

// A verdict says why a connection has to be closed. A final one ends the
// session.
type verdict struct {
	err   error
	final bool
}

// The bounds of what waits to be written: posts are not added beyond the first,
// and a server that does not take the second is given up.
const (
	outForPosts = 64 << 10
	outMost     = 1 << 20
)

var errClogged = errors.New("the server does not take what it is sent")

// errLost is why a silent connection is given up.
var errLost = errors.New("the server does not answer")

func newSession(cfg Config, draw func() float64) *session {
	s := &session{cfg: cfg, token: cfg.token(), draw: draw, name: cfg.Name, max: wire.MaxText}
	s.self = wire.PublicHalf(s.token)
	s.posting = newPosting()
	for _, name := range cfg.rooms() {
		if name, err := text.Room(name); err == nil && s.room(name) == nil {
			s.rooms = append(s.rooms, &room{name: name})
		}
	}
	if len(s.rooms) > 0 {
		s.home = s.rooms[0].name
	}
	return s
}

// check reports what is wrong with the configuration.
func (s *session) check() error {
	if s.cfg.Dial == nil {
		return errors.New("chat: no Dial")
	}
	if !wire.IsToken(s.token) {
		return errors.New("chat: the token is not 22 to 64 of A-Z a-z 0-9 - _")
	}
	if s.cfg.Name != "" {
		name, err := text.Name(s.cfg.Name)
		if err != nil {
			return fmt.Errorf("chat: name %q: %w", s.cfg.Name, err)
		}
		s.name = name
	}
	for _, name := range s.cfg.rooms() {
		if _, err := text.Room(name); err != nil {
			return fmt.Errorf("chat: room %q: %w", name, err)
		}
	}
	return nil
}

// connected begins a connection, or begins anew on one of datagrams whose
// server does not know us any more.
func (s *session) connected(now time.Time) {
	s.state, s.verdict, s.resumed = stateHello, nil, false
	s.out = s.out[:0]
	for _, r := range s.rooms {
		r.disconnected()
	}
	for _, a := range s.asks {
		a.disconnected()
	}
	s.posting.disconnected()
	s.greet(now)
}

// receive takes a line from the server, whose LF may be missing.
func (s *session) receive(now time.Time, b []byte) {
	if s.state == stateDown || s.verdict != nil {
		return
	}
	s.heard(now)
	l, err := wire.ParseLine(b)
	switch {
	case s.state == stateHello:
		s.receiveHello(now, b, l, err)
	case err != nil:
		s.strange(now)
	default:
		s.receiveLine(now, l)
	}
	s.settle(now)
}

// receiveLine takes a line after the hello. One that is not as it should be is
// ignored, as are verbs that are not known.
func (s *session) receiveLine(now time.Time, l wire.Line) {
	switch l.Verb {
	case wire.VerbMessage:
		s.onMessage(now, l)
	case wire.VerbAck:
		s.onAck(now, l)
	case wire.VerbNak:
		s.onNak(now, l)
	case wire.VerbLive:
		s.onLive(now, l)
	case wire.VerbMore:
		s.onMore(now, l)
	case wire.VerbMissed:
		s.onMissed(now, l)
	case wire.VerbParted:
		s.onParted(l)
	case wire.VerbPast, wire.VerbWho, wire.VerbRoom, wire.VerbEnd:
		s.onAnswer(now, l)
	case wire.VerbHere, wire.VerbGone, wire.VerbNamed, wire.VerbTold, wire.VerbNote:
		s.onNews(l)
	case wire.VerbError:
		s.onError(now, l)
	case wire.VerbHello:
		s.onWelcomeAgain(now, l)
	case wire.VerbProved:
		s.onProved(now)
	case wire.VerbBye:
		s.onBye(l)
	}
}

// onBye ends the connection, or the session.
func (s *session) onBye(l wire.Line) {
	switch {
	case l.Text == wire.WhyQuit:
		s.verdict = &verdict{final: true}
	case l.Text == wire.WhyResumed:
		s.verdict = &verdict{err: ErrReplaced, final: true}
	default:
		s.verdict = &verdict{err: fmt.Errorf("the server ended the session: %s", text.Clean(l.Text))}
	}
}

// tick does what is due. The next one is due at next.
func (s *session) tick(now time.Time) {
	if s.verdict != nil {
		return
	}
	s.tickLeaving(now)
	switch s.state {
	case stateHello, stateProving:
		s.tickGreeting(now)
	case stateOpen:
		s.tickAlive(now)
		s.posting.tick(now)
	}
	s.settle(now)
}

// settle sends what can be sent now.
func (s *session) settle(now time.Time) {
	if s.state != stateOpen || s.verdict != nil || s.leaving {
		return
	}
	s.joinRooms(now)
	s.partRooms(now)
	s.sendAsks(now)
	s.sendPosts(now)
	if len(s.out) > outMost {
		s.fail(errClogged)
	}
}

// next returns when tick is due: zero for never.
func (s *session) next() time.Time {
	var at time.Time
	if s.verdict != nil {
		return at
	}
	at = earlier(at, s.quitAt)
	at = earlier(at, s.quitEnd)
	switch s.state {
	case stateHello, stateProving:
		at = earlier(at, s.greeting.next())
	case stateOpen:
		at = earlier(at, s.alive.next())
		if s.leaving {
			return at
		}
		at = earlier(at, s.nextRooms())
		at = earlier(at, s.nextAsk())
		at = earlier(at, s.nextPost())
	}
	return at
}

// earlier returns the earlier of two times that are not zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due reports whether the time at has come; zero never does.
func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// fail says that the connection is of no use.
func (s *session) fail(err error) {
	if s.verdict == nil {
		s.verdict = &verdict{err: err}
	}
}

func (s *session) emit(e Event) { s.events = append(s.events, e) }

func (s *session) send(l wire.Line) { s.out = l.Append(s.out) }

// The bounds of the pause before connecting again.
const (
	firstPause = 250 * time.Millisecond
	longPause  = 10 * time.Second
)

// cut ends the connection, or a failed attempt to make one, and returns how long
// to wait before the next; or, with final, that there is none, and the error of Run.
func (s *session) cut(now time.Time, err error) (pause time.Duration, final bool, end error) {
	v, before := s.verdict, s.state
	s.state = stateDown
	switch {
	case v != nil && v.final:
		return 0, true, v.err
	case s.leaving:
		return 0, true, nil
	case v != nil:
		err = v.err
	}
	s.verdict = nil
	if !s.met {
		return 0, true, err
	}
	if s.cfg.Once {
		s.emit(Disconnected{Err: err})
		return 0, true, err
	}
	pause = s.pause(before == stateOpen && now.Sub(s.since) > s.backoff)
	s.emit(Disconnected{Err: err, Again: pause})
	return pause, false, nil
}

// pause draws the wait before the next attempt: between a half and all of a
// bound that doubles, and starts anew after a connection that lasted.
func (s *session) pause(lasted bool) time.Duration {
	if lasted || s.backoff == 0 {
		s.backoff = firstPause
	} else {
		s.backoff = min(2*s.backoff, longPause)
	}
	return s.backoff/2 + time.Duration(s.draw()*float64(s.backoff/2))
}

// leave says QUIT, or ends at once if nobody is there to hear it.
func (s *session) leave(now time.Time) {
	if s.leaving {
		return
	}
	s.leaving, s.closing = true, true
	if s.state != stateOpen || s.cfg.linger() == 0 {
		s.verdict = &verdict{final: true}
		return
	}
	s.quitEnd = now.Add(s.cfg.linger())
	s.sayQuit(now)
}

func (s *session) sayQuit(now time.Time) {
	s.send(wire.Line{Verb: wire.VerbQuit})
	if s.cfg.Datagram {
		s.quitAt = now.Add(firstRepeat)
	}
}

func (s *session) tickLeaving(now time.Time) {
	switch {
	case due(now, s.quitEnd):
		s.verdict = &verdict{final: true}
	case due(now, s.quitAt):
		s.sayQuit(now)
	}
}

// The bounds of the pause before a line is repeated on datagrams.
const (
	firstRepeat = 250 * time.Millisecond
	longRepeat  = 4 * time.Second
)

// A repeat says when a line is to be sent again, on datagrams.
type repeat struct {
	at   time.Time // zero: not
	wait time.Duration
}

// sent is called when the line was sent: the next wait is twice as long.
func (r *repeat) sent(now time.Time, datagram bool) {
	if !datagram {
		return
	}
	r.wait = min(max(2*r.wait, firstRepeat), longRepeat)
	r.at = now.Add(r.wait)
}
