// Package cause tells in a word why an operation on a socket failed, and what the
// system calls it.
package cause

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"parley/transport"
)

// A Cause is why something failed.
type Cause struct {
	// Word is one of refused, reset, timed out, unreachable, denied, no such
	// name, no such socket, in use, no local address, too many files, no memory,
	// closed, tls, too long, canceled, and "failed" for everything else.
	Word string

	// Name and Number are the system's: ECONNREFUSED, 111. "" and 0 where the
	// failure is not the system's, such as a deadline of our own.
	Name   string
	Number int
}

// telling are the words in the order of how much they tell: of an error with
// several causes, such as the addresses of a name that were tried in turn, the
// first counts. One refusal among them is an answer, and a deadline says less than
// what happened before it.
var telling = []string{
	"refused", "reset", "denied", "tls", "in use", "no local address",
	"too many files", "no memory", "too long", "no such socket", "no such name",
	"closed", "timed out", "unreachable", "canceled", "failed",
}

// Of finds the cause of err. Of nil it is the zero Cause.
func Of(err error) Cause {
	if err == nil {
		return Cause{}
	}
	var found []Cause
	walk(err, false, func(c Cause) { found = append(found, c) })
	switch {
	case len(found) == 0 && ofHandshake(err):
		return Cause{Word: "tls"}
	case len(found) == 0:
		return Cause{Word: "failed"}
	}
	return slices.MinFunc(found, func(a, b Cause) int {
		return slices.Index(telling, a.Word) - slices.Index(telling, b.Word)
	})
}

// walk gives each cause in the tree of err to found. file says that err is about
// a file that is no socket.
func walk(err error, file bool, found func(Cause)) {
	if c, ok := here(err, file); ok {
		found(c)
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		_, isPath := err.(*fs.PathError)
		if inner := e.Unwrap(); inner != nil {
			walk(inner, file || isPath, found)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			walk(inner, file, found)
		}
	}
}

// here is the cause that err has by itself, without what it wraps.
func here(err error, file bool) (Cause, bool) {
	switch e := err.(type) {
	case syscall.Errno:
		return ofErrno(e, file), true
	case *net.DNSError:
		return Cause{Word: ofLookup(e)}, true
	}
	switch {
	case wraps(err):
		return Cause{}, false // what it says of itself sums its parts up
	case is(err, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed):
		return Cause{Word: "closed"}, true
	case is(err, context.Canceled):
		return Cause{Word: "canceled"}, true
	case is(err, transport.ErrMessageTooLong):
		return Cause{Word: "too long"}, true
	case timedOut(err):
		return Cause{Word: "timed out"}, true
	}
	return Cause{Word: "tls"}, ofTLS(err)
}

func wraps(err error) bool {
	switch err.(type) {
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		return true
	}
	return false
}

// is reports whether err is one of targets, by itself or by its own word: package
// net has errors that only say that they are context's.
func is(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// ofErrno names an error of the system. That a file is missing says nothing about
// a socket.
func ofErrno(e syscall.Errno, file bool) Cause {
	word := wordOf(e)
	if word == "" || file && word == "no such socket" {
		word = "failed"
	}
	return Cause{Word: word, Name: nameOf(e), Number: int(e)}
}

func ofLookup(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return "no such name"
	case e.IsTimeout:
		return "timed out"
	}
	return "failed"
}

func timedOut(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// ofTLS reports whether err is of a type of crypto/tls or crypto/x509. The type of
// an alert is not exported, and does not match tls.AlertError.
func ofTLS(err error) bool {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	pkg := t.PkgPath()
	return pkg == "crypto/tls" || strings.HasPrefix(pkg, "crypto/x509")
}

// ofHandshake reports whether err is of a TLS handshake. Much of what package tls
// refuses has no type of its own; but what failed there, and has no other cause,
// is TLS.
func ofHandshake(err error) bool {
	var op *transport.OpError
	return errors.As(err, &op) && op.Op == "handshake" && (op.Endpoint.Scheme == "tls" || op.Endpoint.Scheme == "wss")
}
