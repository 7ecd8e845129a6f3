package bench

import (
	"fmt"
	"sync"
)

// A stream is a session on a stream of bytes. What was sent is not kept: the rest
// of a half-sent message is made again.
type stream struct {
	ordered
	framing Framing // nil: the sizes of answers cut the stream

	offset  int    // bytes of message toSend that were sent
	given   int    // bytes that next gave
	givenTo uint64 // the first message that next did not give in full
	givenOf int    // how many bytes of it

	partial *[]byte // the beginning of an answer; nil when there is none
}

func newStream(w *worker, id int) session {
	return &stream{ordered: newOrdered(w, id), framing: w.plan.load.Framing}
}

// partials are buffers of answers that arrive in parts, so that a session holds
// one only while it needs it.
var partials = sync.Pool{New: func() any { return new([]byte) }}

// largestPooled is the size of the largest buffer that is kept, in bytes.
const largestPooled = 64 << 10

func release(b *[]byte) {
	if cap(*b) <= largestPooled {
		*b = (*b)[:0]
		partials.Put(b)
	}
}

func (s *stream) next(dst []byte, room int) ([]byte, bool) {
	start, seq, of := len(dst), s.toSend, s.offset
	for s.err == nil && seq < s.dueEnd() && (len(dst) < room || len(dst) == start) {
		var whole bool
		dst, whole = s.appendRest(dst, seq, &of, room)
		if !whole {
			break
		}
		seq, of = seq+1, 0
	}
	s.given, s.givenTo, s.givenOf = len(dst)-start, seq, of
	return dst, s.given > 0
}

// A parter makes a part of a message: n bytes from the one at from.
type parter interface {
	appendPart(dst []byte, session int, seq uint64, from, n int) []byte
}

// appendRest appends message seq from its byte *of, and reports whether that was
// all of the rest. A message that is longer than room is made in parts, where
// the exchange can: or each of the many writes that it takes would make all of it.
// *of is then moved.
func (s *stream) appendRest(dst []byte, seq uint64, of *int, room int) (b []byte, whole bool) {
	if size := s.x.Size(seq); s.framing == nil && size > room {
		if p, ok := s.x.(parter); ok {
			n := min(max(room-len(dst), 1), size-*of)
			dst = p.appendPart(dst, s.id, seq, *of, n)
			*of += n
			return dst, *of == size
		}
	}
	start := len(dst)
	b, err := s.appendFramed(dst, seq)
	if err == nil && len(b) == start {
		err = errEmpty
	}
	if err != nil {
		s.unsendable(seq, err)
		return dst, false
	}
	if *of > 0 {
		b = b[:start+copy(b[start:], b[start+*of:])]
	}
	return b, true
}

// appendFramed appends message seq in its frame.
func (s *stream) appendFramed(dst []byte, seq uint64) ([]byte, error) {
	start := len(dst)
	b := s.x.Append(dst, s.id, seq)
	if s.framing == nil {
		return b, nil
	}
	bare := len(b)
	b, err := s.framing.Append(b, b[start:]) // behind itself, so that no other buffer is needed
	if err != nil {
		return dst, err
	}
	return b[:start+copy(b[start:], b[bare:])], nil
}

func (s *stream) sent(n int, now int64) {
	if n <= 0 {
		return
	}
	s.moved(n, now)
	if n == s.given {
		s.offset = s.givenOf
		s.sentUpTo(s.givenTo, now)
	} else {
		s.sentUpTo(s.partWay(n), now)
	}
	s.given = 0
}

// partWay finds the message in which the next n bytes end, and sets its offset.
func (s *stream) partWay(n int) (seq uint64) {
	seq = s.toSend
	for n += s.offset; ; seq++ {
		size := s.wireSize(seq)
		if n < size {
			s.offset = n
			return seq
		}
		n -= size
	}
}

// wireSize is the length of message seq in its frame. Framings do not tell it, so it is
// tried.
func (s *stream) wireSize(seq uint64) int {
	if s.framing == nil {
		return s.x.Size(seq)
	}
	b := partials.Get().(*[]byte)
	defer release(b)
	*b, _ = s.appendFramed((*b)[:0], seq) // next has given it, so it can be framed
	return len(*b)
}

func (s *stream) received(data []byte, now int64) (answered int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	s.arrived(len(data), now)
	before := s.oldest
	if s.framing != nil {
		err = s.split(data, now)
	} else {
		err = s.cut(data, now)
	}
	return int(s.oldest - before), err
}

// begun reports whether something of the message was sent whose answer is the
// next one.
func (s *stream) begun() bool {
	return s.oldest < s.toSend || s.offset > 0
}

// cut takes answers by their sizes. Those that are complete are checked where they
// are.
func (s *stream) cut(data []byte, now int64) error {
	for len(data) > 0 {
		if !s.begun() {
			return s.early(len(data))
		}
		want := s.x.AnswerSize(s.oldest)
		answer, rest := s.complete(data, want)
		if answer == nil {
			return nil
		}
		if err := s.answer(answer, now); err != nil {
			return err
		}
		s.settle(nil)
		data = rest
	}
	return nil
}

// complete returns the answer of want bytes that data begins with, or ends, and
// what follows; nil if it is not complete.
func (s *stream) complete(data []byte, want int) (answer, rest []byte) {
	if s.partial == nil && len(data) >= want {
		return data[:want], data[want:]
	}
	if s.partial == nil {
		s.partial = partials.Get().(*[]byte)
	}
	n := min(want-len(*s.partial), len(data))
	*s.partial = append(*s.partial, data[:n]...)
	if len(*s.partial) < want {
		return nil, nil
	}
	return *s.partial, data[n:]
}

// slack is how much longer than expected an answer in a frame may be and still be
// looked at, in bytes, to say what it is.
const slack = 64 << 10

// split takes answers by their frames.
func (s *stream) split(data []byte, now int64) error {
	if s.partial != nil {
		*s.partial = append(*s.partial, data...)
		data = *s.partial
	}
	for len(data) > 0 {
		if !s.begun() {
			return s.early(len(data))
		}
		seq := s.oldest
		msg, n, err := s.framing.Split(data, s.x.AnswerSize(seq)+slack, false)
		if err != nil {
			s.err = wrongAnswer(s.id, seq, fmt.Errorf("framing %v: %w", s.framing, err))
			return s.err
		}
		if n == 0 {
			break
		}
		if err := s.answer(msg, now); err != nil {
			return err
		}
		data = data[n:]
	}
	s.settle(data)
	return nil
}

// settle keeps rest, the beginning of an answer, which may be a part of what is
// kept.
func (s *stream) settle(rest []byte) {
	switch {
	case len(rest) > 0 && s.partial == nil:
		s.partial = partials.Get().(*[]byte)
		fallthrough
	case len(rest) > 0:
		*s.partial = append((*s.partial)[:0], rest...)
	case s.partial != nil:
		release(s.partial)
		s.partial = nil
	}
}

func (s *stream) end(err error, now int64) {
	s.settle(nil)
	s.ordered.end(err, now)
}
