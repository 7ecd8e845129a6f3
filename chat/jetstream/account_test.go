package jetstream

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/chat"
	"parley/chat/wire"
)

// watch is a logger that tells when a message comes.
type watch struct {
	slog.Handler
	text string
	came chan struct{}
}

func (w watch) Handle(ctx context.Context, r slog.Record) error {
	if strings.Contains(r.Message, w.text) {
		select {
		case w.came <- struct{}{}:
		default:
		}
	}
	return w.Handler.Handle(ctx, r)
}

// account posts to a log and keeps account of what became of it.
type account struct {
	t     *testing.T
	log   *Log
	id    uint64
	acked map[uint64]uint64 // Seq by ID
	maybe map[uint64]bool   // IDs that may be stored

	mu   sync.Mutex
	came []wire.Message
	more chan struct{} // holds one when came has changed
}

// newAccount follows a log.
func newAccount(t *testing.T, l *Log) *account {
	t.Helper()
	r := &account{t: t, log: l, acked: make(map[uint64]uint64), more: make(chan struct{}, 1)}
	if err := l.Follow(context.Background(), r.deliver); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *account) deliver(m wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came = append(r.came, m)
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// wait waits until n messages were delivered.
func (r *account) wait(n int) {
	r.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		have := len(r.came)
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-r.more:
		case <-timeout:
			r.t.Fatalf("%d delivered, want %d", have, n)
		}
	}
}

func (r *account) message() wire.Message {
	r.id++
	return wire.Message{Room: "lobby", Author: "a", ID: r.id, Kind: wire.Say, Text: strings.Repeat("x", 500)}
}

func (r *account) note(id, seq uint64, err error) {
	switch {
	case err == nil:
		r.acked[id] = seq
	case !errors.Is(err, chat.ErrNotStored):
		if r.maybe == nil {
			r.maybe = make(map[uint64]bool)
		}
		r.maybe[id] = true
	}
}

func (r *account) post() error {
	m := r.message()
	seq, err := appendWait(r.log, m)
	r.note(m.ID, seq, err)
	return err
}

// postAll posts n messages, which must be stored.
func (r *account) postAll(n int) {
	r.t.Helper()
	for range n {
		if err := r.post(); err != nil {
			r.t.Fatalf("Append: %v", err)
		}
	}
}

func (r *account) postUntilError() error {
	for range 10_000 {
		if err := r.post(); err != nil {
			return err
		}
	}
	r.t.Fatal("Append: no error")
	return nil
}

// burst posts many at once, and returns one of the errors.
func (r *account) burst(n int) (failed error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range n {
		m := r.message()
		wg.Add(1)
		r.log.Append(m, func(seq uint64, err error) {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			r.note(m.ID, seq, err)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	return failed
}

// check compares what the log has and what was delivered with the account.
func (r *account) check() {
	r.t.Helper()
	seen := make(map[uint64]uint64)
	for _, m := range readAll(r.t, r.log, "lobby") {
		if seen[m.ID] != 0 {
			r.t.Errorf("%d is stored twice", m.ID)
		}
		seen[m.ID] = m.Seq
		if r.acked[m.ID] == 0 && !r.maybe[m.ID] {
			r.t.Errorf("%d is stored, and was refused", m.ID)
		}
	}
	for id, seq := range r.acked {
		if seen[id] != seq {
			r.t.Errorf("%d was acknowledged at %d, and is at %d", id, seq, seen[id])
		}
	}
	r.wait(len(seen)) // the follower is a little behind
	r.mu.Lock()
	defer r.mu.Unlock()
	var last uint64
	for _, m := range r.came {
		if m.Seq <= last || seen[m.ID] != m.Seq {
			r.t.Errorf("delivered %d at %d after %d, stored at %d", m.ID, m.Seq, last, seen[m.ID])
		}
		last = m.Seq
	}
	if len(r.came) != len(seen) {
		r.t.Errorf("%d delivered, %d stored", len(r.came), len(seen))
	}
	r.t.Logf("%d acknowledged, %d stored, %d delivered", len(r.acked), len(seen), len(r.came))
}
