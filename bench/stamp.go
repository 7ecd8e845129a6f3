package bench

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Stamp is the exchange of service stamp: the answer is the message after the
// server's time, "[Fri Nov 20 20:14:03 2026] DATA". What time it is does not matter,
// but it has to be one.
func Stamp(c Content) (Exchange, error) {
	m, err := newContent(c, usualSize)
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return &stamp{content: m, clock: clock{layout: time.ANSIC}}, nil
}

type stamp struct {
	*content
	clock clock
}

// The answer is "[" TIME "] " DATA.
const (
	stampFrom = len("[")
	stampTo   = stampFrom + len(time.ANSIC)
	stampSize = stampTo + len("] ")
)

func (s *stamp) Append(dst []byte, session int, seq uint64) []byte {
	return s.appendTo(dst, session, seq)
}
func (s *stamp) Size(seq uint64) int       { return s.sizeOf(seq) }
func (s *stamp) AnswerSize(seq uint64) int { return stampSize + s.sizeOf(seq) }
func (s *stamp) Check(answer []byte, session int, seq uint64) error {
	if len(answer) < stampSize || answer[0] != '[' || string(answer[stampTo:stampSize]) != "] " {
		return fmt.Errorf("it begins with %s, want %q", quoted(answer), "["+time.ANSIC+"] ")
	}
	if err := s.clock.check(answer[stampFrom:stampTo]); err != nil {
		return err
	}
	if err := s.check(answer[stampSize:], session, seq); err != nil {
		return fmt.Errorf("after the time: %w", err)
	}
	return nil
}
func (s *stamp) Number(answer []byte, _ int, newest uint64) (uint64, bool) {
	return s.number(answer[min(stampSize, len(answer)):], newest)
}
func (s *stamp) String() string { return "stamp" }

// A clock checks that a text is a time in a layout. It is safe for concurrent
// use.
type clock struct {
	layout string
	last   atomic.Pointer[string] // the last right text: answers of one second are alike
}

func (c *clock) check(text []byte) error {
	if last := c.last.Load(); last != nil && string(text) == *last {
		return nil
	}
	s := string(text)
	if t, err := time.Parse(c.layout, s); err != nil || t.Format(c.layout) != s {
		return fmt.Errorf("its time is %s, want one like %q", quoted(text), c.layout)
	}
	c.last.Store(&s)
	return nil
}
