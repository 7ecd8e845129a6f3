package servicetest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"parley"
	"parley/transport"
)

// A peer is the other side of the service.
type peer struct {
	rig     *rig
	conn    net.Conn
	framing parley.Framing // of a byte stream; nil where messages keep their boundaries
	framed  bool           // what it is answered has frames
	aborted atomic.Bool

	buf []byte
	raw []byte // received, still in frames
	got []byte // received, not yet expected
}

// errAborted ends a peer when another one has found a fault.
var errAborted = errors.New("given up after another fault")

// mostRead is more than any datagram or message of a test has.
const mostRead = 256 << 10

func newPeer(r *rig, conn net.Conn) *peer {
	p := &peer{rig: r, conn: conn, buf: make([]byte, mostRead)}
	if !r.way.datagrams && !r.way.messages {
		p.framing = r.probe.framing
		one, err := p.framing.Append(nil, []byte{'x'})
		p.framed = err == nil && string(one) != "x"
	}
	return p
}

// abort makes the peer give up.
func (p *peer) abort() {
	p.aborted.Store(true)
	p.conn.SetDeadline(time.Unix(1, 0))
}

// limit lets the peer wait for so long.
func (p *peer) limit() {
	p.conn.SetDeadline(time.Now().Add(patience))
	if p.aborted.Load() {
		p.abort()
	}
}

// say has the steps of a dialogue.
func (p *peer) say(steps ...Step) error {
	for _, s := range steps {
		if err := p.askDealt(s); err != nil {
			return err
		}
		if err := p.hear(s); err != nil {
			return err
		}
	}
	return nil
}

// askDealt is ask that, where nothing will tell that a datagram was taken,
// waits until it was.
func (p *peer) askDealt(s Step) error {
	if p.rig.way.datagrams && s.unanswered() {
		return p.rig.deal(func() error { return p.ask(s) })
	}
	return p.ask(s)
}

// ask sends what s sends.
func (p *peer) ask(s Step) error {
	if s.Send == "" {
		return nil
	}
	b, err := p.frame(s.Send)
	if err != nil {
		return err
	}
	return p.write(b)
}

// frame is msg as the service is to get it.
func (p *peer) frame(msg string) ([]byte, error) {
	if p.framing == nil {
		return []byte(msg), nil
	}
	return p.framing.Append(nil, []byte(msg))
}

func (p *peer) write(b []byte) error {
	p.limit()
	if _, err := p.conn.Write(b); err != nil {
		return p.explain("send "+quote(string(b)), err)
	}
	return nil
}

// hear expects what s is answered.
func (p *peer) hear(s Step) error {
	for {
		n, done, err := s.answer(p.got)
		switch {
		case err != nil:
			return fmt.Errorf("%v: %w", s, err)
		case done:
			p.got = p.got[n:]
			return nil
		}
		if err := p.read(); err != nil {
			return p.explain(fmt.Sprintf("%v: after %s", s, quote(string(p.got))), err)
		}
	}
}

// read reads once.
func (p *peer) read() error {
	p.limit()
	n, err := p.conn.Read(p.buf)
	if !p.framed {
		p.got = append(p.got, p.buf[:n]...)
		return err
	}
	p.raw = append(p.raw, p.buf[:n]...)
	return errors.Join(p.unframe(), err)
}

// unframe takes the messages that are there whole out of their frames.
func (p *peer) unframe() error {
	for len(p.raw) > 0 {
		msg, n, err := p.framing.Split(p.raw, mostRead, false)
		if n == 0 || err != nil {
			return err
		}
		p.got = append(p.got, msg...)
		p.raw = p.raw[n:]
	}
	return nil
}

// end ends the session as the dialogue says.
func (p *peer) end(who End) error {
	if p.rig.way.datagrams {
		return p.nothingMore()
	}
	if who == PeerEnds && !p.endWriting() || who == PeerLeaves {
		err := p.nothingMore()
		if who == PeerLeaves {
			err = nil
		}
		p.conn.Close()
		return err
	}
	if err := p.hearEnd(); err != nil {
		return err
	}
	p.conn.Close()
	return nil
}

// endWriting passes on the end of the peer's direction, where the transport can.
func (p *peer) endWriting() bool {
	h, ok := p.conn.(transport.HalfCloser)
	return ok && h.CloseWrite() == nil
}

// hearEnd expects the service's end.
func (p *peer) hearEnd() error {
	for {
		if err := p.nothingMore(); err != nil {
			return err
		}
		if err := p.read(); errors.Is(err, io.EOF) {
			return p.nothingMore()
		} else if err != nil {
			return p.explain("the service's end, after the dialogue", err)
		}
	}
}

func (p *peer) nothingMore() error {
	if p.aborted.Load() {
		return errAborted
	}
	if rest := string(p.got) + string(p.raw); rest != "" {
		return fmt.Errorf("the service says more than the dialogue has: %s", quote(rest))
	}
	return nil
}

// discard reads, whatever comes, until the end, which may be any.
func (p *peer) discard() {
	for p.limit(); !p.aborted.Load(); p.limit() {
		if _, err := p.conn.Read(p.buf); err != nil {
			return
		}
	}
}

func (p *peer) explain(what string, err error) error {
	if p.aborted.Load() {
		return errAborted
	}
	return fmt.Errorf("%s: %w", what, err)
}
