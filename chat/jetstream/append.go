package jetstream

import (
	"errors"
	"fmt"
	"runtime"

	"parley/chat"
	"parley/chat/wire"
)

// A post waits to be stored.
type post struct {
	m       wire.Message
	id      string // the Nats-Msg-Id
	subject string
	payload []byte
	done    func(seq uint64, err error)
}

// The most that waits to be stored; what is more is refused.
const maxQueue = 1 << 16

// errBusy refuses what is more than maxQueue.
var errBusy = errors.New("too much waits to be stored")

// Append implements [chat.Log]. An Author and ID are known again for ten minutes
// after they were stored.
func (l *Log) Append(m wire.Message, done func(seq uint64, err error)) {
	payload, err := encode(&m)
	if err != nil {
		done(0, notStored(err))
		return
	}
	p := post{m: m, id: messageID(&m), subject: subject(m.Room), payload: payload, done: done}
	if err := l.enqueue(p); err != nil {
		done(0, notStored(err))
		return
	}
	l.nudge()
}

func (l *Log) enqueue(p post) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return errClosed
	case len(l.queue) >= maxQueue:
		return errBusy
	}
	l.queue = append(l.queue, p)
	return nil
}

// take is what waits, up to what fits a batch, and whether the log is closed.
func (l *Log) take() (batch []post, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, size := 0, 0
	for n < len(l.queue) && n < maxBatch && size < maxBatchBytes {
		size += len(l.queue[n].payload)
		n++
	}
	batch = append(batch, l.queue[:n]...)
	l.queue = l.queue[:copy(l.queue, l.queue[n:])]
	clear(l.queue[len(l.queue):cap(l.queue)])
	return batch, l.closed
}

// commitAll stores what is appended, in order, until the log is closed and
// nothing waits. While one batch is stored the next gathers; those who were just
// acknowledged run first, so that what they post next is in it.
func (l *Log) commitAll() {
	defer l.wg.Done()
	for range l.wake {
		for {
			runtime.Gosched()
			batch, closed := l.take()
			if len(batch) > 0 {
				l.commit(batch)
				continue
			}
			if closed {
				return
			}
			break
		}
	}
}

// commit stores posts and tells each how it went.
func (l *Log) commit(posts []post) {
	k := l.link.Load()
	if err := k.err(); err != nil {
		for _, p := range posts {
			p.done(0, notStored(err))
		}
		return
	}
	c := commit{link: k, timeout: l.config.timeout(), settle: l.settle}
	if len(posts) >= minBatch && k.atomic {
		if c.together(posts) {
			return
		}
	}
	c.singly(posts)
}

// settle tells a post how it went. What is stored is noted before anybody hears
// of it.
func (l *Log) settle(p *post, seq uint64, err error) {
	if err != nil {
		p.done(0, err)
		return
	}
	if l.stored != nil {
		l.stored.advance(seq)
	}
	p.m.Seq = seq
	l.last.saw(&p.m)
	p.done(seq, nil)
}

// notStored is an error after which a message is certainly not stored.
func notStored(cause error) error { return fmt.Errorf("%w: %w", chat.ErrNotStored, cause) }

// unknown is an error after which a message may be stored.
func unknown(cause error) error { return fmt.Errorf("stored or not is unknown: %w", cause) }
