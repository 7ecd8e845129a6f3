package query

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// ErrAnswer is matched by the error of an answer that is none.
var ErrAnswer = errors.New("not an answer")

// An answerError says what is wrong with an answer.
type answerError struct{ text string }

func (e *answerError) Error() string        { return e.text }
func (e *answerError) Is(target error) bool { return target == ErrAnswer }

// An exchange is a question and its answer.
type exchange struct {
	question string // is sent; on a stream "" is nothing
	line     bool   // a line is the answer on a stream, which else the server ends
	most     int    // bytes of the answer
}

// A said is an answer, and when it was asked for and came, by this machine's clock.
type said struct {
	answer   []byte
	from, at time.Time
}

// have has the exchange at e.
func (x exchange) have(ctx context.Context, e endpoint.Endpoint) (said, error) {
	began := time.Now()
	conn, err := transport.Dial(ctx, e)
	if err != nil {
		return said{}, timedOut(ctx, e, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := said{from: time.Now()}
	if x.question == "" && !e.KeepsMessages() {
		s.from = began // a server that speaks first may have looked at its clock while we connected
	}
	if x.question != "" || e.KeepsMessages() {
		if _, err := conn.Write([]byte(x.question)); err != nil {
			return s, timedOut(ctx, e, err)
		}
	}
	s.answer, s.at, err = x.read(conn, e.KeepsMessages())
	if err != nil {
		return s, timedOut(ctx, e, err)
	}
	return s, nil
}

// read reads the answer; at is when its first byte came.
func (x exchange) read(conn net.Conn, whole bool) (answer []byte, at time.Time, err error) {
	buf := make([]byte, x.most)
	for n := 0; ; {
		more, err := conn.Read(buf[n:])
		if n == 0 {
			at = time.Now()
		}
		n += more
		switch {
		case whole && err == nil, x.line && isLine(buf[:n]), n == len(buf):
			return buf[:n], at, nil
		case errors.Is(err, io.EOF) && n > 0:
			return buf[:n], at, nil
		case errors.Is(err, io.EOF):
			return nil, at, &answerError{"the server ended without an answer"}
		case err != nil:
			return nil, at, err
		}
	}
}

// isLine reports whether b is a line that says something.
func isLine(b []byte) bool {
	return bytes.HasSuffix(b, []byte("\n")) && len(bytes.TrimSpace(b)) > 0
}

// timedOut is err as an error of the operation, with the end of ctx in words.
func timedOut(ctx context.Context, e endpoint.Endpoint, err error) error {
	var op *transport.OpError
	var network *net.OpError
	switch {
	case ctx.Err() == context.DeadlineExceeded, errors.Is(err, os.ErrDeadlineExceeded):
		err = errNoAnswer
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &op):
		return err
	case errors.As(err, &network):
		err = network.Err
	}
	return &transport.OpError{Op: "ask", Endpoint: e, Err: err}
}

// errNoAnswer matches os.ErrDeadlineExceeded.
var errNoAnswer = &noAnswerError{}

type noAnswerError struct{}

func (*noAnswerError) Error() string        { return "no answer" }
func (*noAnswerError) Timeout() bool        { return true }
func (*noAnswerError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// bad is an answer of t that is none.
func bad(t endpoint.Target, text string) error {
	return &transport.OpError{Op: "ask", Endpoint: t.Endpoint, Err: &answerError{text}}
}

// reading is what s says if the server's clock showed a time from low to low+resolution
// when it answered.
func (s said) reading(low time.Time, resolution time.Duration) Reading {
	r := Reading{At: s.at.Round(0), Delay: s.at.Sub(s.from), Timed: true}
	middle := s.from.Round(0).Add(r.Delay / 2)
	r.Offset = low.Sub(middle) + resolution/2
	r.Error = resolution/2 + r.Delay/2
	return r
}

// untimed is s without a time.
func (s said) untimed() Reading {
	return Reading{At: s.at.Round(0), Delay: s.at.Sub(s.from)}
}
