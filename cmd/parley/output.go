package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// errStdoutClosed is the end of a verb because nobody reads its output.
var errStdoutClosed = errors.New("standard output was closed")

// outputError is a failure of writing stdout.
type outputError struct{ err error }

func (e *outputError) Error() string { return fmt.Sprintf("write standard output: %v", cause(e.err)) }
func (e *outputError) Unwrap() error { return e.err }

// stdoutError makes of the error of a write to stdout what a verb returns.
func stdoutError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return errStdoutClosed
	}
	return &outputError{err}
}

// writeOutput writes to stdout. That nobody reads it is errStdoutClosed.
func writeOutput(w io.Writer, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := w.Write(b)
	return stdoutError(err)
}

// writeJSON writes v to stdout as a line.
func writeJSON(e *env, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeOutput(e.stdout, append(line, '\n'))
}
