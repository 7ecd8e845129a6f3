package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
)

// A Directory is a [chat.Directory] on the NATS of a log: a key-value bucket
// in which each hub writes who is present with it.
//
// A name belongs to the hub that wrote its key first, by compare-and-swap, until the
// hub erases it. A hub shows that it lives by a beat, a key of its own that it writes
// every 4 s. Another counts its own beats, as they come back from the bucket, between
// those of a hub: after 5 in a row the hub is lost, its people are reported
// absent and their names may be taken, so 20 to 24 s after its last beat. A hub that
// hears not even itself judges nobody, nor does any clock matter.
//
// A hub that comes back writes its names again, those that nobody has taken. The
// name that was taken is gone: what tells the hub is [chat.Elsewhere].Present of a
// name that it has itself. If the Author is another, its member needs another name; if the
// Author is the member's, he is connected there now, and the member's session is
// over. The latter comes with another name too. In neither case has the
// hub anything to release.
//
// It needs no more of the server than streams with expected sequences (NATS 2.9),
// and subscribes to parley.chat.tell and its id for private messages.
type Directory struct {
	nc       *nats.Conn
	js       natsjs.JetStream
	replicas int
	log      *slog.Logger
	id       string // of this hub, random

	// Set before Follow; tests shorten them.
	beatEvery time.Duration // between two beats of a hub
	lostAfter int           // beats of one's own without one of another hub
	coalesce  time.Duration // how long changes of rooms wait for others
	tellFor   time.Duration // how long the other hub may take to answer
	keep      time.Duration // how long the bucket keeps what nobody writes again

	locks locks         // of keys that are being written
	wake  chan struct{} // has one element when the writer has work
	again chan struct{} // has one element when the bucket is to be read anew

	// Set by Follow.
	on   chat.Elsewhere
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	bucket  *bucket // nil before Follow
	closed  bool
	mine    map[string]*held  // names of this hub, by key
	authors map[string]string // the keys in mine, by author
	claims  map[string]*claim // claims under way, by key
	gone    map[string]gone   // keys to erase
	others  table
	ticked  time.Time // when others was last counted
	untold  []news    // what on is to be told, in order
	telling bool      // somebody is telling on; what is untold he tells too
	told    sync.Cond // that telling has ended
}

// held is a name that this hub has.
type held struct {
	presence
	rev   uint64    // of what the bucket has, as far as is known
	dirty bool      // the record is not written yet
	wrote time.Time // when it was
}

func (h *held) seat() seat { return seat{h.presence, h.rev} }

// A claim is one under way, with the last that was heard of its key meanwhile.
type claim struct{ heard *change }

// gone is a key to erase: at rev, and if hub is this one, at any that is its.
type gone struct {
	rev uint64
	hub string
	why string
}

func newDirectory(nc *nats.Conn, js natsjs.JetStream, replicas int, log *slog.Logger) *Directory {
	d := &Directory{
		nc: nc, js: js, replicas: replicas, log: log, id: rand.Text(),
		beatEvery: 4 * time.Second, lostAfter: 5, coalesce: 100 * time.Millisecond,
		tellFor: 3 * time.Second, keep: 15 * time.Minute,
		wake: make(chan struct{}, 1), again: make(chan struct{}, 1),
		mine: map[string]*held{}, authors: map[string]string{},
		claims: map[string]*claim{}, gone: map[string]gone{}, others: newTable(),
	}
	d.told.L = &d.mu
	return d
}

var errDirectory = errors.New("the directory is not followed")

// Claim implements [chat.Directory]. A name that its Author has at another hub
// moves here. When it fails otherwise than by [chat.ErrNameTaken], the name
// is not this hub's, and given back if it came to be stored all the same.
func (d *Directory) Claim(ctx context.Context, p chat.Presence) error {
	key := nameKey(p.Name)
	unlock, err := d.locks.lock(ctx, key)
	if err != nil {
		return d.failed("claim", p.Name, err)
	}
	old, err := d.claim(ctx, key, p)
	unlock()
	if err != nil {
		return d.failed("claim", p.Name, err)
	}
	if old != "" {
		d.free(ctx, old) // or later, by the writer
	}
	return nil
}

// claim writes the key, which is locked, and returns the key that the author had
// before.
func (d *Directory) claim(ctx context.Context, key string, p chat.Presence) (old string, err error) {
	b, c, rev, err := d.beginClaim(key, p)
	if err != nil {
		return "", err
	}
	now := presence{Hub: d.id, Name: p.Name, Author: p.Author, Rooms: roomsOf(p)}
	rev, err = d.put(ctx, b, key, now, rev, true)

	d.learn(func() []news {
		delete(d.claims, key)
		if err != nil {
			d.claimFailedLocked(key, err)
			return nil
		}
		now.Claim = rev
		old = d.settleLocked(key, &held{presence: now, rev: rev, wrote: time.Now()})
		n := d.missedLocked(key, c)
		if d.mine[key] == nil {
			err = chat.ErrNameTaken
		}
		return n
	})
	return old, err
}

// settleLocked notes that a name is this hub's, and returns the key of the one
// that its author had before. d.mu is held.
func (d *Directory) settleLocked(key string, h *held) (old string) {
	if old = d.authors[h.Author]; old == key {
		old = ""
	} else if old != "" {
		d.dropLocked(old, "left")
	}
	d.mine[key] = h
	d.authors[h.Author] = key
	delete(d.gone, key)
	return old
}

// missedLocked applies to a name that was just claimed what was heard before its
// claim was known to be stored: of its key, and that its author has gone
// elsewhere. d.mu is held.
func (d *Directory) missedLocked(key string, c *claim) (n []news) {
	h := d.mine[key]
	if c.heard != nil {
		n = d.applyLocked(c.heard)
	}
	if s, elsewhere := d.others.later(h.seat()); elsewhere && d.mine[key] == h {
		d.dropLocked(key, "left")
		n = d.others.review(n, s.Author, "left")
	}
	return n
}

// beginClaim returns the revision over which the claim may write.
func (d *Directory) beginClaim(key string, p chat.Presence) (*bucket, *claim, uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.mine[key]
	switch {
	case d.closed || d.bucket == nil:
		return nil, nil, 0, errDirectory
	case h != nil && h.Author != p.Author:
		return nil, nil, 0, chat.ErrNameTaken
	}
	c := &claim{}
	d.claims[key] = c
	if h == nil {
		return d.bucket, c, 0, nil
	}
	return d.bucket, c, h.rev, nil
}

// claimFailedLocked sees to what an unsuccessful claim may have stored. d.mu is
// held.
func (d *Directory) claimFailedLocked(key string, err error) {
	switch h := d.mine[key]; {
	case errors.Is(err, chat.ErrNameTaken):
	case h != nil:
		h.dirty = true
		poke(d.wake)
	default:
		d.orphanLocked(key, 0)
	}
}

// Update implements [chat.Directory]. It does not wait: what came together is
// written together, a tenth of a second later, and again if that fails. The error matches
// [chat.ErrNobody] if the name is not this hub's.
func (d *Directory) Update(_ context.Context, p chat.Presence) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.mine[nameKey(p.Name)]
	if h == nil || h.Author != p.Author {
		return d.failed("update", p.Name, chat.ErrNobody)
	}
	now := roomsOf(p)
	if h.Name == p.Name && slices.Equal(h.Rooms, now) {
		return nil
	}
	h.Name, h.Rooms, h.dirty = p.Name, now, true
	poke(d.wake)
	return nil
}

// Release implements [chat.Directory]. If it fails, the name is given back as
// soon as that is possible.
func (d *Directory) Release(ctx context.Context, p chat.Presence, why string) error {
	key := nameKey(p.Name)
	if !d.leave(key, p.Author, why) {
		return nil
	}
	if err := d.free(ctx, key); err != nil {
		return d.failed("release", p.Name, err)
	}
	return nil
}

// leave makes an author's name one to erase and reports whether it was this
// hub's. What he may have elsewhere from before is his again.
func (d *Directory) leave(key, author, why string) (left bool) {
	d.learn(func() []news {
		if h := d.mine[key]; h == nil || h.Author != author {
			return nil
		}
		left = true
		d.dropLocked(key, why)
		return d.others.review(nil, author, why)
	})
	return left
}

// dropLocked makes a name of this hub one to erase. d.mu is held.
func (d *Directory) dropLocked(key, why string) {
	h := d.mine[key]
	d.forgetLocked(key)
	d.gone[key] = gone{rev: h.rev, hub: d.id, why: why}
	poke(d.wake)
}

// forgetLocked takes a name from this hub, whose key is another's. d.mu is held.
func (d *Directory) forgetLocked(key string) {
	if h := d.mine[key]; d.authors[h.Author] == key {
		delete(d.authors, h.Author)
	}
	delete(d.mine, key)
}

// orphanLocked makes a key one to erase that is this hub's without a name here.
// d.mu is held.
func (d *Directory) orphanLocked(key string, rev uint64) {
	d.gone[key] = gone{rev: rev, hub: d.id, why: "left"}
	poke(d.wake)
}

// Close gives the names of this hub back, which takes at most 2 s, and ends
// its goroutines. It does not close the connection.
func (d *Directory) Close() error {
	d.mu.Lock()
	if d.closed || d.bucket == nil {
		d.closed = true
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	d.stop()
	d.wg.Wait()

	d.mu.Lock()
	for key := range d.mine {
		d.dropLocked(key, "left")
	}
	keys := d.workLocked()
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := d.each(ctx, keys, d.free)
	if err == nil {
		err = d.bucket.erase(ctx, hubKey(d.id), 0, presence{Hub: d.id})
	}
	if err != nil {
		return d.failed("close", "directory", err)
	}
	return nil
}

func (d *Directory) failed(op, what string, err error) error {
	return fmt.Errorf("%s %s: %w", op, what, err)
}

// roomsOf are the rooms of p in an order of their own.
func roomsOf(p chat.Presence) []string {
	r := slices.Clone(p.Rooms)
	slices.Sort(r)
	return slices.Compact(r)
}

// poke puts an element into a channel for one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
