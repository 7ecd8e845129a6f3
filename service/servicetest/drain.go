package servicetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"parley"
)

// How many peers wait for an answer while the server drains, and how many say
// nothing.
const (
	talkers = 8
	silent  = 2
)

// checkDrain shuts the server down while every peer waits for its last answer,
// and others are there that say nothing.
func checkDrain(r *rig) {
	held := !r.streamer() && r.dialogue(0).asks() && r.opts.Later == ""
	var wg sync.WaitGroup
	defer wg.Wait()
	if !r.way.datagrams {
		for range silent {
			wg.Go(r.mustDial().discardAndClose)
		}
		r.need(r.awaitAccepted(silent))
	}
	stay(r)
	peers := make([]*peer, r.talkers())
	for i := range peers {
		peers[i] = r.mustDial()
		d := r.dialogue(i)
		r.need(peers[i].say(d.Steps[:d.upTo(held)]...))
	}
	if r.faulty() {
		return
	}
	release := r.askAll(peers, held)
	down, draining := r.shutdown()
	<-draining
	release()
	for i, p := range peers {
		wg.Go(func() { r.need(p.hearDrained(r.dialogue(i), held)) })
	}
	wg.Wait()
	if err := <-down; err != nil {
		r.fault("Shutdown with peers that had all their answers: %v", err)
	}
}

// talkers is how many peers wait for their answers. Where a datagram begins a
// session those that come while the server drains are refused: there the first
// one is all that counts.
func (r *rig) talkers() int {
	_, sessions := r.probe.svc.(parley.Closer)
	if r.way.datagrams && sessions && r.dialogue(0).lastAsked() == 0 {
		return 1
	}
	return talkers
}

// upTo is how many steps are had before the drain: all, or those before the
// last in which the peer asks.
func (d Dialogue) upTo(held bool) int {
	if held {
		return d.lastAsked()
	}
	return len(d.Steps)
}

// stay adds a peer that neither ends nor reads, which the server must not
// wait for long. In real time that would take a second.
func stay(r *rig) {
	if r.way.simulated {
		r.mustDial()
		r.need(r.awaitAccepted(silent + 1))
	}
}

// askAll asks the last question of every peer, and waits until the service has
// been called for it, which is held there until release.
func (r *rig) askAll(peers []*peer, held bool) (release func()) {
	if !held {
		return func() {}
	}
	release = r.probe.holdCalls()
	for i, p := range peers {
		d := r.dialogue(i)
		r.need(p.ask(d.Steps[d.lastAsked()]))
	}
	n := len(peers)
	if r.way.datagrams {
		n = 1 // the others wait in the socket
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for range n {
		select {
		case <-r.probe.entered:
		case <-limit.C:
			r.fault("the service was not given what its peers sent within %v", patience)
			return release
		}
	}
	return release
}

// hearDrained expects what is left of the dialogue, and the end.
func (p *peer) hearDrained(d Dialogue, held bool) error {
	for _, s := range d.Steps[d.upTo(held):] {
		if err := p.hear(s); err != nil {
			return err
		}
	}
	switch {
	case p.rig.way.datagrams:
		return nil
	case d.Ends == PeerLeaves:
		p.discardAndClose()
		return nil
	}
	err := p.hearEnd()
	p.conn.Close()
	return err
}

// discardAndClose is a peer that ends when the service does.
func (p *peer) discardAndClose() {
	p.discard()
	p.conn.Close()
}

// shutdown drains the server. draining is closed when sessions have been told;
// down gets the result.
func (r *rig) shutdown() (down chan error, draining chan struct{}) {
	limit := patience
	if r.way.simulated {
		limit = parley.DrainTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	waits := &waitedFor{Context: ctx, waiting: make(chan struct{})}
	down = make(chan error, 1)
	go r.drain(waits, cancel, down)
	return down, waits.waiting
}

// drain ends when the server has; checkDrain waits for it on down.
func (r *rig) drain(ctx context.Context, cancel func(), down chan<- error) {
	defer cancel()
	err := r.srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it took too long and closed what was left")
	}
	down <- err
}

// waitedFor is a context that tells when somebody begins to wait for its end.
// Shutdown does that when it has told every session, of which there is no event.
type waitedFor struct {
	context.Context
	once    sync.Once
	waiting chan struct{}
}

func (w *waitedFor) Done() <-chan struct{} {
	w.once.Do(func() { close(w.waiting) })
	return w.Context.Done()
}
