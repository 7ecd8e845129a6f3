package bench

import (
	"errors"
	"fmt"
)

// A session is the pure half of one session. It has one owner at a time: the
// driver that moves its bytes. Times are nanoseconds since the run began.
//
// A driver calls due for each message that is to be sent; next and sent until
// nothing is to be sent or the transport takes no more; received with what
// arrived; expire now and then; and end once.
type session interface {
	// due adds a message that was intended for the moment at.
	due(at int64)

	// next appends to dst what is to be sent now, and returns it: on a stream
	// messages, the rest of a half-sent one first, until dst holds at least room
	// bytes or nothing is due; else one message. Of a message that is longer than
	// room it may be a part. more is whether there is anything; a datagram may be
	// empty. Until sent is called next gives the same again.
	next(dst []byte, room int) (b []byte, more bool)

	// sent says that the transport took the first n bytes of what next gave;
	// for a message transport that it took the message, whatever n is. It is
	// called before an answer to them is given to received: one that is complete
	// before its message was sent in full is wrong.
	sent(n int, now int64)

	// received takes what arrived: on a stream some bytes, which are the
	// caller's again when it returns; else one message. answered is how many
	// messages are over by it, in a closed loop how many may follow. An error
	// ends the session.
	received(data []byte, now int64) (answered int, err error)

	// expire gives up messages that have waited for longer than the timeout. On
	// datagrams they are lost, and over. Where answers come in order the error ends
	// the session when messages are under way and none was answered for that long;
	// also when there is a message that cannot be sent.
	expire(now int64) (over int, err error)

	// pending is how many messages are due but not sent in full, and how many
	// are sent but not over.
	pending() (unsent, unanswered int)

	// end says that the session has ended, because of err or, where it is nil,
	// because the run is over. What is unanswered, and err, are counted.
	end(err error, now int64)
}

// A batcher is a session whose messages can be sent several at a time. All sessions on
// message transports are.
type batcher interface {
	// ahead is next for the message that is k places after the next one. sent is
	// then called for each message that the transport took, from the first.
	ahead(dst []byte, k int) (b []byte, more bool)
}

// The errors of a session besides those of its transport. They are wrapped with
// the details.
var (
	// ErrWrongAnswer is of an answer that is not what its message asks for, or
	// that came before it, or to none.
	ErrWrongAnswer = errors.New("wrong answer")

	// ErrUnanswered is of a session that answered nothing for the timeout of the load.
	ErrUnanswered = errors.New("unanswered")

	errBacklog    = errors.New("too many messages are due and not answered")
	errUnsendable = errors.New("message cannot be sent")
)

// wrongAnswer is the error of an answer to message seq.
func wrongAnswer(id int, seq uint64, err error) error {
	return fmt.Errorf("%w to message %d of session %d: %w", ErrWrongAnswer, seq, id, err)
}

// overflow counts a message that was intended for the moment at and for which there
// is no room.
func (w *worker) overflow(id int, at int64) {
	if w.plan.measured(at) {
		w.tally.unsent++
		w.tally.fail(kindOf(errBacklog), fmt.Errorf("session %d: %w: %d", id, errBacklog, w.plan.backlog()))
	}
}
