package bench

import (
	"errors"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"parley/internal/cause"
)

// A tally is what one worker counted in one interval. Its worker alone touches it,
// until it is given to the run.
//
// Counts are of the time that is measured: a message belongs to it by the moment
// it was intended for (latency, lost ...), what came and went by when it did
// (answered, bytes, sent).
type tally struct {
	latency *hdrhistogram.Histogram // nanoseconds from the intended moment to the answer

	sent, answered    int64 // messages
	bytesOut, bytesIn int64 // payload, frames included

	// Datagrams only.
	lost       int64 // not answered in time, and not later
	late       int64 // answered after the timeout
	duplicated int64 // answers to what had been answered
	reordered  int64 // answers overtaken by that to a later message
	stray      int64 // answers to nothing that was sent

	stall time.Duration // the longest wait of a message of the warm-up for an answer that came after the measuring

	offered    int64 // intended in the time that is measured, and sent, be it later: latencies, lost, unanswered and wrong ones together
	guessed    int64 // answers that may be another message's
	unanswered int64 // sent, and the session ended before the answer, on datagrams also before the timeout
	unsent     int64 // due, and never sent

	opened, failed, reopened int64             // sessions
	errors                   map[string]int64  // by kind, see kindOf
	firstErrors              map[string]string // the text of the first of each kind

	// The generator's own doing.
	missed    int64         // messages of the schedule that were due more than missedBy before the worker looked
	worstMiss time.Duration // of them
	idle      time.Duration // spent waiting, of elapsed
	elapsed   time.Duration
	refused   int64 // datagrams that this machine's own sending side refused or dropped (ENOBUFS)
}

// missedBy is how late a message has to be for its schedule to have been missed.
const missedBy = time.Millisecond

// latencies beyond these, in nanoseconds, are counted as these.
const (
	leastLatency = 1
	mostLatency  = int64(time.Hour)
)

// newTally makes an empty one.
func newTally() *tally {
	return &tally{
		latency:     hdrhistogram.New(leastLatency, mostLatency, 3),
		errors:      make(map[string]int64),
		firstErrors: make(map[string]string),
	}
}

// reset makes t empty again.
func (t *tally) reset() {
	latency, errors, firstErrors := t.latency, t.errors, t.firstErrors
	latency.Reset()
	clear(errors)
	clear(firstErrors)
	*t = tally{latency: latency, errors: errors, firstErrors: firstErrors}
}

// answeredAt counts the answer, in its time, to a message.
func (t *tally) answeredAt(p *plan, intended, now int64) {
	if p.measured(now) {
		t.answered++
	}
	t.record(p, intended, now)
}

// record counts the latency of an answer, whether in its time or late.
func (t *tally) record(p *plan, intended, now int64) {
	if intended < p.from && p.until != 0 && now >= p.until {
		t.stall = max(t.stall, time.Duration(now-intended))
	}
	if p.measured(intended) {
		t.latency.RecordValue(min(max(now-intended, leastLatency), mostLatency)) // no error: it is in range
	}
}

// fail counts an error.
func (t *tally) fail(kind string, err error) {
	t.errors[kind]++
	if _, ok := t.firstErrors[kind]; !ok {
		t.firstErrors[kind] = err.Error()
	}
}

// kindOf is what errors like err are counted as: a word of package cause or, where
// it is not an operation on a socket that failed, what the session found.
func kindOf(err error) string {
	switch {
	case errors.Is(err, ErrWrongAnswer):
		return "wrong answer"
	case errors.Is(err, ErrUnanswered):
		return "unanswered"
	case errors.Is(err, errBacklog):
		return "backlog"
	case errors.Is(err, errUnsendable):
		return "unsendable"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	}
	return cause.Of(err).Word
}
