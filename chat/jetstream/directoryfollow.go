package jetstream

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"parley/chat"
)

// Follow implements [chat.Directory]. ctx bounds the goroutines too, which
// Close waits for. The functions of on may call the Directory.
func (d *Directory) Follow(ctx context.Context, on chat.Elsewhere) error {
	ctx, d.stop = context.WithCancel(ctx)
	d.on = on
	d.others.mine = d.seatOfLocked
	told := make(chan *nats.Msg, tellQueue)
	sub, err := d.nc.ChanSubscribe(tellSubject(d.id), told)
	if err != nil {
		d.stop()
		return d.failed("follow", "directory", err)
	}
	w, err := d.start(ctx)
	if err != nil {
		sub.Unsubscribe()
		d.stop()
		return d.failed("follow", "directory", err)
	}
	d.wg.Go(func() { d.hear(ctx, sub, told) })
	d.wg.Go(func() { d.follow(ctx, w) })
	d.wg.Go(func() { d.beats(ctx) })
	d.wg.Go(func() { d.writes(ctx) })
	return nil
}

// seatOfLocked is the seat of an author who is here. d.mu is held.
func (d *Directory) seatOfLocked(author string) (seat, bool) {
	h := d.mine[d.authors[author]]
	if h == nil {
		return seat{}, false
	}
	return h.seat(), true
}

// follow applies what a watch delivers until ctx ends. When this hub does not hear
// itself for a while, the bucket is read anew.
func (d *Directory) follow(ctx context.Context, w *bucketWatch) {
	defer func() { w.close() }()
	silence := time.NewTimer(3 * d.beatEvery)
	defer silence.Stop()
	for {
		fresh := false
		select {
		case e, open := <-w.kv.Updates():
			if fresh = !open; open && e != nil {
				c := changeOf(e)
				d.learn(func() []news { return d.heardLocked(c) })
				if c.key == hubKey(d.id) {
					silence.Reset(3 * d.beatEvery)
				}
			}
		case <-silence.C:
			fresh = true
		case <-d.again:
			fresh = true
		case <-ctx.Done():
			return
		}
		if fresh {
			w.close()
			if w = d.restart(ctx, w); ctx.Err() != nil {
				return
			}
			silence.Reset(3 * d.beatEvery)
		}
	}
}

// restart is start, until it succeeds or ctx ends; then it returns old.
func (d *Directory) restart(ctx context.Context, old *bucketWatch) *bucketWatch {
	for said := false; ; said = true {
		w, err := d.start(ctx)
		switch {
		case err == nil:
			if said {
				d.log.Info("chat directory: NATS is back")
			}
			return w
		case ctx.Err() != nil:
			return old
		case !said:
			d.log.Warn("chat directory: not reached", "error", err)
		}
		select {
		case <-time.After(d.beatEvery / 4):
		case <-ctx.Done():
			return old
		}
	}
}

// start opens the bucket and a watch of it, and takes in its state.
func (d *Directory) start(ctx context.Context) (*bucketWatch, error) {
	bounded, cancel := context.WithTimeout(ctx, 2*openTimeout)
	defer cancel()
	b, err := d.openBucket(bounded)
	if err != nil {
		return nil, err
	}
	beat, err := b.publish(bounded, hubKey(d.id), presence{Hub: d.id}, nil)
	if err != nil {
		return nil, err
	}
	w, err := b.watch(ctx)
	if err != nil {
		return nil, err
	}
	state, err := w.state(bounded, hubKey(d.id), beat)
	if err != nil {
		w.close()
		return nil, err
	}
	d.learn(func() []news { return d.takeInLocked(b, state) })
	return w, nil
}

// state reads the state of the bucket, up to the beat that was just written, and
// a little more. The server that the watch is at may not have had it at first.
func (w *bucketWatch) state(ctx context.Context, key string, beat uint64) (map[string]*change, error) {
	state := map[string]*change{}
	for initial, own := true, false; initial || !own; {
		select {
		case e, open := <-w.kv.Updates():
			if !open {
				return nil, errors.New("the watch of the bucket has ended")
			}
			if e == nil {
				initial = false
				continue
			}
			c := changeOf(e)
			state[c.key] = c
			own = own || c.key == key && c.rev >= beat
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return state, nil
}

// takeInLocked applies a state of the bucket, and returns how it differs from what
// was known. d.mu is held.
func (d *Directory) takeInLocked(b *bucket, state map[string]*change) (n []news) {
	other := d.bucket == nil || !d.bucket.created.Equal(b.created)
	d.bucket, d.ticked = b, time.Now()
	d.meetLocked(state)
	for key := range d.others.seats {
		if c := state[key]; c == nil || c.erased {
			n = append(n, d.others.clear(key, "lost")...)
		}
	}
	until := state[hubKey(d.id)].rev
	for key, h := range d.mine {
		if c := state[key]; other || c == nil && h.rev <= until {
			d.reclaimLocked(h, 0)
		}
	}
	for key, c := range state {
		if isName(key) {
			n = append(n, d.applyLocked(c)...)
		}
	}
	return n
}

// meetLocked notes the hubs of a state. One that was not known and whose beat is
// old by the server's clock was dead before, as is one without. d.mu is held.
func (d *Directory) meetLocked(state map[string]*change) {
	now := state[hubKey(d.id)].at
	stale := time.Duration(d.lostAfter+1) * d.beatEvery
	hubs := map[string]*peer{}
	for key, c := range state {
		id, isHub := strings.CutPrefix(key, hubKeys)
		if !isHub || c.erased || id == d.id {
			continue
		}
		hubs[id] = &peer{rev: c.rev, dead: now.Sub(c.at) > stale && !d.others.live(id)}
	}
	for key, c := range state {
		if isName(key) && !c.erased && c.Hub != d.id && hubs[c.Hub] == nil {
			hubs[c.Hub] = &peer{dead: true}
		}
	}
	d.others.hubs = hubs
}

// heardLocked applies a change. d.mu is held.
func (d *Directory) heardLocked(c *change) []news {
	if isName(c.key) {
		return d.applyLocked(c)
	}
	if id, ok := strings.CutPrefix(c.key, hubKeys); ok {
		return d.hubLocked(id, c)
	}
	return nil
}

// hubLocked applies a change of a hub's key. d.mu is held.
func (d *Directory) hubLocked(id string, c *change) []news {
	switch {
	case id != d.id && c.erased:
		return d.others.bye(id)
	case id != d.id:
		return d.others.beat(id, c.rev)
	case c.erased || time.Since(d.ticked) < d.beatEvery*3/4: // late, with others behind it
		return nil
	}
	d.ticked = time.Now()
	n := d.others.tick(d.lostAfter)
	d.dueLocked()
	return n
}

// dueLocked finds work for the writer: names that the bucket would soon forget,
// and those of lost hubs, which the first of the living hubs erases. d.mu is held.
func (d *Directory) dueLocked() {
	for _, h := range d.mine {
		if time.Since(h.wrote) > d.keep/3 {
			h.dirty = true
		}
	}
	if d.others.first(d.id) {
		for key, g := range d.others.estates() {
			d.gone[key] = g
		}
	}
	if len(d.workLocked()) > 0 {
		poke(d.wake)
	}
}

// applyLocked applies a change of a name's key. d.mu is held.
func (d *Directory) applyLocked(c *change) []news {
	if under := d.claims[c.key]; under != nil {
		under.heard = c
	}
	h := d.mine[c.key]
	switch {
	case h != nil && c.rev < h.rev: // from before the claim
		return nil
	case h != nil && (c.erased || d.others.dead(c.Hub)): // by who thought that this hub is lost
		d.reclaimLocked(h, c.rev)
		return d.others.clear(c.key, c.Why)
	case h != nil && c.Hub == d.id:
		if c.rev > h.rev && c.Author != h.Author {
			h.dirty = true
			poke(d.wake)
		}
		h.rev = c.rev
		return append(d.others.clear(c.key, "left"), d.others.review(nil, c.Author, "left")...)
	case h != nil:
		d.forgetLocked(c.key)
		return d.others.review(d.elsewhereLocked(c), h.Author, "left")
	case c.erased:
		return d.others.clear(c.key, c.Why)
	case c.Hub == d.id:
		if d.claims[c.key] == nil {
			d.orphanLocked(c.key, c.rev)
		}
		if d.others.seats[c.key].Author == c.Author {
			return d.others.clear(c.key, "moved")
		}
		return d.others.clear(c.key, "left")
	}
	return d.elsewhereLocked(c)
}

// reclaimLocked has a name written again that the bucket does not have any more.
// d.mu is held.
func (d *Directory) reclaimLocked(h *held, over uint64) {
	h.rev, h.dirty, h.Claim, h.Again = over, true, 0, true
	poke(d.wake)
}

// elsewhereLocked notes that another hub has a name. If its Author is here by an
// earlier claim, he is not any more. d.mu is held.
func (d *Directory) elsewhereLocked(c *change) []news {
	s, was := seat{c.presence, c.rev}, ""
	if key := d.authors[c.Author]; key != "" && !d.others.dead(c.Hub) {
		if here := d.mine[key].seat(); s.after(&here) {
			was = here.Name
			d.dropLocked(key, "left")
		}
	}
	n := d.others.set(c.key, s)
	for i := range n {
		if n[i].Author == c.Author && n[i].was == "" && was != n[i].Name {
			n[i].was = was
		}
	}
	return n
}
