package client

import (
	"context"
	"errors"
	"time"

	"parley/clock/discipline"
	"parley/clock/ntp"
	"parley/endpoint"
)

// A source asks one server. Its goroutine is its own; the run that started it waits for it.
type source struct {
	// Constant.
	name    string
	at      endpoint.Endpoint
	clock   Clock
	timeout time.Duration
	heard   chan<- heard  // what came of a question
	ask     chan struct{} // asks for the next one

	// The goroutine's own.
	dialogue *dialogue
	socket   *socket
	steps    int64 // of the clock, that the dialogue knows of
	moved    bool  // another machine is asked than before
	stepped  func() int64
}

// heard is what came of a question.
type heard struct {
	name   string
	sample discipline.Sample
	err    error // nil: sample is good
	moved  bool  // another machine was asked than before
	steps  int64 // of the clock, before it was measured
}

// run asks whenever it is told to. It ends with ctx.
func (s *source) run(ctx context.Context) {
	defer s.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ask:
		}
		if n := s.stepped(); n != s.steps {
			s.dialogue.restart()
			s.steps = n
		}
		h := heard{name: s.name, steps: s.steps}
		h.sample, h.err = s.question(ctx)
		h.moved, s.moved = s.moved, false
		select {
		case s.heard <- h:
		case <-ctx.Done():
			return
		}
	}
}

func (s *source) close() {
	if s.socket != nil {
		s.socket.close()
		s.socket = nil
	}
}

// errNoAnswer is matched by the error of a question that was not answered in time.
var errNoAnswer = errors.New("no answer")

// question asks once.
func (s *source) question(ctx context.Context) (x discipline.Sample, err error) {
	if s.socket == nil {
		// Dialled anew when the server is gone, so that a name is looked up again.
		bounded, cancel := context.WithTimeout(ctx, s.timeout)
		s.socket, err = dial(bounded, s.at)
		cancel()
		if err != nil {
			s.dialogue.lost()
			return x, err
		}
		s.meet()
	}
	x, err = s.exchange(ctx)
	if err != nil && !errors.Is(err, ErrKiss) && (err != errNoAnswer || s.dialogue.missed > maxMissed) {
		s.close()
	}
	return x, err
}

// meet notes who is asked: a name may have many addresses.
func (s *source) meet() {
	server, self := s.socket.ids()
	if d := s.dialogue; server != d.server && d.server != (ntp.ReferenceID{}) {
		d.restart()
		s.moved = true
	}
	s.dialogue.server, s.dialogue.self = server, self
}

func (s *source) exchange(ctx context.Context) (x discipline.Sample, err error) {
	p := s.dialogue.request()
	var buf [ntp.PacketSize]byte
	sent, err := s.socket.send(p.Append(buf[:0]))
	if err != nil {
		s.dialogue.lost()
		return x, err
	}
	s.dialogue.left(s.clock.At(sent))
	deadline := time.Now().Add(s.timeout)
	stop := context.AfterFunc(ctx, s.socket.interrupt)
	defer stop()
	for {
		b, came, err := s.socket.receive(deadline)
		if at, ok := s.socket.departed(); ok {
			s.dialogue.left(s.clock.At(at))
		}
		if isTimeout(err) {
			err = errNoAnswer
		}
		if err != nil {
			s.dialogue.lost()
			return x, err
		}
		x, err = s.dialogue.answer(b, s.clock.At(came))
		if err != errStray {
			return x, err
		}
	}
}
