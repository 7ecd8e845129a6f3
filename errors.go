package parley

import (
	"errors"
	"os"

	"parley/transport"
)

// OpError is the error of an operation on an endpoint: "dial
// tcp://127.0.0.1:1: connect: connection refused". It unwraps to the cause, so
// errors.Is(err, syscall.ECONNREFUSED) holds where the system refused.
type OpError = transport.OpError

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("parley: server closed")

// ErrBacklogged is returned by Send when the peer does not take what was sent
// before: more than [Limits.Pending] bytes wait. The message was not queued. A
// broadcaster can skip the session, count it, or end it.
var ErrBacklogged = errors.New("output pending over the limit")

// ErrUnframeable is returned by Send for a message that the framing cannot carry.
var ErrUnframeable = errors.New("message does not fit the framing")

// ErrMessageTooLong ends a session whose peer sent a message longer than
// [Limits.Message].
var ErrMessageTooLong = transport.ErrMessageTooLong

// The limits that end a session, as [Closer] and [Event] get them. Those that
// are timers match [os.ErrDeadlineExceeded].
var (
	ErrIdle      error = &limitError{"idle", "nothing sent or received for the idle time", os.ErrDeadlineExceeded}
	ErrTotal     error = &limitError{"total", "the session reached its total time", os.ErrDeadlineExceeded}
	ErrHandshake error = &limitError{"handshake", "the handshake took too long", os.ErrDeadlineExceeded}
	ErrStalled   error = &limitError{"stall", "the peer takes no output", os.ErrDeadlineExceeded}
	ErrLinger    error = &limitError{"linger", "the peer did not end after we did", os.ErrDeadlineExceeded}
)

// The limits that refuse a session or a datagram, as reject events carry them.
var (
	ErrSessions   error = &limitError{"sessions", "as many sessions as allowed", nil}
	ErrPerAddress error = &limitError{"peraddr", "as many sessions from this address as allowed", nil}
	ErrDenied     error = &limitError{"denied", "address not allowed", nil}
	ErrLoop       error = &limitError{"loop", "datagram from the port of a service that would answer the answer", nil}
	ErrAnswerCap  error = &limitError{"answer", "answers longer than the datagram they answer allows", nil}
)

// errBadHandshake refuses a session whose handshake failed.
var errBadHandshake error = &limitError{"handshake", "the handshake failed", nil}

// errDrained ends a session that was waiting when the server was shut down.
var errDrained error = &limitError{"drain", "the server is draining", nil}

// A limitError has a fixed first word, by which it is counted.
type limitError struct {
	name, text string
	is         error
}

func (e *limitError) Error() string { return e.text }
func (e *limitError) Unwrap() error { return e.is }

// Reason is the word under which the end of a session with err is counted and
// logged: "done" for nil, the name of a limit, "too-long" or "error".
func Reason(err error) string {
	var limit *limitError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &limit):
		return limit.name
	case errors.Is(err, ErrMessageTooLong):
		return "too-long"
	case errors.Is(err, ErrBacklogged):
		return "pending"
	}
	return "error"
}
