package chat_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"parley/chat"
	"parley/chat/wire"
)

// A fakeLog is a log that takes its time, and fails. It stores what it is given
// in the order of Append, after a delay, in a goroutine that lives while there is
// something to store.
type fakeLog struct {
	memory   chat.Memory
	follower func(wire.Message) // constant after Follow
	stored   []wire.Message     // and not yet delivered; of the goroutine

	working sync.WaitGroup

	mu      sync.Mutex // guards what follows
	delay   time.Duration
	reading time.Duration // from a read to its answer
	random  *rand.Rand    // of delays and failures, nil is none
	failing error
	queue   []func()
	running bool
	reads   int
}

// newFakeLog is to be made before the hub, so that it ends after it.
func newFakeLog(t testing.TB) *fakeLog {
	l := new(fakeLog)
	t.Cleanup(l.working.Wait)
	return l
}

// set changes the log.
func (l *fakeLog) set(f func(*fakeLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

var errFull = errors.New("no space left on device")

func (l *fakeLog) Append(m wire.Message, done func(uint64, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	failing, early, lost := l.failing, false, false
	if l.random != nil {
		switch l.random.IntN(10) {
		case 0:
			failing = errFull
		case 1:
			lost = true // stored, and an error all the same
		case 2, 3, 4:
			early = true // acknowledged before it is delivered
		}
	}
	l.queue = append(l.queue, func() { l.store(m, done, failing, early, lost) })
	if !l.running {
		l.running = true
		l.working.Go(l.work)
	}
}

func (l *fakeLog) store(m wire.Message, done func(uint64, error), failing error, early, lost bool) {
	if failing != nil {
		done(0, failing)
		return
	}
	var seq uint64
	l.memory.Append(m, func(s uint64, _ error) { seq = s })
	answer := func() {
		if lost {
			done(0, errors.New("the answer was lost"))
		} else {
			done(seq, nil)
		}
	}
	if early {
		answer()
		l.pause()
	}
	l.deliver(l.stored)
	l.stored = nil
	if !early {
		answer()
	}
}

// work stores until the queue is empty.
func (l *fakeLog) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.running = false
			l.mu.Unlock()
			return
		}
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		l.pause()
		next()
	}
}

// pause takes the log's time.
func (l *fakeLog) pause() {
	l.mu.Lock()
	d := l.delay
	if l.random != nil && d > 0 {
		d = time.Duration(l.random.Int64N(int64(d)))
	}
	l.mu.Unlock()
	if d > 0 {
		time.Sleep(d)
	}
}

func (l *fakeLog) deliver(list []wire.Message) {
	for _, m := range list {
		l.follower(m)
	}
}

func (l *fakeLog) Follow(ctx context.Context, deliver func(wire.Message)) error {
	l.follower = deliver
	return l.memory.Follow(ctx, func(m wire.Message) { l.stored = append(l.stored, m) })
}

func (l *fakeLog) Read(ctx context.Context, q chat.Query) ([]wire.Message, bool, error) {
	l.pause()
	l.mu.Lock()
	l.reads++
	failing := l.failing
	if l.random != nil && q.Limit == 0 {
		q.Limit = 1 + l.random.IntN(10)
	}
	l.mu.Unlock()
	if failing != nil {
		return nil, false, failing
	}
	page, more, err := l.memory.Read(ctx, q)
	l.mu.Lock()
	reading := l.reading
	l.mu.Unlock()
	time.Sleep(reading)
	l.pause()
	return page, more, err
}

func (l *fakeLog) Last(ctx context.Context, room string) (uint64, error) {
	l.pause()
	l.mu.Lock()
	failing := l.failing
	l.mu.Unlock()
	if failing != nil {
		return 0, failing
	}
	last, err := l.memory.Last(ctx, room)
	l.pause()
	return last, err
}

func (l *fakeLog) Rooms(ctx context.Context) (map[string]uint64, error) {
	return l.memory.Rooms(ctx)
}
