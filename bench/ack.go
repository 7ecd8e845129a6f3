package bench

import (
	"bytes"
	"fmt"
)

// usualReply is what service ack answers unless it is told otherwise.
const usualReply = "tcpServer has received your message"

// Ack is the exchange of service ack: to every message the answer is the same
// reply.
func Ack(c Content) (Exchange, error) { return newAck(c, usualReply) }

func newAck(c Content, reply string) (Exchange, error) {
	m, err := newContent(c, usualSize)
	if err != nil {
		return nil, fmt.Errorf("ack: %w", err)
	}
	return ack{m, []byte(reply)}, nil
}

type ack struct {
	*content
	reply []byte
}

func (a ack) Append(dst []byte, session int, seq uint64) []byte {
	return a.appendTo(dst, session, seq)
}
func (a ack) Size(seq uint64) int   { return a.sizeOf(seq) }
func (a ack) AnswerSize(uint64) int { return len(a.reply) }
func (a ack) Check(answer []byte, _ int, _ uint64) error {
	if bytes.Equal(answer, a.reply) {
		return nil
	}
	return differ(answer, a.reply)
}

// Number: the reply does not tell.
func (a ack) Number([]byte, int, uint64) (uint64, bool) { return 0, false }
func (a ack) String() string                            { return "ack" }
