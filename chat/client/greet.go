package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

const (
	answerTime = 10 * time.Second // the longest wait for PARLEY, and for PROVED
	firstMost  = 200              // bytes kept of what a peer said first
	againAfter = time.Second      // between two hellos on the same socket
)

// A greeting is how far the hello has come.
type greeting struct {
	until  time.Time // when the server should have answered
	repeat repeat
	prove  string
	first  []byte // what the peer said first
	begun  time.Time
}

func (g *greeting) next() time.Time { return earlier(g.until, g.repeat.at) }

// greet says PARLEY.
func (s *session) greet(now time.Time) {
	s.greeting = greeting{until: now.Add(answerTime), begun: now}
	s.alive = alive{}
	s.sayHello(now)
}

func (s *session) sayHello(now time.Time) {
	h := wire.Hello{Token: s.token, Name: s.name, Next: s.posting.first()}
	if text.IsGuest(h.Name) {
		h.Name = "" // the server gives it to whom it knows, and refuses it to others
	}
	s.out = h.Append(s.out)
	s.greeting.repeat.sent(now, s.cfg.Datagram)
}

// sniff keeps the beginning of what a peer sends, for the error.
func (s *session) sniff(b []byte) {
	if s.state == stateHello {
		s.greeting.first = append(s.greeting.first, b[:min(len(b), firstMost-len(s.greeting.first))]...)
	}
}

// receiveHello waits for PARLEY. A server greets peers that it takes for plain
// ones: other lines are skipped.
func (s *session) receiveHello(now time.Time, b []byte, l wire.Line, err error) {
	if err != nil {
		return
	}
	switch l.Verb {
	case wire.VerbHello:
		w, err := wire.ParseWelcome(l)
		switch {
		case err == nil:
			s.welcome(now, w)
		case wire.IsHello(b):
			s.fail(fmt.Errorf("%w: it sends back what it is sent", ErrNotChat))
		case errors.Is(err, wire.ErrVersion):
			s.fail(err)
		}
	case wire.VerbError:
		if l.Word(0) == wire.VerbHello {
			s.fail(fmt.Errorf("the server refused: %s", text.Clean(l.Text)))
		}
	case wire.VerbBye:
		s.onBye(l)
	}
}

func (s *session) welcome(now time.Time, w wire.Welcome) {
	s.name, s.max, s.alive.idle = w.Name, min(w.Max, wire.MaxText), w.Idle
	s.lobby = text.Clean(w.Room)
	if s.home == "" && !s.cfg.Apart && !s.makeHome(w.Room) {
		s.fail(fmt.Errorf("%w: its room is called %q", ErrNotChat, w.Room))
		return
	}
	if w.Prove == "" {
		s.open(now)
		return
	}
	s.state = stateProving
	s.greeting.until = now.Add(answerTime)
	s.greeting.repeat = repeat{}
	s.prove(now, w.Prove)
}

// makeHome makes the server's room ours, if we have named none.
func (s *session) makeHome(name string) bool {
	name, err := text.Room(name)
	if err != nil {
		return false
	}
	s.home = name
	if s.room(name) == nil {
		s.rooms = slices.Insert(s.rooms, 0, &room{name: name})
	}
	s.posting.name(name)
	return true
}

func (s *session) prove(now time.Time, word string) {
	s.greeting.prove = word
	s.send(wire.Line{Verb: wire.VerbProof, Words: []string{word}})
	s.greeting.repeat.sent(now, s.cfg.Datagram)
}

// onWelcomeAgain takes a repeated answer, which may ask for another proof.
func (s *session) onWelcomeAgain(now time.Time, l wire.Line) {
	w, err := wire.ParseWelcome(l)
	if err == nil && s.state == stateProving && w.Prove != "" && w.Prove != s.greeting.prove {
		s.prove(now, w.Prove)
	}
}

func (s *session) onProved(now time.Time) {
	if s.state == stateProving {
		s.open(now)
	}
}

// open begins the conversation.
func (s *session) open(now time.Time) {
	s.state, s.since = stateOpen, now
	s.emit(Connected{
		Name:    text.Clean(s.name),
		Self:    s.self,
		Lobby:   s.lobby,
		Resumed: s.met,
		Idle:    s.alive.idle,
		Max:     s.max,
	})
	s.met = true
	s.startAlive(now)
}

func (s *session) tickGreeting(now time.Time) {
	g := &s.greeting
	switch {
	case due(now, g.until):
		s.fail(s.notChat())
	case due(now, g.repeat.at) && s.state == stateHello:
		s.sayHello(now)
	case due(now, g.repeat.at):
		s.prove(now, g.prove)
	}
}

// notChat is the error about a peer that does not answer PARLEY.
func (s *session) notChat() error {
	switch {
	case s.state == stateProving:
		return fmt.Errorf("%w to the proof of our address", errLost)
	case len(s.greeting.first) == 0:
		return fmt.Errorf("%w: no answer within %v", ErrNotChat, answerTime)
	}
	return fmt.Errorf("%w: it said %q", ErrNotChat, s.greeting.first)
}

// ended is the error about a peer that closed the connection.
func (s *session) ended(err error) error {
	if s.state == stateHello && len(s.greeting.first) > 0 {
		return s.notChat()
	}
	return err
}

// strange takes a line that is not of the protocol. On datagrams it is from a
// server that takes us for a plain peer: one that was started again, or to
// which we were silent for too long.
func (s *session) strange(now time.Time) {
	if s.cfg.Datagram && now.Sub(s.greeting.begun) >= againAfter {
		s.connected(now)
	}
}
