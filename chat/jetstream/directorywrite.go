package jetstream

import (
	"context"
	"errors"
	"sync"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
)

// beats writes this hub's beat until ctx ends.
func (d *Directory) beats(ctx context.Context) {
	tick := time.NewTicker(d.beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		d.mu.Lock()
		b := d.bucket
		d.mu.Unlock()
		try, cancel := context.WithTimeout(ctx, d.beatEvery)
		_, err := b.publish(try, hubKey(d.id), presence{Hub: d.id}, nil)
		cancel()
		if errors.Is(err, natsjs.ErrNoStreamResponse) { // the bucket is not there, or has no leader
			poke(d.again)
		}
	}
}

// writes writes what has changed and erases what is gone, until ctx ends.
func (d *Directory) writes(ctx context.Context) {
	for {
		select {
		case <-d.wake:
		case <-ctx.Done():
			return
		}
		wait(ctx, d.coalesce)
		d.mu.Lock()
		keys := d.workLocked()
		d.mu.Unlock()
		if err := d.each(ctx, keys, d.bring); err != nil && ctx.Err() == nil {
			wait(ctx, d.beatEvery/4)
			poke(d.wake)
		}
	}
}

// wait waits for so long, or until ctx ends.
func wait(ctx context.Context, long time.Duration) {
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// workLocked are the keys that are to be written or erased. d.mu is held.
func (d *Directory) workLocked() (keys []string) {
	for key, h := range d.mine {
		if h.dirty {
			keys = append(keys, key)
		}
	}
	for key := range d.gone {
		if d.mine[key] == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// writers is how many keys are written at the same time.
const writers = 16

// each calls do for each key, several at a time, and returns an error of one.
func (d *Directory) each(ctx context.Context, keys []string, do func(context.Context, string) error) error {
	next := make(chan string)
	errs := make(chan error, len(keys))
	var wg sync.WaitGroup
	for range min(writers, len(keys)) {
		wg.Go(func() {
			for key := range next {
				if err := do(ctx, key); err != nil {
					errs <- err
				}
			}
		})
	}
	for _, key := range keys {
		next <- key
	}
	close(next)
	wg.Wait()
	close(errs)
	return <-errs
}

// bring makes the bucket have of a key what this hub wants.
func (d *Directory) bring(ctx context.Context, key string) error {
	d.mu.Lock()
	_, mine := d.mine[key]
	d.mu.Unlock()
	if mine {
		return d.refresh(ctx, key)
	}
	return d.free(ctx, key)
}

// refresh writes a name of this hub if it has changed.
func (d *Directory) refresh(ctx context.Context, key string) error {
	unlock, err := d.locks.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	d.mu.Lock()
	h, b := d.mine[key], d.bucket
	if h == nil || !h.dirty {
		d.mu.Unlock()
		return nil
	}
	h.dirty = false
	p, over := h.presence, h.rev
	d.mu.Unlock()
	rev, err := d.put(ctx, b, key, p, over, false)

	if errors.Is(err, chat.ErrNameTaken) { // of which the watch tells, if it has not yet
		d.lose(key, h)
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.mine[key] != h: // given back or lost meanwhile
		return nil
	case err != nil:
		h.dirty = true
		return err
	}
	h.rev, h.wrote = max(h.rev, rev), time.Now()
	if h.Claim == 0 {
		h.Claim = rev
	}
	return nil
}

// lose notes that a name is another hub's.
func (d *Directory) lose(key string, h *held) {
	d.learn(func() []news {
		if d.mine[key] != h {
			return nil
		}
		d.forgetLocked(key)
		return d.others.review(nil, h.Author, "left")
	})
}

// free erases a key that is gone, unless it has come to be used again.
func (d *Directory) free(ctx context.Context, key string) error {
	unlock, err := d.locks.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	d.mu.Lock()
	g, ok := d.gone[key]
	b := d.bucket
	if ok && (d.mine[key] != nil || g.hub != d.id && !d.others.dead(g.hub)) {
		delete(d.gone, key)
		ok = false
	}
	d.mu.Unlock()
	if !ok {
		return nil
	}
	if err := b.eraseGone(ctx, key, g, d.id); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone[key] == g { // and not something that was stored after all
		delete(d.gone, key)
	}
	return nil
}

// eraseGone erases a key at its revision, and one of this hub at any that it has.
func (b *bucket) eraseGone(ctx context.Context, key string, g gone, me string) error {
	for over := g.rev; ; {
		if over != 0 {
			err := b.erase(ctx, key, over, presence{Hub: g.hub, Why: g.why})
			if err == nil || !mismatch(err) || g.hub != me && mismatch(err) {
				return unlessMismatch(err)
			}
		}
		c, err := b.look(ctx, key)
		if err != nil || c.erased || c.Hub != g.hub {
			return err
		}
		over = c.rev
	}
}

func unlessMismatch(err error) error {
	if mismatch(err) {
		return nil
	}
	return err
}
