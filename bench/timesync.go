package bench

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Timesync is the exchange of service timesync, whose message is a strftime
// format and whose answer is the time in it:
//
//	AAAAAAAA %Y-%m-%d %H:%M:%S
//	AAAAAAAA 2026-11-20 20:14:03
//
// The first word is the message's number. What follows the time, up to the size, is
// random characters. What time it is does not matter, but it has to be one.
func Timesync(c Content) (Exchange, error) {
	if len(c.Messages) > 0 {
		return nil, errors.New("timesync: messages cannot be given: how the answer to a format looks would not be known")
	}
	t := &timesync{format: timesyncFormat, clock: clock{layout: time.DateTime}}
	if c.Size > timesyncFree {
		t.format, t.after = timesyncFormat+"%%%%", "%%"
	}
	least := mostDigit + len(t.format)
	if c.Lines {
		least++
	}
	if c.Size == 0 {
		c.Size = least
	}
	if err := checkSize(c.Size, least); err != nil {
		return nil, fmt.Errorf("timesync: %w", err)
	}
	c.Size -= len(t.format)
	var err error
	if t.around, err = newContent(c, 0); err != nil {
		return nil, fmt.Errorf("timesync: %w", err)
	}
	return t, nil
}

const timesyncFormat = " %Y-%m-%d %H:%M:%S"

// timesyncFree is the largest message whose answer may be longer than it: over UDP the
// service answers at most 256 bytes, or as many as it was asked with. The
// format of longer ones becomes shorter by "%%%%" as much as it becomes longer by the
// time.
const timesyncFree = 254

type timesync struct {
	around *content // a message without its format, which is behind the number
	format string
	after  string // the time in the answer
	clock  clock
}

// The answer is NUMBER " " TIME AFTER REST.
const (
	timesyncFrom = mostDigit + len(" ")
	timesyncTo   = timesyncFrom + len(time.DateTime)
)

func (t *timesync) Append(dst []byte, session int, seq uint64) []byte {
	dst = t.around.appendPart(dst, session, seq, 0, mostDigit)
	dst = append(dst, t.format...)
	return t.around.appendPart(dst, session, seq, mostDigit, t.around.size-mostDigit)
}

func (t *timesync) Size(uint64) int { return t.around.size + len(t.format) }

func (t *timesync) AnswerSize(uint64) int {
	return t.around.size + timesyncTo - mostDigit + len(t.after)
}

func (t *timesync) Check(answer []byte, session int, seq uint64) error {
	rest, ok := []byte(nil), false
	if len(answer) >= timesyncTo && answer[mostDigit] == ' ' && t.around.hasNumber(answer, seq) {
		rest, ok = bytes.CutPrefix(answer[timesyncTo:], []byte(t.after))
	}
	if !ok || !t.around.hasRest(rest, session, seq) {
		return fmt.Errorf("to %s it is %s, want the message with the time in it",
			quoted(t.Append(nil, session, seq)), quoted(answer))
	}
	return t.clock.check(answer[timesyncFrom:timesyncTo])
}

func (t *timesync) Number(answer []byte, _ int, newest uint64) (uint64, bool) {
	return t.around.number(answer, newest)
}

func (t *timesync) String() string { return "timesync" }
