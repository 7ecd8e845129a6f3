package client

import (
	"strconv"
	"time"

	"parley/chat/wire"
)

const (
	quiet      = 30 * time.Second // of silence before PING
	pongTime   = 15 * time.Second // for its answer
	aliveEvery = 10 * time.Second // on datagrams
	aliveTries = 3                // so many unanswered are a lost connection
)

// alive is how a session knows that the server is there, and on datagrams stays
// present.
type alive struct {
	idle   time.Duration // how long the server lets us be silent
	at     time.Time     // when to do something; zero: never
	asked  int           // how many times since something was heard
	pings  uint64
	paused bool
}

func (a *alive) next() time.Time {
	if a.paused {
		return time.Time{}
	}
	return a.at
}

// every is how often a datagram client says something.
func (a *alive) every() time.Duration {
	if a.idle > 0 {
		return max(min(aliveEvery, a.idle/3), firstRepeat)
	}
	return aliveEvery
}

func (s *session) startAlive(now time.Time) {
	s.alive.asked = 0
	if s.cfg.Datagram {
		s.alive.at = now.Add(s.alive.every())
	} else {
		s.alive.at = now.Add(quiet)
	}
}

// heard is called for each line of the server.
func (s *session) heard(now time.Time) {
	a := &s.alive
	a.asked = 0
	if s.state == stateOpen && !s.cfg.Datagram {
		a.at = now.Add(quiet)
	}
}

// pause says that nothing is received, since nobody reads the events: silence
// means nothing until unpause. It does not touch the hello, whose answer is
// the first of events.
func (s *session) pauseReading() { s.alive.paused = true }

func (s *session) resumeReading(now time.Time) {
	s.alive.paused = false
	if s.state == stateOpen {
		s.startAlive(now)
	}
}

func (s *session) tickAlive(now time.Time) {
	a := &s.alive
	switch {
	case a.paused || !due(now, a.at):
		return
	case s.cfg.Datagram && a.asked >= aliveTries, !s.cfg.Datagram && a.asked > 0:
		s.fail(errLost)
		return
	}
	a.asked++
	if !s.cfg.Datagram {
		a.at = now.Add(pongTime)
		s.ping()
		return
	}
	a.at = now.Add(a.every())
	if len(s.rooms) == 0 {
		s.ping()
	}
	for _, r := range s.rooms {
		if r.live && !r.asking {
			s.askRoom(now, r)
		}
	}
}

func (s *session) ping() {
	s.alive.pings++
	s.send(wire.Line{Verb: wire.VerbPing, Words: []string{strconv.FormatUint(s.alive.pings, 10)}})
}
