package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/chat"
)

// A hallSet is the chats of one parley serve.
type hallSet struct {
	byKey map[string]*hall // by the key of their config
	order []*hall
}

// openedHalls is what came of opening chats: the entries that can be served, with
// those in their place, and why others cannot.
type openedHalls struct {
	halls hallSet
	ready []entry
	errs  []error
}

// openHalls opens the store of each chat among entries, and returns the entries that
// can be served then and why others cannot. A store may take its time, so a signal
// ends this; err is that.
func (s *serving) openHalls(ctx context.Context, entries []entry) (ready []entry, errs []error, err error) {
	if !slices.ContainsFunc(entries, entry.isHall) {
		return entries, nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan openedHalls, 1)
	go s.openEachHall(ctx, entries, done)
	select {
	case opened := <-done:
		s.halls = opened.halls
		return opened.ready, opened.errs, nil
	case sig := <-s.env.signals:
		cancel()
		s.abandon(done)
		return nil, nil, signalError(sig)
	}
}

// abandon waits for chats whose opening was cancelled, so that they are closed, but
// not for long.
func (s *serving) abandon(done <-chan openedHalls) {
	timer := time.NewTimer(hurriedTime)
	defer timer.Stop()
	select {
	case opened := <-done:
		s.halls = opened.halls
	case <-s.env.signals:
	case <-timer.C:
	}
}

// openEachHall is a goroutine; it ends when all are open, or soon after the end of
// ctx.
func (s *serving) openEachHall(ctx context.Context, entries []entry, done chan<- openedHalls) {
	o := openedHalls{halls: hallSet{byKey: make(map[string]*hall)}}
	failed := make(map[string]bool)
	for _, one := range entries {
		closed, ok := one.service.(closedHall)
		if !ok {
			o.ready = append(o.ready, one)
			continue
		}
		c, err := closed.config.resolved(s.env.getenv)
		key := c.key()
		if failed[key] {
			continue // it is said
		}
		if err == nil {
			one.service, err = s.hub(ctx, &o.halls, c)
		}
		if err != nil {
			failed[key] = true
			o.errs = append(o.errs, one.placed(&entryError{one.name(), err}))
			continue
		}
		o.ready = append(o.ready, one)
	}
	done <- o
}

// hub returns the hub of the store of c, which is resolved, and opens it the first
// time.
func (s *serving) hub(ctx context.Context, halls *hallSet, c hallConfig) (*chat.Hub, error) {
	if h := halls.byKey[c.key()]; h != nil {
		return h.hub, nil
	}
	c.logger = s.talk.log.With("at", "chat", "store", c.name())
	if c.log {
		c.transcript = func(text string) { c.logger.Info("status", "text", text) }
	}
	h, err := s.env.openHall(ctx, c)
	if err != nil {
		return nil, err
	}
	halls.byKey[c.key()] = h
	halls.order = append(halls.order, h)
	if h.warning != "" {
		s.talk.warn("%s", h.warning)
	}
	return h.hub, nil
}

// leaveEmptyHalls closes chats none of whose endpoints could be bound: who holds
// those may want the store as well.
func (s *serving) leaveEmptyHalls() error {
	var left hallSet
	s.halls.order = slices.DeleteFunc(s.halls.order, func(h *hall) bool {
		if slices.ContainsFunc(s.opened, func(one entry) bool { return one.service == h.hub }) {
			return false
		}
		left.order = append(left.order, h)
		return true
	})
	done := make(chan error, 1)
	left.close(done)
	return <-done
}

// How long the stores may take to close, and how long if a signal says now: what was
// acknowledged is stored in any case.
const (
	closeTime   = 10 * time.Second
	hurriedTime = time.Second
)

// closeHalls ends the chats, after the server, and returns err, what ended that, or
// else what goes wrong now. A signal means now.
func (s *serving) closeHalls(err error) error {
	if len(s.halls.order) == 0 {
		return err
	}
	limit := closeTime
	if statusOf(err) > statusSignal {
		limit = hurriedTime
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	closed := make(chan error, 1)
	go s.halls.close(closed)
	var closing error
	select {
	case closing = <-closed:
	case sig := <-s.env.signals:
		closing = signalError(sig)
	case <-timer.C:
		closing = fmt.Errorf("close %s: not done after %v", s.halls.order[0].name, limit)
	}
	if err != nil {
		return err
	}
	return closing
}

// goodbye tells everybody that the server is about to end.
func (l *hallSet) goodbye() {
	for _, h := range l.order {
		h.hub.Goodbye()
	}
}

// close is a goroutine; it ends when all are closed.
func (l *hallSet) close(done chan<- error) {
	var errs []error
	for _, h := range l.order {
		errs = append(errs, h.close())
	}
	done <- errors.Join(errs...)
}
