// Command parley serves and dials every conversation that two programs can have
// over a socket. See parley --help.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// env is the process as the verbs see it, so that tests can be one.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	signals        <-chan os.Signal // SIGINT, SIGTERM and, where there is one, SIGHUP; a second one within a verb means now
}

// run is the whole program: it returns the exit status. ctx is the base of
// everything that is done; main's never ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Without this a write to a closed stdout kills the process in place of
	// giving EPIPE, and nothing could be closed in order.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, signalsToCatch()...)
	defer signal.Stop(signals)
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, signals: signals}
	return e.run(ctx, args)
}

// signalsToCatch leaves a SIGHUP alone that nohup(1) has switched off.
func signalsToCatch() []os.Signal {
	catch := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		catch = append(catch, syscall.SIGHUP)
	}
	return catch
}

// run runs one command line.
func (e *env) run(ctx context.Context, args []string) int {
	root := newRoot(e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	e.report(err)
	return statusOf(err)
}
