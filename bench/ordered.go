package bench

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// An ordered keeps the books of a session whose answers come in the order of its
// messages, and all of them. Messages count from 0:
//
//	0 ...  oldest  ...  toSend  ...  dueEnd
//	 over  | under way  |    due    |
type ordered struct {
	w  *worker
	x  Exchange
	id int

	intended     ring[int64] // moments, of the messages from oldest to dueEnd
	oldest       uint64      // first that is not over
	toSend       uint64      // first that was not sent in full
	waitingSince int64       // when the oldest became the one that is awaited
	wrong        bool        // the oldest was answered, wrongly
	err          error       // why no more can be sent or received
}

func newOrdered(w *worker, id int) ordered {
	return ordered{w: w, x: w.plan.load.Exchange, id: id}
}

func (o *ordered) due(at int64) {
	if o.intended.len() == 0 {
		o.waitingSince = math.MaxInt64 // until something of it is sent
	}
	if !o.intended.push(at, o.w.plan.backlog()) {
		o.w.overflow(o.id, at)
	}
}

// dueEnd is the number after that of the last message that is due.
func (o *ordered) dueEnd() uint64 { return o.oldest + uint64(o.intended.len()) }

// moved notes n bytes that were sent.
func (o *ordered) moved(n int, now int64) {
	if o.oldest == o.toSend {
		o.waitingSince = now
	}
	if o.w.plan.measured(now) {
		o.w.tally.bytesOut += int64(n)
	}
}

// sentUpTo notes that the messages before end have been sent in full.
func (o *ordered) sentUpTo(end uint64, now int64) {
	if o.w.plan.measured(now) {
		o.w.tally.sent += int64(end - o.toSend)
	}
	for ; o.toSend < end; o.toSend++ {
		if o.w.plan.measured(*o.intended.at(int(o.toSend - o.oldest))) {
			o.w.tally.offered++
		}
	}
}

// arrived notes n bytes that were received.
func (o *ordered) arrived(n int, now int64) {
	if o.w.plan.measured(now) {
		o.w.tally.bytesIn += int64(n)
	}
}

// answer takes the answer to the oldest message.
func (o *ordered) answer(answer []byte, now int64) error {
	seq := o.oldest
	if seq >= o.toSend {
		return o.early(len(answer))
	}
	if err := o.x.Check(answer, o.id, seq); err != nil {
		o.err, o.wrong = wrongAnswer(o.id, seq, err), true
		return o.err
	}
	at := *o.intended.at(0)
	o.intended.drop()
	o.oldest++
	o.waitingSince = now
	o.w.tally.answeredAt(o.w.plan, at, now)
	return nil
}

// early is the error of n bytes that answer nothing that was sent in full.
func (o *ordered) early(n int) error {
	if o.oldest == o.dueEnd() {
		o.err = fmt.Errorf("%w in session %d: %d bytes more than what its %d messages ask for", ErrWrongAnswer, o.id, n, o.oldest)
	} else {
		o.err = wrongAnswer(o.id, o.oldest, fmt.Errorf("%d bytes came before it was sent in full", n))
	}
	return o.err
}

// unsendable makes err what ends the session.
func (o *ordered) unsendable(seq uint64, err error) {
	o.err = fmt.Errorf("%w: number %d of session %d: %w", errUnsendable, seq, o.id, err)
}

var errEmpty = errors.New("it is empty, which is nothing on a stream")

func (o *ordered) expire(now int64) (int, error) {
	if o.err == nil && o.intended.len() > 0 && now-o.waitingSince > o.w.plan.timeout {
		o.err = fmt.Errorf("%w for %v: %d messages of session %d wait", ErrUnanswered,
			time.Duration(o.w.plan.timeout), o.intended.len(), o.id)
	}
	return 0, o.err
}

func (o *ordered) pending() (unsent, unanswered int) {
	return int(o.dueEnd() - o.toSend), int(o.toSend - o.oldest)
}

func (o *ordered) end(err error, now int64) {
	p, t := o.w.plan, o.w.tally
	for i := range o.intended.len() {
		switch {
		case !p.measured(*o.intended.at(i)), i == 0 && o.wrong:
		case o.oldest+uint64(i) < o.toSend:
			t.unanswered++
		default:
			t.unsent++
		}
	}
	o.intended = ring[int64]{}
	if err != nil {
		t.fail(kindOf(err), err)
	}
}
