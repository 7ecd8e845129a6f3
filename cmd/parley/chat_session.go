package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"parley/chat/client"
	"parley/chat/wire"
	"parley/endpoint"
)

// chatSession is a run of the client whose lines come from standard input. One
// goroutine, loop, has the client's events, the lines, and signals, and calls the
// face, which shows the ones and posts the others; what it changes is read by others
// when it has ended.
type chatSession struct {
	*party
	flags  *chatFlags
	at     endpoint.Endpoint
	client *client.Client
	ran    chan error // what Run returned
	lines  *typing
	face   chatFace

	ready    bool               // in a room: a pipe is not read before
	ended    bool               // standard input has
	leaving  bool               // Quit was called
	cancel   context.CancelFunc // of the client
	quitting chan struct{}      // closed when Quit has returned; nil before
	late     <-chan time.Time   // --wait has run out
	failure  error              // why we end, if not in order
	lost     string             // the last that was said of a lost connection
	delayed  time.Time          // when it was said that the server wants us to wait

	refused int // posts that will not be stored, and lines that are none
}

// A chatFace shows events and understands lines. An error ends the session.
type chatFace interface {
	event(client.Event) error
	line(typed) error
}

// maxPosted is how many posts may wait for their acknowledgement before standard
// input is left alone.
const maxPosted = 2 * wire.Window

// inLines runs the session.
func (s *chatSession) inLines() error {
	max := longestTyped
	switch {
	case s.flags.json:
		max = longestJSON
		s.face = newJSONFace(s)
	case s.flags.pipe:
		s.face = &pipeFace{s}
	default:
		s.beginLines()
		s.face = newLineFace(s)
	}
	s.in.size = readSize
	s.lines = startTyping(s.in, max)
	defer s.lines.close()
	ctx, cancel := context.WithCancel(context.Background()) // a signal makes us quit, which needs the client
	defer cancel()
	s.cancel, s.ran = cancel, make(chan error, 1)
	go s.runClient(ctx) // ends with Quit, or with cancel
	done := make(chan struct{})
	go s.loop(done) // ends with the client, unless our output is not read
	if !s.awaitLoop(done) {
		return s.stop.err
	}
	err := <-s.ran
	if s.quitting != nil {
		<-s.quitting
	}
	return s.verdict(err)
}

// The longest lines of standard input that are looked at, in bytes. A text of JSON may
// be six times as long as what it means.
const (
	longestTyped = wire.MaxText
	longestJSON  = 64 << 10
)

func (s *chatSession) runClient(ctx context.Context) { s.ran <- s.client.Run(ctx) }

// stuckTime is how long a session may take to end after a signal.
const stuckTime = 5 * time.Second

// awaitLoop waits for the end of the loop. It gives up some time after a signal, or
// at once after the second one: the loop is stuck where nobody reads our output.
func (s *chatSession) awaitLoop(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-s.stop.first:
	}
	late := time.After(stuckTime)
	select {
	case <-done:
		return true
	case <-late:
		return false
	case <-s.stop.now:
	}
	select {
	case <-done:
		return true
	case <-time.After(partingTime):
		return false
	}
}

// loop ends when the client has.
func (s *chatSession) loop(done chan<- struct{}) {
	defer close(done)
	first, now := s.stop.first, s.stop.now
	for {
		var lines <-chan typed
		if (s.ready || s.terminal) && !s.ended && !s.leaving && s.client.Unacknowledged() < maxPosted {
			lines = s.lines.lines
		}
		select {
		case event, ok := <-s.client.Events():
			if !ok {
				return
			}
			s.happened(event)
		case line := <-lines:
			s.typed(line)
		case <-first:
			first = nil
			s.interrupted()
		case <-now:
			now = nil
			s.cancel()
		case <-s.late:
			s.late = nil
			s.leave(0)
		}
		if s.ended && !s.stays() && !s.leaving && s.client.Unacknowledged() == 0 {
			s.leave(quitFlush)
		}
	}
}

// happened takes one event.
func (s *chatSession) happened(event client.Event) {
	switch e := event.(type) {
	case client.Connected:
		if e.Resumed {
			s.env.note("connected again")
		}
		s.lost = ""
	case client.Disconnected:
		s.disconnected(e)
	case client.Joined:
		s.ready = true
	case client.Refused:
		s.refused++
	case client.Delayed:
		s.sayDelayed(e)
	}
	if err := s.face.event(event); err != nil {
		s.fail(err)
	}
}

// disconnected says what became of the connection, but not at each attempt.
func (s *chatSession) disconnected(e client.Disconnected) {
	if s.leaving || e.Again <= 0 {
		return
	}
	why := "ended"
	if e.Err != nil {
		why = cause(e.Err).Error()
	}
	if why != s.lost {
		s.lost = why
		s.env.note("connection lost (%s); trying again in %v", why, e.Again.Round(10*time.Millisecond))
	}
}

// delayPause is how often it is said at most that the server takes no more.
const delayPause = time.Minute

// sayDelayed says that the server takes no more for now.
func (s *chatSession) sayDelayed(e client.Delayed) {
	if e.Code == "order" || !s.delayed.IsZero() && time.Since(s.delayed) < delayPause {
		return
	}
	s.delayed = time.Now()
	s.env.note("the server takes no more for now (%s): what it does not take is posted again", e.Text)
}

// typed takes one line of standard input, or its end.
func (s *chatSession) typed(line typed) {
	switch {
	case line.err == io.EOF && s.terminal:
		s.leave(quitFlush)
	case line.err == io.EOF:
		s.ended = true
		if s.stays() {
			s.env.note("our input ended; the conversation is open until a signal")
		}
		if s.flags.wait > 0 {
			s.late = time.After(time.Duration(s.flags.wait))
		}
	case line.err == nil || line.err == errLongLine:
		if err := s.face.line(line); err != nil {
			s.fail(err)
		}
	default:
		s.fail(exitError{status: statusUsage, err: line.err})
	}
}

// stays reports whether the end of input does not end the session: others have come
// to a host, who has not said q.
func (s *chatSession) stays() bool { return s.flags.host && !s.flags.pipe && !s.terminal }

// interrupted is the first signal, or the end of stdout.
func (s *chatSession) interrupted() { s.leave(partingTime) }

// leave quits in order; what was said has until limit to be acknowledged.
func (s *chatSession) leave(limit time.Duration) {
	if s.leaving {
		return
	}
	s.leaving = true
	s.quitting = make(chan struct{})
	go s.quit(limit) // ends within limit and the client's own
}

func (s *chatSession) quit(limit time.Duration) {
	defer close(s.quitting)
	defer s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s.client.Quit(ctx)
}

// fail ends the session at once.
func (s *chatSession) fail(err error) {
	if s.failure == nil {
		s.failure = err
	}
	s.cancel()
}

// verdict is the error of the session, err being that of the client.
func (s *chatSession) verdict(err error) error {
	account := s.account()
	switch {
	case s.failure != nil:
		return s.failure
	case s.stop.stopped():
		if account != nil && s.stop.err != errStdoutClosed {
			s.env.warn("%v", account)
		}
		return s.stop.err
	}
	if s.leaving && (account == nil || errors.Is(err, context.Canceled)) {
		err = nil // how the connection ended after that is of no interest
	}
	return errors.Join(s.explain(err), account)
}

// account is an error that says how much was not posted, or nil. A person has seen
// what was refused.
func (s *chatSession) account() error {
	left := s.client.Unacknowledged()
	refused := s.refused
	if s.terminal {
		refused = 0
	}
	switch {
	case left > 0 && refused > 0:
		return fmt.Errorf("%s not posted, %d not acknowledged", count(int64(refused), "line"), left)
	case left > 0:
		return fmt.Errorf("%s not acknowledged", count(int64(left), "message"))
	case refused > 0:
		return fmt.Errorf("%s not posted", count(int64(refused), "line"))
	}
	return nil
}
