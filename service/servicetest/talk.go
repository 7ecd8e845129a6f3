package servicetest

import (
	"sync"
	"testing/synctest"
)

// checkTalk has the dialogue once, and on datagrams once more: a datagram too many
// of the first would be the wrong answer in the second.
func checkTalk(r *rig) {
	d := r.dialogue(0)
	p := r.mustDial()
	r.need(p.say(d.Steps...))
	if r.way.datagrams {
		r.need(p.say(d.Steps...))
	}
	r.need(p.end(d.Ends))
	if r.way.datagrams || d.Ends == PeerLeaves || r.faulty() {
		return
	}
	reason, err := r.awaitFirstEnd()
	r.need(err)
	if reason != nil {
		r.fault("the session ended with %q, want an end in order", reason)
	}
}

// manyPeers is how many peers there are at once.
const manyPeers = 32

// checkMany lets many peers have their dialogues at once.
func checkMany(r *rig) {
	peers := make([]*peer, manyPeers)
	for i := range peers {
		peers[i] = r.mustDial()
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, p := range peers {
		wg.Go(func() {
			d := r.dialogue(i)
			err := p.say(d.Steps...)
			if err == nil {
				err = p.end(d.Ends)
			}
			r.need(err)
		})
	}
	wg.Wait()
	if !r.way.datagrams {
		r.need(r.awaitAccepted(manyPeers))
		r.need(r.awaitOpen(0))
	}
}

// checkBytewise has the dialogue with every byte sent and received before the
// next one is.
func checkBytewise(r *rig) {
	d := r.dialogue(0)
	p := r.mustDial()
	for _, s := range d.Steps {
		b, err := p.frame(s.Send)
		r.need(err)
		for i := range b {
			if s.Send == "" || r.faulty() {
				break
			}
			r.need(p.write(b[i : i+1]))
			synctest.Wait()
		}
		r.need(p.hear(s))
	}
	r.need(p.end(d.Ends))
}
