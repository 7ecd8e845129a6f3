package main

import (
	"errors"
	"fmt"
	"strings"
)

// The lines on stderr. Each begins with the name of the program and says what
// kind of line it is.

func (e *env) error(err error)                 { e.say("error", err.Error()) }
func (e *env) warn(format string, args ...any) { e.say("warning", fmt.Sprintf(format, args...)) }
func (e *env) note(format string, args ...any) { e.say("note", fmt.Sprintf(format, args...)) }
func (e *env) hint(text string)                { e.say("hint", text) }

// say writes one line with one write, whatever text holds.
func (e *env) say(kind, text string) {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", " ")
	fmt.Fprintf(e.stderr, "parley: %s: %s\n", kind, text)
}

// report says why a verb ended: a line for each of joined errors, then the
// usage line of a usage error, then hints.
func (e *env) report(err error) {
	var exit exitError
	if err == nil || errors.Is(err, errStdoutClosed) || errors.As(err, &exit) && exit.err == nil {
		return
	}
	for _, one := range parts(err) {
		e.error(one)
	}
	var usage usageError
	if errors.As(err, &usage) && usage.usage != "" {
		fmt.Fprintf(e.stderr, "usage: %s\n", usage.usage)
	}
	for _, hint := range hintsFor(err) {
		e.hint(hint)
	}
}

// parts are the errors that were joined, at the outside, into err.
func parts(err error) []error {
	switch e := err.(type) {
	case exitError:
		return parts(e.err)
	case usageError:
		return parts(e.err)
	case interface{ Unwrap() []error }:
		if isJoined(err) {
			return e.Unwrap()
		}
	}
	return []error{err}
}

// isJoined reports whether err is of errors.Join: its text is that of its
// parts, a line each.
func isJoined(err error) bool {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return false
	}
	var texts []string
	for _, one := range many.Unwrap() {
		texts = append(texts, one.Error())
	}
	return err.Error() == strings.Join(texts, "\n")
}

// plain writes one line on stderr that programs read too.
func (e *env) plain(format string, args ...any) {
	fmt.Fprintf(e.stderr, format+"\n", args...)
}
