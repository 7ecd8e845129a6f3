package bench

import "fmt"

// usualSize is the size of the messages of a service that takes any, in bytes.
const usualSize = 64

// Echo is the exchange of service echo (RFC 862): the answer is the message, byte
// for byte.
func Echo(c Content) (Exchange, error) {
	m, err := newContent(c, usualSize)
	if err != nil {
		return nil, fmt.Errorf("echo: %w", err)
	}
	return echo{m}, nil
}

type echo struct{ *content }

func (e echo) Append(dst []byte, session int, seq uint64) []byte {
	return e.appendTo(dst, session, seq)
}
func (e echo) Size(seq uint64) int       { return e.sizeOf(seq) }
func (e echo) AnswerSize(seq uint64) int { return e.sizeOf(seq) }
func (e echo) Check(answer []byte, session int, seq uint64) error {
	return e.check(answer, session, seq)
}
func (e echo) Number(answer []byte, _ int, newest uint64) (uint64, bool) {
	return e.number(answer, newest)
}
func (e echo) String() string { return "echo" }
