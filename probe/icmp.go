package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// ping looks at icmp, icmp4 and icmp6: it sends echo requests (RFC 792, RFC 4443 section 4)
// and counts what comes back.
func (l *looker) ping(ctx context.Context, r *Result) {
	e := r.Target.Endpoint
	within, cancel := context.WithTimeout(ctx, l.o.timeout())
	addrs, err := l.names.addrs(within, e)
	cancel()
	if err != nil {
		r.fail(err)
		return
	}
	addr := ipv4First(addrs)[0]
	r.Address = addr.String()
	s, err := openPinger(addr)
	if err != nil {
		r.fail(opError("ping", e, err))
		return
	}
	defer s.close()
	p := newPinging(addr)
	err = l.pingAll(ctx, s, p)
	found := p.found(s.method())
	r.Ping, r.Time = &found, found.Min
	switch {
	case found.Received > 0:
		r.State, r.Up = Answered, true
	case err != nil:
		r.fail(opError("ping", e, err))
	case p.report != nil:
		r.fail(opError("ping", e, p.report))
	default:
		r.fail(opError("ping", e, errSilent))
		r.State = TimedOut
	}
}

var errSilent = fmt.Errorf("no answer: %w", os.ErrDeadlineExceeded)

// A pinger is a socket that sends echo requests.
type pinger interface {
	// send sends a request to the peer.
	send(e echoRequest) error
	// receive waits until deadline for an ICMP message of the peer, or about what was
	// sent to it: ttl 0 is not known, and at is when it came.
	receive(deadline time.Time) (b []byte, from netip.Addr, ttl int, at time.Time, err error)
	method() string
	close()
}

// pingAll sends the requests in their intervals, and waits for the last answers.
func (l *looker) pingAll(ctx context.Context, s pinger, p *pinging) error {
	begun := time.Now()
	count, interval := l.o.count(), l.o.interval()
	var last time.Time
	for {
		now := time.Now()
		due := begun.Add(time.Duration(p.sent) * interval)
		if p.sent < count && !now.Before(due) {
			if err := s.send(p.next(now)); err != nil {
				return err
			}
			last = now
			continue
		}
		until := due
		if p.sent == count {
			if until = last.Add(l.o.timeout()); p.complete() || !now.Before(until) {
				return nil
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		// Woken now and then to look at ctx.
		b, from, ttl, at, err := s.receive(earlier(until, now.Add(100*time.Millisecond)))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			p.refused(err)
			if p.sent == count {
				return nil
			}
		default:
			p.take(b, from, ttl, at)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// pinging are the requests to one host, and what came back. It is pure: moments are given.
type pinging struct {
	addr   netip.Addr
	token  [16]byte // which the answers give back: they are ours
	id     uint16   // of raw sockets; the system gives others their own
	sent   int
	times  []time.Time // when each was sent
	round  []time.Duration
	done   []bool
	twice  int
	ttl    int
	report error // what a router or the host said instead
}

func newPinging(addr netip.Addr) *pinging {
	p := &pinging{addr: addr}
	rand.Read(p.token[:])
	p.id = binary.BigEndian.Uint16(p.token[:])
	return p
}

// An echoRequest is one request.
type echoRequest struct {
	id, seq uint16
	data    []byte
}

// next is the next request.
func (p *pinging) next(now time.Time) echoRequest {
	e := echoRequest{p.id, uint16(p.sent), p.token[:]}
	p.sent++
	p.times, p.done = append(p.times, now), append(p.done, false)
	return e
}

// complete reports whether every request was answered.
func (p *pinging) complete() bool { return len(p.round) == p.sent }

// refused notes what the system said in place of an answer.
func (p *pinging) refused(err error) {
	if p.report == nil {
		p.report = inner(err)
	}
}

// take takes in a message. What is not about our requests is ignored.
func (p *pinging) take(b []byte, from netip.Addr, ttl int, at time.Time) {
	m, ok := parseICMP(b, p.addr.Is6())
	if !ok {
		return
	}
	seq := int(m.seq)
	switch {
	case seq >= p.sent:
	case m.kind == echoReply && from.WithZone("") == p.addr.WithZone("") && string(m.data) == string(p.token[:]):
		if p.done[seq] {
			p.twice++
			return
		}
		p.done[seq] = true
		p.round = append(p.round, at.Sub(p.times[seq]))
		p.ttl = ttl
	case m.kind == echoReport && m.id == p.id:
		p.refused(fmt.Errorf("%s says: %w", from, m.report))
	}
}

// found is what is known of the host.
func (p *pinging) found(method string) Ping {
	f := Ping{Sent: p.sent, Received: len(p.round), Duplicates: p.twice, TTL: p.ttl, Method: method, From: p.addr}
	if p.sent > 0 {
		f.Loss = 1 - float64(len(p.round))/float64(p.sent)
	}
	f.summarize(p.round)
	return f
}

// openPinger opens the socket that this process may open: an unprivileged one where the system
// has them, else a raw one.
func openPinger(addr netip.Addr) (pinger, error) {
	s, err := newPacketPinger(addr, false)
	if err == nil {
		return s, nil
	}
	raw, rerr := newPacketPinger(addr, true)
	if rerr == nil {
		return raw, nil
	}
	if errors.Is(rerr, os.ErrPermission) {
		return nil, fmt.Errorf("this process may not ping: %w", inner(rerr))
	}
	return nil, inner(rerr)
}

// udpAddr is addr for an unprivileged socket, ipAddr for a raw one.
func udpAddr(addr netip.Addr) net.Addr {
	return &net.UDPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
}

func ipAddr(addr netip.Addr) net.Addr {
	return &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
}
