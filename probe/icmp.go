package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"parley/endpoint"
)

// ping looks at icmp, icmp4 and icmp6: it sends echo requests (RFC 792, RFC 4443
// section 4) and counts what comes back.
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
	p := newPinging(addr, l.o.timeout())
	err = l.pingAll(ctx, s, p)
	l.judgePing(r, e, p, s.method(), err)
}

// judgePing says in r what the pings have found. err is what ended them.
func (l *looker) judgePing(r *Result, e endpoint.Endpoint, p *pinging, method string, err error) {
	found := p.found(method)
	r.Ping, r.Time, r.Answer = &found, found.Min, p.oddities()
	switch {
	case found.Received > 0:
		r.State, r.Up = Answered, true
	case p.report != nil:
		r.fail(opError("ping", e, p.report))
		if errors.Is(p.report, errExceeded) {
			r.State = Unreachable
		}
	case err != nil:
		r.fail(opError("ping", e, err))
	default:
		r.fail(opError("ping", e, fmt.Errorf("no answer within %v: %w", l.o.timeout(), os.ErrDeadlineExceeded)))
	}
}

// A pinger is a socket that sends echo requests to one host. One goroutine uses it,
// but that any may close it.
type pinger interface {
	send(e echoRequest) error

	// receive waits until deadline for what comes back. Its error is
	// os.ErrDeadlineExceeded, one that the system has in place of an answer, or
	// net.ErrClosed or os.ErrClosed. The data of what it returns is good until the
	// next call.
	receive(deadline time.Time) (arrival, error)

	method() string // as Ping has it
	close()
}

// An arrival is a message that came back.
type arrival struct {
	message
	from netip.Addr
	ttl  int       // 0 is not known
	at   time.Time // as exactly as the system knows it
	ours bool      // the system has seen that it belongs to the socket
}

// pingAll sends the requests in their intervals, and waits for the last answers. ctx
// ends it at once.
func (l *looker) pingAll(ctx context.Context, s pinger, p *pinging) error {
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	begun := time.Now()
	count, interval := l.o.count(), l.o.interval()
	for ctx.Err() == nil {
		now, due := time.Now(), begun.Add(time.Duration(p.sent)*interval)
		if p.sent < count && !now.Before(due) {
			if err := s.send(p.next(now)); err != nil && ctx.Err() == nil {
				p.unsent(err)
				if p.sent == 1 {
					return nil // there is no way at all, or no right
				}
			}
			continue
		}
		until := due
		if p.sent == count {
			until = p.lastDue()
			if p.settled() || !now.Before(until) {
				return nil
			}
		}
		switch a, err := s.receive(until); {
		case err == nil:
			p.take(a)
		case errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
		default:
			return err
		}
	}
	return ctx.Err()
}

// openPinger opens the socket that this process may open: an unprivileged one where
// the system has them, else a raw one.
func openPinger(addr netip.Addr) (pinger, error) {
	zone, err := zoneIndex(addr)
	if err != nil {
		return nil, err
	}
	s, err := newPinger(addr, zone, false)
	if err == nil {
		return s, nil
	}
	s, rerr := newPinger(addr, zone, true)
	switch {
	case rerr == nil:
		return s, nil
	case errors.Is(rerr, os.ErrPermission):
		return nil, mayNotPing(inner(rerr))
	}
	return nil, inner(rerr)
}

// zoneIndex is the number of the interface that an address of one link is on; 0 is
// none.
func zoneIndex(addr netip.Addr) (int, error) {
	zone := addr.Zone()
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(zone); err == nil {
		return n, nil
	}
	iface, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, fmt.Errorf("there is no interface %q here", zone)
	}
	return iface.Index, nil
}
