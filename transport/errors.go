package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"parley/endpoint"
)

// ErrMessageTooLong is matched by the error of a read whose message did not fit
// the limit or the buffer.
var ErrMessageTooLong = errors.New("message too long")

// OpError is the error of this package's functions. Its text is one line,
// "dial tcp://127.0.0.1:1: connect: connection refused"; the endpoint is
// printed without its options. Unwrap gives the cause, so that errors.Is finds
// syscall.ECONNREFUSED and the like; the cause holds no *net.OpError, whose text
// would say operation and address again.
type OpError struct {
	Op       string // listen, dial, accept or handshake
	Endpoint endpoint.Endpoint
	Err      error
}

// Error is "op endpoint: cause", the endpoint without its options.
func (e *OpError) Error() string {
	return e.Op + " " + e.Endpoint.Bare().String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the operation ran out of time.
func (e *OpError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// opError wraps err unless it is nil or is an *OpError already.
func opError(op string, e endpoint.Endpoint, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*OpError); ok {
		return err
	}
	return &OpError{Op: op, Endpoint: e, Err: cause(err)}
}

// cause strips the layers of err that repeat operation and address.
func cause(err error) error {
	for {
		op, ok := err.(*net.OpError)
		if !ok || op.Err == nil {
			return err
		}
		err = op.Err
	}
}

// briefly is cause without the name of the system call, for the lines that
// give an address and what happened to it.
func briefly(err error) error {
	err = cause(err)
	if sys, ok := err.(*os.SyscallError); ok {
		return sys.Err
	}
	return err
}

// explained is err with a text that says what to do about it.
type explained struct {
	err  error
	text string
}

func explain(err error, format string, args ...any) error {
	return &explained{err: err, text: fmt.Sprintf(format, args...)}
}

func (e *explained) Error() string { return cause(e.err).Error() + ": " + e.text }
func (e *explained) Unwrap() error { return cause(e.err) }

// attempt is one address that a dial tried.
type attempt struct {
	addr string
	err  error
}

// attemptsError is the failure of every address of a name, in the order tried.
type attemptsError []attempt

func (e attemptsError) Error() string {
	texts := make([]string, len(e))
	for i, a := range e {
		texts[i] = a.addr + ": " + briefly(a.err).Error()
	}
	return strings.Join(texts, "; ")
}

func (e attemptsError) Unwrap() []error {
	errs := make([]error, len(e))
	for i, a := range e {
		errs[i] = cause(a.err)
	}
	return errs
}

// Timeout reports whether no address answered in time. One refusal among them
// is an answer.
func (e attemptsError) Timeout() bool {
	for _, a := range e {
		var t interface{ Timeout() bool }
		if !errors.As(a.err, &t) || !t.Timeout() {
			return false
		}
	}
	return len(e) > 0
}

// connectTimeout is the end of the option connect=. It matches
// os.ErrDeadlineExceeded.
type connectTimeout struct {
	limit time.Duration
	err   error
}

func (e *connectTimeout) Error() string {
	return fmt.Sprintf("gave up after connect=%v: %v", e.limit, cause(e.err))
}

func (e *connectTimeout) Unwrap() []error {
	return []error{os.ErrDeadlineExceeded, cause(e.err)}
}

func (e *connectTimeout) Timeout() bool { return true }
