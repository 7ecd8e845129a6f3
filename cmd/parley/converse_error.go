package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// conversationError is a conversation that did not end in order. Its text is
// one line, which says who ended what and how much had gone each way:
//
//	dial tcp://127.0.0.1:7: reset by peer after 5 bytes sent, 3 received
//
// Unwrap gives the cause.
type conversationError struct {
	op     string // dial or listen
	at     endpoint.Endpoint
	peer   string // its address, of a listener's conversation
	what   string // what happened; "" is the text of err
	err    error
	tally  tally
	unsent int // bytes of our input that were read and not sent
}

func (e *conversationError) Error() string {
	text := e.op + " " + printed(e.at).String() + ": "
	if e.peer != "" {
		text += e.peer + ": "
	}
	if text += e.what; e.what == "" {
		text += causeText(e.err)
	}
	text += " after " + e.tally.String()
	if e.unsent > 0 {
		text += "; " + count(int64(e.unsent), "byte") + " of our input not sent"
	}
	return text
}

func (e *conversationError) Unwrap() error { return e.err }

// causeText is what err says without operation and addresses, which the line
// has already.
func causeText(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNRESET), isReset(err):
		return "reset by peer"
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ENOTCONN):
		return "closed by peer"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "cut off by peer"
	}
	return cause(err).Error()
}

// cause strips the layers of err that name operation and address, or file.
func cause(err error) error {
	for {
		switch e := err.(type) {
		case *net.OpError:
			if e.Err == nil {
				return err
			}
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		case *os.PathError:
			err = e.Err
		case *transport.OpError:
			err = e.Err
		default:
			return err
		}
	}
}

// tally is what has gone each way.
type tally struct {
	sent, received flow
	unit           string // datagram, message, or "" on a stream
}

// flow is one direction of a tally.
type flow struct{ bytes, messages int64 }

// String is "5 bytes sent, 3 received", with the messages where there are any.
func (t tally) String() string {
	if t.unit == "" {
		return fmt.Sprintf("%s sent, %d received", count(t.sent.bytes, "byte"), t.received.bytes)
	}
	return fmt.Sprintf("%s (%s) sent, %d (%s) received",
		count(t.sent.messages, t.unit), count(t.sent.bytes, "byte"), t.received.messages, count(t.received.bytes, "byte"))
}

// timerError is a conversation that a timer of the command line ended.
type timerError struct {
	text  string
	limit time.Duration
}

func (e *timerError) Error() string { return fmt.Sprintf(e.text, e.limit) }
func (e *timerError) Unwrap() error { return os.ErrDeadlineExceeded }
func (e *timerError) Timeout() bool { return true }

func idleError(d time.Duration) error  { return &timerError{"nothing sent or received for %v", d} }
func totalError(d time.Duration) error { return &timerError{"ended by --total %v", d} }
