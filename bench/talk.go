package bench

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A talker has exchanges one at a time on sessions that nobody else drives: those
// of Connects and Holds. Its methods are safe for concurrent use; each
// session is one caller's at a time.
type talker struct {
	mu sync.Mutex // stands for the worker: guards w.tally and the pure halves of the sessions
	w  worker
}

// newTalker makes a talker for a run that has begun.
func newTalker(p plan) *talker {
	p.load.Rate, p.load.Depth = 0, 1
	return &talker{w: worker{plan: &p, tally: newTally()}}
}

// session makes the pure half of session id, or nil where nothing is said.
func (t *talker) session(id int) session {
	if t.w.plan.load.Exchange == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return newSession(&t.w, id)
}

// exchange sends a message and waits until it is over. A datagram that is lost is
// counted and no error. ctx bounds it, and the load's timeout does.
func (t *talker) exchange(ctx context.Context, conn net.Conn, s session) error {
	p := t.w.plan
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past); close(woken) })
	defer func() {
		if !stop() {
			<-woken // else it would set the deadline of whoever reads next
		}
		conn.SetDeadline(time.Time{})
	}()
	t.allow(conn)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := t.say(conn, s); err != nil {
		return err
	}
	t.allow(conn)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	receive := receiver(conn, p, p.bufferSize())
	for {
		data, err := receive()
		over, err := t.heard(s, data, err)
		if over > 0 || err != nil {
			return err
		}
	}
}

// allow gives conn the time that an answer may take, and a little more, so that it has
// waited for too long when the deadline has passed.
func (t *talker) allow(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(time.Duration(t.w.plan.timeout) + time.Millisecond))
}

// say sends one message.
func (t *talker) say(conn net.Conn, s session) error {
	t.mu.Lock()
	now := t.w.plan.now()
	s.due(now)
	t.mu.Unlock()
	for {
		t.mu.Lock()
		b, more := s.next(nil, room)
		if more {
			s.sent(len(b), now)
		}
		t.mu.Unlock()
		if !more {
			return nil
		}
		if _, err := conn.Write(b); err != nil {
			return err
		}
	}
}

// heard gives a session what a read returned. over is how many messages are over by it.
func (t *talker) heard(s session, data []byte, readErr error) (over int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.w.plan.now()
	if len(data) > 0 || readErr == nil {
		if over, err = s.received(data, now); err != nil || over > 0 {
			return over, err
		}
	}
	if !errors.Is(readErr, os.ErrDeadlineExceeded) {
		return 0, readErr
	}
	over, err = s.expire(now)
	if over == 0 && err == nil {
		err = readErr // ctx has ended
	}
	return over, err
}

// end ends a session, whose error whoever ends it counts.
func (t *talker) end(s session) {
	if s == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.end(nil, t.w.plan.now())
}

// turn gives away what was counted. The latency of answers is not what these
// modes measure, and is not in it.
func (t *talker) turn(turn func(full *tally, now int64) *tally, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w.tally.latency.Reset()
	t.w.tally = turn(t.w.tally, now)
}
