//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// watchSizes calls resized when the terminal changes its size, until stop.
func watchSizes(resized func()) (stop func()) {
	changes := make(chan os.Signal, 1)
	quit, ended := make(chan struct{}), make(chan struct{})
	signal.Notify(changes, syscall.SIGWINCH)
	go followSizes(changes, quit, ended, resized) // ends with quit
	return func() {
		signal.Stop(changes)
		close(quit)
		<-ended
	}
}

func followSizes(changes <-chan os.Signal, quit <-chan struct{}, ended chan<- struct{}, resized func()) {
	defer close(ended)
	for {
		select {
		case <-changes:
			resized()
		case <-quit:
			return
		}
	}
}
