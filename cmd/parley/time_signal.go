package main

import (
	"context"
	"os"
)

// A signalWatch ends a context with the first signal.
type signalWatch struct {
	cancel     context.CancelFunc
	quit, done chan struct{}
	err        error // set before done is closed
}

// run is a goroutine; it ends with a signal, or with quit.
func (w *signalWatch) run(signals <-chan os.Signal) {
	defer w.cancel() // when err can be seen
	defer close(w.done)
	select {
	case sig := <-signals:
		w.err = signalError(sig)
	case <-w.quit:
	}
}

// signalled is the error of the signal that came, or nil.
func (w *signalWatch) signalled() error {
	select {
	case <-w.done:
		return w.err
	default:
		return nil
	}
}

// stop ends the watch.
func (w *signalWatch) stop() {
	close(w.quit)
	<-w.done
}
