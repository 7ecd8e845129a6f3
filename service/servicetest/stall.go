package servicetest

import (
	"errors"
	"fmt"
	"testing/synctest"
	"time"

	"parley"
)

// The limits of checkStall.
const (
	stall   = 200 * time.Millisecond
	pending = 16 << 10
)

// The sizes of checkStall, in bytes.
const (
	floodBlock  = 16 << 10 // sent at once
	floodSilent = 1 << 20  // sent to a service that does not answer
	memHolds    = 1 << 20  // more than memory and pending output hold of answers
	systemHolds = 64 << 20 // more than any system's sockets do
	floodMost   = 4000     // messages that are sent one by one without a look at the answers
	floodGrams  = 350      // and datagrams
)

// checkStall lets a peer send without reading, while others have their
// dialogues.
func checkStall(r *rig) {
	flood := r.flood
	if r.way.datagrams {
		flood = r.floodDatagrams
	}
	p := r.mustDial()
	if !r.way.datagrams {
		r.need(r.awaitAccepted(1))
	}
	flooded := make(chan error, 1)
	go func() { flooded <- flood(p) }()
	defer func() { r.need(<-flooded) }()
	if r.way.datagrams { // that wait for those of the flood, which must not be lost
		err := <-flooded
		flooded <- err
	}
	if r.way.simulated {
		synctest.Wait() // until the flood is stuck
	}
	for i := range 3 {
		r.need(r.converse(i + 1))
	}
}

// flood sends to the service until its session ends or, if it never answers, for
// a while, and expects the end.
func (r *rig) flood(p *peer) error {
	d := r.dialogue(0)
	answered := d.wanted() > 0 && d.Ends != ServiceEnds
	err := p.sendUnread(d, answered)
	refused := errors.Is(err, errRefused)
	if err != nil && !refused {
		return err
	}
	endless := !d.asks() && d.Ends == PeerLeaves && r.way.simulated
	if !endless && !(answered && refused) {
		p.conn.Close()
		return r.awaitOpen(0)
	}
	reason, err := r.awaitFirstEnd()
	if err != nil {
		return fmt.Errorf("a peer that does not read: %w", err)
	}
	switch why := parley.Reason(reason); why {
	case "stall", "pending", "done":
		return nil
	default:
		return fmt.Errorf("the session of a peer that does not read ended with %q (%v), want the stall limit", why, reason)
	}
}

// errRefused ends sendUnread when the service's side takes nothing any more.
var errRefused = errors.New("not taken")

// sendUnread sends the dialogue again and again. On a WebSocket, whose messages
// are sent one by one, filling the system's sockets by short ones would take
// minutes: there it gives up earlier.
func (p *peer) sendUnread(d Dialogue, answered bool) error {
	block, each, err := p.block(d)
	if err != nil || each == 0 {
		return err
	}
	holds := systemHolds
	if p.rig.way.simulated {
		holds = memHolds
	}
	for sent, answers, n := 0, 0, 0; ; answers += each {
		if !answered && sent >= floodSilent || n > floodMost {
			return nil
		}
		if answered && answers > holds {
			return fmt.Errorf("the service took messages with %d bytes of answers, of which none was read: it keeps them without bound", answers)
		}
		for _, b := range block {
			sent += len(b)
			if p.framing == nil {
				n++
			}
			if err := p.write(b); err != nil {
				return errRefused
			}
		}
	}
}

// block is what a flooding peer writes again and again, and how many bytes it is
// answered at least, or any number if it is not; 0 means that there is nothing
// to write.
func (p *peer) block(d Dialogue) (block [][]byte, answers int, err error) {
	if !d.asks() {
		return nil, 0, nil
	}
	joined, size := []byte(nil), 0
	for size < floodBlock {
		for _, s := range d.Steps {
			b, err := p.frame(s.Send)
			switch {
			case err != nil:
				return nil, 0, err
			case s.Send == "":
			case p.framing == nil:
				block = append(block, b)
			default:
				joined = append(joined, b...)
			}
			size += len(b)
		}
		answers += max(1, d.wanted())
	}
	if joined != nil {
		block = [][]byte{joined}
	}
	return block, answers, nil
}

// floodDatagrams sends datagrams and reads no answer. Each has to be taken from
// the socket before the next one comes: there would be no room for the others'.
func (r *rig) floodDatagrams(p *peer) error {
	d := r.dialogue(0)
	for i := 0; i < floodGrams; i += len(d.Steps) {
		for _, s := range d.Steps {
			if s.Send == "" {
				continue
			}
			if err := r.deal(func() error { return p.ask(s) }); err != nil {
				return err
			}
		}
	}
	if r.way.scheme == "unixgram" {
		// Linux charges what a peer has not read to the sender's socket, so
		// that there is no room for others' answers while it lives.
		return p.conn.Close()
	}
	return nil
}

// errUnsent is the error of deal when there is nothing to wait for.
var errUnsent = errors.New("nothing was sent")

// deal waits until the server has dealt with the datagram that send sends.
func (r *rig) deal(send func() error) error {
	before := r.dealt()
	if err := send(); err != nil {
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	return r.await("the server to deal with a datagram", func() bool { return r.dealt() > before })
}
