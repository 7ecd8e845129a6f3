package servicetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"parley/transport"
)

// A disturbance is a peer that misbehaves.
type disturbance struct {
	name string
	run  func(*rig) error
}

func (r *rig) disturbances() []disturbance {
	list := []disturbance{
		{"a peer that leaves at once", (*rig).leave},
		{"a peer that is reset", (*rig).reset},
		{"a peer that says a byte at a time", (*rig).saySlowly},
		{"a message without bytes", (*rig).sayNothing},
	}
	if r.way.secure {
		list = append(list, disturbance{"a peer without handshake", (*rig).skipHandshake})
	}
	if r.way.scheme == "unixgram" {
		list = append(list, disturbance{"a peer without address", (*rig).sayNameless})
	}
	for _, n := range []int{1, 2, 3, 7, 64, 1000, 1500, 4096, 16 << 10, 16<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000} {
		list = append(list, disturbance{fmt.Sprintf("a peer that says %d random bytes", n), func(r *rig) error { return r.babble(n) }})
	}
	return list
}

// checkDisturbed has a dialogue while other peers misbehave, one after the
// other, and a whole one after each.
func checkDisturbed(r *rig) {
	d := r.dialogue(0)
	steady, half := r.mustDial(), len(d.Steps)/2
	r.need(steady.say(d.Steps[:half]...))
	for i, x := range r.disturbances() {
		if err := x.run(r); err != nil {
			r.need(fmt.Errorf("%s: %w", x.name, err))
		}
		if err := r.converse(i + 1); err != nil {
			r.need(fmt.Errorf("after %s: another peer: %w", x.name, err))
		}
		if r.faulty() {
			return
		}
	}
	if err := steady.say(d.Steps[half:]...); err != nil {
		r.need(fmt.Errorf("the peer that was there all the time: %w", err))
	}
	r.need(steady.end(d.Ends))
	if !r.way.datagrams {
		r.need(r.awaitOpen(0))
	}
}

func (r *rig) leave() error {
	p, err := r.dial()
	if err != nil {
		return err
	}
	return p.conn.Close()
}

// reset says something and is gone, without reading the answer. That alone is
// a reset on the transports that have one, but for UDP and TCP, where it is asked for.
func (r *rig) reset() error {
	p, err := r.dial()
	if err != nil {
		return err
	}
	defer p.conn.Close()
	for _, s := range r.dialogue(0).Steps {
		if s.Send == "" && r.way.datagrams {
			continue
		} else if r.way.datagrams {
			err = r.deal(func() error { return p.ask(s) })
		} else if err = p.ask(s); err == nil && (s.Want != "" || s.Check != nil) {
			p.limit()
			p.conn.Read(p.buf[:1])
		}
		if err != nil {
			return err
		}
	}
	if c, ok := p.conn.(interface{ SetLinger(int) error }); ok {
		c.SetLinger(0)
	}
	return nil
}

// saySlowly sends single bytes, whose answers nobody can know.
func (r *rig) saySlowly() error {
	d := r.dialogue(0)
	if r.way.datagrams || !d.asks() {
		return nil
	}
	p, err := r.dial()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(p.discard)
	b, err := p.frame(d.Steps[d.lastAsked()].Send)
	for i := range b {
		if p.write(b[i:i+1]) != nil {
			break // it may end the session
		}
	}
	p.conn.Close()
	return err
}

// sayNothing sends a message of no bytes, where there can be one.
func (r *rig) sayNothing() error {
	if !r.way.datagrams && (!r.way.messages || r.way.scheme == "unixpacket") {
		return nil
	}
	p, err := r.dial()
	if err != nil {
		return err
	}
	defer p.conn.Close()
	send := func() error { return p.write(nil) }
	if r.way.datagrams {
		return r.deal(send)
	}
	return send()
}

// skipHandshake comes with another protocol, and leaves.
func (r *rig) skipHandshake() error {
	e := r.at.Bare()
	e.Scheme, e.Path = "tcp", ""
	for _, text := range []string{"", "\x16", "GET /", "hello\r\n\r\n"} {
		c, err := transport.Dial(r.t.Context(), e)
		if err != nil {
			return err
		}
		c.SetDeadline(time.Now().Add(patience))
		c.Write([]byte(text))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	return nil
}

// sayNameless sends from a socket that cannot be answered.
func (r *rig) sayNameless() error {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: r.at.Path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close()
	return r.deal(func() error {
		_, err := c.Write([]byte("who am I"))
		return err
	})
}

// babble sends n bytes of nonsense and ends in order.
func (r *rig) babble(n int) error {
	p, err := r.dial()
	if err != nil {
		return err
	}
	defer p.conn.Close()
	random := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	b := make([]byte, n)
	random.Read(b)
	if r.way.datagrams {
		err := r.deal(func() error { return p.write(b) })
		if errors.Is(err, errUnsent) {
			err = nil // more than a datagram takes
		}
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(p.discard)
	p.write(b) // the service may have ended by then
	if r.dialogue(0).Ends != PeerLeaves && p.endWriting() {
		wg.Wait() // for the service's end
	}
	return p.conn.Close()
}
