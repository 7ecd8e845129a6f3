package bench

import "sort"

// newDatagrams makes a session on a transport that keeps messages apart.
func newDatagrams(w *worker, id int) session {
	if w.plan.lossy {
		return &datagrams{w: w, x: w.plan.load.Exchange, id: id}
	}
	return &packets{newOrdered(w, id)}
}

// A packets is a session on a transport that keeps messages apart, in order, and
// loses none.
type packets struct{ ordered }

func (s *packets) next(dst []byte, _ int) ([]byte, bool) { return s.ahead(dst, 0) }

func (s *packets) ahead(dst []byte, k int) ([]byte, bool) {
	seq := s.toSend + uint64(k)
	if s.err != nil || seq >= s.dueEnd() {
		return dst, false
	}
	return s.x.Append(dst, s.id, seq), true
}

func (s *packets) sent(_ int, now int64) {
	s.moved(s.x.Size(s.toSend), now)
	s.sentUpTo(s.toSend+1, now)
}

func (s *packets) received(data []byte, now int64) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.arrived(len(data), now)
	if err := s.answer(data, now); err != nil {
		return 0, err
	}
	return 1, nil
}

// A datagrams is a session on a transport that may lose messages, repeat them and
// change their order. A wrong answer is counted and does not end it. Messages
// count from 0:
//
//	0 ...  oldest  ...  toSend  ...  dueEnd
//	 over  | under way  |    due    |
//
// Under way there may be some that are over, behind one that is not.
type datagrams struct {
	w  *worker
	x  Exchange
	id int

	slots    ring[slot] // of the messages from oldest to dueEnd
	oldest   uint64     // first that is not over
	toSend   uint64     // first that was not sent
	awaited  int        // sent and not over
	overtake uint64     // an answer to a message before it was overtaken

	// What was given up, by number, in case it is answered yet.
	lost      ring[lostMessage]
	forgotten uint64 // of messages before it nothing is known, if they were given up
}

// A slot is a message that is due or under way.
type slot struct {
	intended int64
	sent     int64 // the moment, or isOver; of no meaning before it is sent
}

// isOver is in place of a moment.
const isOver = -1

// A lostMessage was not answered in time.
type lostMessage struct {
	seq      uint64
	intended int64
	answered bool
}

func (d *datagrams) dueEnd() uint64 { return d.oldest + uint64(d.slots.len()) }

func (d *datagrams) slot(seq uint64) *slot { return d.slots.at(int(seq - d.oldest)) }

func (d *datagrams) due(at int64) {
	if !d.slots.push(slot{intended: at}, d.w.plan.backlog()) {
		d.w.overflow(d.id, at)
	}
}

func (d *datagrams) next(dst []byte, _ int) ([]byte, bool) { return d.ahead(dst, 0) }

func (d *datagrams) ahead(dst []byte, k int) ([]byte, bool) {
	seq := d.toSend + uint64(k)
	if seq >= d.dueEnd() {
		return dst, false
	}
	return d.x.Append(dst, d.id, seq), true
}

func (d *datagrams) sent(_ int, now int64) {
	d.slot(d.toSend).sent = now
	if d.w.plan.measured(d.slot(d.toSend).intended) {
		d.w.tally.offered++
	}
	if d.w.plan.measured(now) {
		d.w.tally.sent++
		d.w.tally.bytesOut += int64(d.x.Size(d.toSend))
	}
	d.toSend++
	d.awaited++
}

func (d *datagrams) received(data []byte, now int64) (int, error) {
	if d.w.plan.measured(now) {
		d.w.tally.bytesIn += int64(len(data))
	}
	over, _ := d.expire(now) // an answer is late by its moment, not by when the driver calls expire
	return over + d.take(data, now), nil
}

// take sorts an answer in.
func (d *datagrams) take(data []byte, now int64) (over int) {
	seq, ok := d.number(data)
	switch {
	case !ok:
		return d.unnumbered(data, now)
	case d.isAwaited(seq):
		if err := d.x.Check(data, d.id, seq); err != nil {
			d.wrong(seq, err)
		} else {
			d.answered(seq, now)
		}
		return 1
	case d.x.Check(data, d.id, seq) != nil: // nor is it what its number says
		return d.unnumbered(data, now)
	}
	d.unawaited(seq, now)
	return 0
}

func (d *datagrams) number(data []byte) (seq uint64, ok bool) {
	if d.toSend == 0 {
		return 0, false
	}
	return d.x.Number(data, d.id, d.toSend-1)
}

func (d *datagrams) isAwaited(seq uint64) bool {
	return seq >= d.oldest && seq < d.toSend && d.slot(seq).sent != isOver
}

// mostTried is how many messages are tried for an answer that does not tell its
// number.
const mostTried = 1024

// unnumbered takes an answer that does not tell which message it answers: it is
// that to the oldest which it fits, and if it fits none a wrong one to the oldest.
func (d *datagrams) unnumbered(data []byte, now int64) (over int) {
	if d.awaited == 0 {
		if d.w.plan.measured(now) {
			d.w.tally.stray++
		}
		return 0
	}
	var wrong error // about the oldest, which is never over
	for seq := d.oldest; seq < min(d.toSend, d.oldest+mostTried); seq++ {
		if !d.isAwaited(seq) {
			continue
		}
		err := d.x.Check(data, d.id, seq)
		if err == nil {
			if d.awaited > 1 && d.w.plan.measured(d.slot(seq).intended) {
				d.w.tally.guessed++
			}
			d.answered(seq, now)
			return 1
		}
		if wrong == nil {
			wrong = err
		}
	}
	d.wrong(d.oldest, wrong)
	return 1
}

// answered notes the right answer to a message in its time.
func (d *datagrams) answered(seq uint64, now int64) {
	p, t := d.w.plan, d.w.tally
	at := d.slot(seq).intended
	if seq < d.overtake && p.measured(at) {
		t.reordered++
	}
	d.overtake = max(d.overtake, seq)
	t.answeredAt(p, at, now)
	d.finish(seq)
}

// wrong notes a wrong answer to a message.
func (d *datagrams) wrong(seq uint64, err error) {
	if d.w.plan.measured(d.slot(seq).intended) {
		err = wrongAnswer(d.id, seq, err)
		d.w.tally.fail(kindOf(err), err)
	}
	d.finish(seq)
}

// finish makes a message over.
func (d *datagrams) finish(seq uint64) {
	d.slot(seq).sent = isOver
	d.awaited--
	for d.oldest < d.toSend && d.slot(d.oldest).sent == isOver {
		d.slots.drop()
		d.oldest++
	}
}

// unawaited notes the right answer to a message that is over, or was never sent.
func (d *datagrams) unawaited(seq uint64, now int64) {
	p, t := d.w.plan, d.w.tally
	l := d.findLost(seq)
	switch {
	case l != nil && !l.answered:
		l.answered = true
		if p.measured(l.intended) {
			t.lost--
			t.late++
		}
		t.record(p, l.intended, now)
	case !p.measured(now):
	case seq >= d.toSend, l == nil && seq < d.forgotten:
		t.stray++
	default:
		t.duplicated++
	}
}

// findLost finds the message among those that were given up, or nil.
func (d *datagrams) findLost(seq uint64) *lostMessage {
	n := d.lost.len()
	i := sort.Search(n, func(i int) bool { return d.lost.at(i).seq >= seq })
	if i == n || d.lost.at(i).seq != seq {
		return nil
	}
	return d.lost.at(i)
}

// lostPart is how many times fewer messages are remembered that were given up
// than there may be under way.
const lostPart = 16

func (d *datagrams) expire(now int64) (over int, err error) {
	p, t := d.w.plan, d.w.tally
	for d.oldest < d.toSend && now-d.slot(d.oldest).sent >= p.timeout {
		seq, at := d.oldest, d.slot(d.oldest).intended
		if p.measured(at) {
			t.lost++
		}
		d.remember(lostMessage{seq: seq, intended: at})
		d.finish(seq)
		over++
	}
	return over, nil
}

// remember keeps a message that was given up, in place of the oldest of them if
// there are too many.
func (d *datagrams) remember(l lostMessage) {
	most := d.w.plan.backlog() / lostPart
	if d.lost.len() == most {
		d.forgotten = d.lost.at(0).seq + 1
		d.lost.drop()
	}
	d.lost.push(l, most)
}

func (d *datagrams) pending() (unsent, unanswered int) {
	return int(d.dueEnd() - d.toSend), d.awaited
}

func (d *datagrams) end(err error, now int64) {
	p, t := d.w.plan, d.w.tally
	d.expire(now)
	for seq := d.oldest; seq < d.dueEnd(); seq++ {
		switch {
		case !p.measured(d.slot(seq).intended):
		case seq >= d.toSend:
			t.unsent++
		case d.isAwaited(seq):
			t.unanswered++
		}
	}
	d.slots, d.lost = ring[slot]{}, ring[lostMessage]{}
	if err != nil {
		t.fail(kindOf(err), err)
	}
}
