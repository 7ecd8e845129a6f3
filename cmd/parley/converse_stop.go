package main

import (
	"context"
	"os"
	"sync"
)

// A stopper tells a verb when it is to end: in order at the first signal, at
// once at the second or when nobody reads its output any more.
type stopper struct {
	first chan struct{} // closed when it is to end
	now   chan struct{} // closed, after first, when it is to end at once
	err   error         // why; read after first

	keys  chan os.Signal // what a terminal in raw mode does not turn into signals
	gone  chan struct{}  // closed when stdout is
	once  sync.Once      // closes gone
	quit  chan struct{}
	ended chan struct{}
}

// newStopper begins to watch for signals. The ctx it returns ends with the first
// of them. close ends the watch.
func newStopper(ctx context.Context, signals <-chan os.Signal) (*stopper, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stopper{
		first: make(chan struct{}), now: make(chan struct{}),
		keys: make(chan os.Signal), gone: make(chan struct{}),
		quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go s.watch(ctx, cancel, signals) // ends with close
	return s, ctx
}

func (s *stopper) watch(ctx context.Context, cancel func(), signals <-chan os.Signal) {
	defer close(s.ended)
	defer cancel()
	if !s.await(ctx.Done(), signals) {
		return
	}
	close(s.first)
	cancel()
	if s.err != errStdoutClosed && !s.await(nil, signals) {
		return
	}
	close(s.now)
	<-s.quit
}

// await waits for a reason to end. It reports false when the watch is to end.
func (s *stopper) await(done <-chan struct{}, signals <-chan os.Signal) bool {
	var err error
	select {
	case sig := <-signals:
		err = signalError(sig)
	case sig := <-s.keys:
		err = signalError(sig)
	case <-s.gone:
		err = errStdoutClosed
	case <-done:
		err = exitError{status: statusFailed}
	case <-s.quit:
		return false
	}
	if s.err == nil {
		s.err = err // of the first; nobody writes it after first is closed
	}
	return true
}

// interrupt is what a SIGINT does.
func (s *stopper) interrupt() {
	select {
	case s.keys <- os.Interrupt:
	case <-s.ended:
	}
}

// outputGone says that nobody reads stdout any more.
func (s *stopper) outputGone() { s.once.Do(func() { close(s.gone) }) }

func (s *stopper) close() {
	close(s.quit)
	<-s.ended
}

// stopped reports whether the verb is to end.
func (s *stopper) stopped() bool {
	select {
	case <-s.first:
		return true
	default:
		return false
	}
}
