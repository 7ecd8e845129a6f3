package wire

import "time"

// A Nak says that a post was not stored.
type Nak struct {
	ID   uint64
	Code string
	Text string // for people

	// Again says that the post may be sent again, under its ID, after Retry, which
	// may be 0 and is in whole milliseconds. Without it the post is refused
	// for good and its ID used up.
	Again bool
	Retry time.Duration
}

// Append appends the NAK line, with its end. A Retry over 0 means Again.
func (n Nak) Append(dst []byte) []byte {
	dst = append(dst, VerbNak...)
	dst = appendNumber(dst, n.ID)
	dst = appendWord(dst, n.Code)
	if n.Again || n.Retry > 0 {
		dst = appendPair(dst, "retry", millis(n.Retry))
	}
	return appendText(dst, n.Text)
}

// ParseNak reads a NAK line. The error is a *[SyntaxError].
func ParseNak(l Line) (Nak, error) {
	if l.Verb != VerbNak {
		return Nak{}, l.fail("", "expected %s", VerbNak)
	}
	if err := l.Need(2, true); err != nil {
		return Nak{}, err
	}
	f := fields{line: l}
	n := Nak{ID: f.number(0), Code: l.Words[1], Retry: f.duration("retry"), Text: l.Text}
	_, n.Again = l.Value("retry")
	if f.err != nil {
		return Nak{}, f.err
	}
	return n, nil
}

// AppendAck appends the ACK line of a post, with its end. It does not allocate
// if dst has room.
func AppendAck(dst []byte, id, seq uint64) []byte {
	dst = append(dst, VerbAck...)
	dst = appendNumber(dst, id)
	return append(appendNumber(dst, seq), '\n')
}

// millis returns d in whole milliseconds, rounded up so that nobody comes too
// early.
func millis(d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	return (uint64(d) + uint64(time.Millisecond) - 1) / uint64(time.Millisecond)
}
