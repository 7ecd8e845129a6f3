package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley"
	"parley/endpoint"
)

// serving is one run of parley serve.
type serving struct {
	env     *env
	talk    *serveTalk
	server  *parley.Server
	where   string     // of the metrics, "" for none
	opened  []entry    // in the order of the server's listeners
	halls   hallSet    // that opened are listeners of
	mark    *clockMark // set while the time is served; see clocks.go
	metrics *metricsServer
}

func newServing(e *env, f *serveFlags) *serving {
	t := newTalk(e, f)
	return &serving{env: e, talk: t, where: f.metrics, server: &parley.Server{
		Limits:   f.limits,
		Events:   parley.LogEvents(t.log),
		Messages: f.verbose > 1,
	}}
}

// open opens the stores of chats and then binds every entry. With named it is all
// or none, and otherwise what can be opened, with a warning for what cannot. The
// metrics were asked for by name in any case.
func (s *serving) open(ctx context.Context, entries []entry, named bool) error {
	s.talk.log.Debug("limits", "each", s.server.Limits.String())
	entries, errs, err := s.openHalls(ctx, entries)
	if err != nil {
		return s.closeHalls(err)
	}
	entries, late := s.checkClock(entries)
	errs = append(errs, late...)
	for _, one := range entries {
		if err := s.listen(ctx, one); err != nil {
			errs = append(errs, err)
		}
	}
	if !named && len(s.opened) > 0 {
		s.warn(errs)
		errs = nil
		if err := s.leaveEmptyHalls(); err != nil {
			errs = append(errs, err)
		}
	}
	if s.where != "" {
		if s.metrics, err = serveMetrics(ctx, s.where, s.server.Stats, s.halls.stats, s.talk.log); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	err = s.env.reportPlaced(statusOfOpen(errs), errs) // while what is open tells a hint who holds it
	s.metrics.stop()
	s.server.Close()
	return s.closeHalls(err)
}

// listen opens one entry.
func (s *serving) listen(ctx context.Context, one entry) error {
	err := s.server.Listen(ctx, one.service, one.target.Endpoint.String())
	if err == nil {
		s.opened = append(s.opened, one)
		return nil
	}
	if joined := parts(err); len(joined) == 1 {
		err = joined[0]
	}
	return one.placed(err)
}

// statusOfOpen is 2 where nothing but a text was wrong.
func statusOfOpen(errs []error) int {
	for _, err := range errs {
		var usage usageError
		if !errors.As(err, &usage) {
			return statusFailed
		}
	}
	return statusUsage
}

// warn says which of the default endpoints are busy, and why there is no chat.
func (s *serving) warn(errs []error) {
	for _, err := range errs {
		var hall *hallError
		if errors.As(err, &hall) {
			err = fmt.Errorf("%w; chat is left out", err)
		}
		s.talk.warn("%v", err)
	}
	for _, hint := range hintsFor(errors.Join(errs...)) {
		s.talk.hint(hint)
	}
}

// announce prints what is listening, and where.
func (s *serving) announce() error {
	stats := s.server.Stats()
	for i, one := range s.opened {
		at := printed(stats[i].Endpoint)
		if _, err := fmt.Fprintf(s.env.stdout, "listening %s@%s\n", one.target.Service, at); err != nil {
			return stdoutError(err)
		}
	}
	for i, one := range s.opened {
		at := printed(stats[i].Endpoint)
		if everywhere(at) {
			s.talk.note("%s@%s is open to every interface of this machine", one.target.Service, at)
		}
		if pin := madePin(stats[i]); pin != "" {
			s.talk.note("%s@%s made a key for this run; dial it by: %s", one.target.Service, at, dialCommand(one.target.Service, at, pin))
		}
	}
	if s.metrics != nil {
		s.talk.metrics(s.metrics.url)
	}
	if s.env.stdoutOnTerminal() {
		s.talk.table(stats)
	}
	return nil
}

// madePin is the pin of a listener that made its key for this run, or "". Who has
// a certificate does not need it.
func madePin(s parley.Stats) string {
	if _, ok := s.Endpoint.Option("cert"); ok {
		return ""
	}
	return s.Pin
}

// printed is e as it is shown: without options, whose values are nobody's
// business, but for those that a dialler must repeat.
func printed(e endpoint.Endpoint) endpoint.Endpoint {
	at := e.Bare()
	if proto, ok := e.Option("proto"); ok {
		at = at.With("proto", proto)
	}
	return at
}

// run serves until a signal, or the end of ctx, and drains.
func (s *serving) run(ctx context.Context, drain time.Duration) error {
	served := make(chan error, 1)
	go s.serve(served)
	defer s.setMark()
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for waiting := true; waiting; {
		waiting = false
		select {
		case err := <-served:
			return err
		case sig := <-s.env.signals:
			s.talk.log.Info("status", "text", "draining", "why", sig.String(), "sessions", s.sessions(), "for", drain.String())
		case <-ctx.Done():
		case <-tick.C:
			s.setMark()
			waiting = true
		}
	}
	err := s.drain(drain)
	if err == nil {
		<-served
		s.talk.log.Info("status", "text", "drained")
	}
	return err
}

// serve is a goroutine; it ends when the server has.
func (s *serving) serve(served chan<- error) { served <- s.server.Serve() }

// drain ends the server in order, within limit. A signal meanwhile means now.
func (s *serving) drain(limit time.Duration) error {
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	s.halls.goodbye()
	drained := make(chan error, 1)
	go s.shutdown(ctx, drained)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	left := 0
	for {
		select {
		case err := <-drained:
			if err != nil && left > 0 {
				return fmt.Errorf("drain: cut %s that had not ended after %v", count(int64(left), "session"), limit)
			}
			return nil
		case <-timer.C:
			left = s.sessions()
			cut()
		case sig := <-s.env.signals:
			cut()
			s.await(drained)
			return signalError(sig)
		}
	}
}

// shutdown is a goroutine; it ends when the server has.
func (s *serving) shutdown(ctx context.Context, drained chan<- error) {
	drained <- s.server.Shutdown(ctx)
}

// await gives the server, which was told to end now, a second to do so: a
// service that hangs does not keep the process.
func (s *serving) await(drained <-chan error) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
	}
}

// sessions is how many are open.
func (s *serving) sessions() int {
	n := 0
	for _, one := range s.server.Stats() {
		n += one.Open
	}
	return n
}
