package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Delays of RFC 8305, section 8.
const (
	resolutionDelay = 50 * time.Millisecond  // for the AAAA answer, once the A answer is there
	attemptDelay    = 250 * time.Millisecond // between the starts of two attempts
)

// happy connects to a name as RFC 8305 ("Happy Eyeballs") says. It does no I/O
// of its own: lookup and dial are given, and must return soon after their
// context has ended.
type happy struct {
	families families
	port     int

	// lookup asks for the addresses of one family, "ip4" or "ip6", in the order
	// of RFC 6724.
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// connect returns the first connection that is made. When it returns every
// goroutine it started has ended and every other connection is closed. An
// address in place of a name is simply dialled. If all fails the error is an
// attemptsError, or that of the lookup when it gave no address.
func (h *happy) connect(ctx context.Context, host string) (net.Conn, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr = addr.Unmap(); !h.families.has(addr) {
			return nil, fmt.Errorf("%v is not an address of the family asked for", addr)
		}
		return h.dial(ctx, netip.AddrPortFrom(addr, uint16(h.port)))
	}
	if !h.families.v4 && !h.families.v6 {
		return nil, errors.New("no address family is left by the scheme and source=")
	}
	ctx, cancel := context.WithCancel(ctx)
	r := race{h: h, host: host, answers: make(chan answer), results: make(chan result)}
	c := r.run(ctx)
	stopped := ctx.Err()
	cancel()
	if c = r.end(c); c != nil {
		return c, nil
	}
	return nil, r.failure(stopped)
}

func (f families) has(addr netip.Addr) bool {
	return addr.Is4() && f.v4 || addr.Is6() && f.v6
}

// answer is what a lookup of one family gave.
type answer struct {
	v6    bool
	addrs []netip.Addr
	err   error
}

// result is how an attempt ended.
type result struct {
	n    int // index in race.tried
	conn net.Conn
	err  error
}

// race is one call of connect. All fields belong to its goroutine, which is the
// caller's. The others, one for each lookup and attempt, send one value to a
// channel and end; run and end receive them all.
type race struct {
	h       *happy
	host    string
	answers chan answer
	results chan result

	asked, answered int // lookups
	lookupErr       error
	v4, v6          []netip.Addr // not tried yet
	lastWas6        bool         // the family of the last attempt
	tried           attemptsError
	pending         int // attempts under way
}

// run is the race itself. It returns the winner, or nil.
func (r *race) run(ctx context.Context) net.Conn {
	// Section 3: both are asked at once, AAAA first.
	r.ask(ctx, r.h.families.v6, "ip6")
	r.ask(ctx, r.h.families.v4, "ip4")

	// hold is why no attempt may start now: it fires when the resolution delay
	// or the attempt delay is over.
	var hold <-chan time.Time
	for {
		if hold == nil && r.ready() {
			r.start(ctx)
			hold = time.After(attemptDelay)
		}
		if r.over() {
			return nil
		}
		select {
		case a := <-r.answers:
			first := len(r.tried) == 0
			r.take(a)
			switch {
			case first && a.v6:
				hold = nil // "connect at once", and no more waiting for it if there is none
			case first && r.answered < r.asked && len(a.addrs) > 0:
				hold = time.After(resolutionDelay)
			}
		case res := <-r.results:
			if r.finish(res); res.conn != nil {
				return res.conn
			}
			hold = nil // section 5: no waiting after a failure
		case <-hold:
			hold = nil
		case <-ctx.Done():
			return nil
		}
	}
}

// ask starts a lookup.
func (r *race) ask(ctx context.Context, wanted bool, network string) {
	if !wanted {
		return
	}
	r.asked++
	go r.resolve(ctx, network)
}

// resolve ends when the lookup does.
func (r *race) resolve(ctx context.Context, network string) {
	addrs, err := r.h.lookup(ctx, network, r.host)
	r.answers <- answer{v6: network == "ip6", addrs: addrs, err: err}
}

func (r *race) take(a answer) {
	r.answered++
	if a.err != nil && (r.lookupErr == nil || isNotFound(r.lookupErr)) {
		r.lookupErr = a.err // that a server failed says more than that there is none
	}
	for _, addr := range a.addrs {
		if addr = addr.Unmap(); addr.Is4() {
			r.v4 = append(r.v4, addr)
		} else {
			r.v6 = append(r.v6, addr)
		}
	}
}

func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// ready reports whether there is an address to try.
func (r *race) ready() bool { return len(r.v4)+len(r.v6) > 0 }

// over reports whether nothing is left that could still connect.
func (r *race) over() bool {
	return r.pending == 0 && !r.ready() && r.answered == r.asked
}

// next takes the next address. Section 4: the families take turns; addresses
// that arrive late join at their turn.
func (r *race) next() netip.Addr {
	use6 := len(r.v6) > 0
	if len(r.v4) > 0 && len(r.v6) > 0 {
		use6 = !r.lastWas6
		if len(r.tried) == 0 {
			use6 = precedence(r.v6[0]) >= precedence(r.v4[0])
		}
	}
	r.lastWas6 = use6
	from := &r.v4
	if use6 {
		from = &r.v6
	}
	addr := (*from)[0]
	*from = (*from)[1:]
	return addr
}

// start begins an attempt.
func (r *race) start(ctx context.Context) {
	to := netip.AddrPortFrom(r.next(), uint16(r.h.port))
	r.tried = append(r.tried, attempt{addr: to.String()})
	r.pending++
	go r.attempt(ctx, len(r.tried)-1, to)
}

// attempt ends when the dial does.
func (r *race) attempt(ctx context.Context, n int, to netip.AddrPort) {
	c, err := r.h.dial(ctx, to)
	r.results <- result{n, c, err}
}

func (r *race) finish(res result) {
	r.pending--
	r.tried[res.n].err = res.err
}

// end waits for the lookups and attempts still under way, whose context has
// ended. Connections that came too late are closed; but without a winner the
// first of them is one.
func (r *race) end(winner net.Conn) net.Conn {
	for r.pending > 0 || r.answered < r.asked {
		select {
		case a := <-r.answers:
			r.take(a)
		case res := <-r.results:
			r.finish(res)
			switch {
			case res.conn == nil:
			case winner == nil:
				winner = res.conn
			default:
				res.conn.Close()
			}
		}
	}
	return winner
}

// failure is why nothing was connected. stopped is the caller's context's error.
func (r *race) failure(stopped error) error {
	switch {
	case len(r.tried) > 0:
		return r.tried
	case stopped != nil:
		return stopped
	case r.lookupErr != nil:
		return r.lookupErr
	}
	return fmt.Errorf("lookup %s: no address", r.host)
}
