package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"parley/transport"
)

// Exit statuses.
const (
	statusOK     = 0
	statusFailed = 1   // network failure or negative answer
	statusUsage  = 2   // and stdin or stdout that fails
	statusSignal = 128 // and the number of the signal
	statusPipe   = 141 // stdout was closed: 128 and SIGPIPE
)

// usageError is a mistake of the command line. usage is printed after it when it
// is not empty.
type usageError struct {
	err   error
	usage string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitError ends the program with a status of its own. A nil err is said
// nothing of.
type exitError struct {
	status int
	err    error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

// signalError is the end of a verb by a signal. Nothing is said of it.
func signalError(sig os.Signal) error {
	n, ok := sig.(syscall.Signal)
	if !ok {
		return exitError{status: statusFailed}
	}
	return exitError{status: statusSignal + int(n)}
}

// statusOf is the exit status for what a verb returned.
func statusOf(err error) int {
	var exit exitError
	var usage usageError
	var output *outputError
	var option *transport.OptionError // found by dialling, before anything is sent
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &exit):
		return exit.status
	case errors.As(err, &usage), errors.As(err, &output), errors.As(err, &option):
		return statusUsage
	case errors.Is(err, errStdoutClosed):
		return statusPipe
	}
	return statusFailed
}
