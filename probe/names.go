package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"parley/endpoint"
	"parley/transport"
)

// names looks hosts up, each once: all ports of a range have one host. It may be
// used by several goroutines at once.
type names struct {
	resolver endpoint.Resolver // nil is the system's

	mu    sync.Mutex         // guards what follows
	known map[string]*lookup // by family and host
}

// A lookup is that of one host. done is closed when the rest is there.
type lookup struct {
	done  chan struct{}
	addrs []netip.Addr
	err   error
}

func newNames(r endpoint.Resolver) *names {
	return &names{resolver: r, known: make(map[string]*lookup)}
}

// addrs are the addresses that e may be dialled at, in the resolver's order: at
// least one, or an error. The host "" is this machine.
func (n *names) addrs(ctx context.Context, e endpoint.Endpoint) ([]netip.Addr, error) {
	if e.Host == "" {
		return ofFamily(e, []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})})
	}
	if a, err := netip.ParseAddr(e.Host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	l := n.of(ctx, e)
	var err error
	select {
	case <-l.done:
		err = l.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = &net.DNSError{Err: "no answer in time", Name: e.Host, IsTimeout: true}
	}
	if err != nil {
		return nil, opError("dial", e, err)
	}
	return ofFamily(e, l.addrs)
}

// of returns the lookup of e's host, which is done here, within ctx, if it is the
// first.
func (n *names) of(ctx context.Context, e endpoint.Endpoint) *lookup {
	key := e.Scheme[len(e.Scheme)-1:] + e.Host
	n.mu.Lock()
	l, ok := n.known[key]
	if !ok {
		l = &lookup{done: make(chan struct{})}
		n.known[key] = l
	}
	n.mu.Unlock()
	if ok {
		return l
	}
	if isPing(e.Scheme) {
		e.Scheme = "ip" // package endpoint does not know the other; ofFamily keeps the right ones
	}
	all, err := e.Resolve(ctx, n.resolver)
	for _, one := range all {
		if a, bad := netip.ParseAddr(one.Host); bad == nil {
			l.addrs = append(l.addrs, a)
		}
	}
	l.err = err
	close(l.done)
	return l
}

// ofFamily keeps the addresses of the family that e's scheme and its option source=
// ask for.
func ofFamily(e endpoint.Endpoint, addrs []netip.Addr) ([]netip.Addr, error) {
	source := sourceOf(e)
	keep := func(a netip.Addr) bool {
		switch {
		case source.IsValid() && source.Is4() != a.Is4():
			return false
		case strings.HasSuffix(e.Scheme, "4"):
			return a.Is4()
		case strings.HasSuffix(e.Scheme, "6"):
			return a.Is6()
		}
		return true
	}
	var kept []netip.Addr
	for _, a := range addrs {
		if keep(a) {
			kept = append(kept, a)
		}
	}
	if len(kept) == 0 {
		return nil, opError("dial", e, errFamily)
	}
	return kept, nil
}

// sourceOf is the address of the option source=, which package transport has
// checked; not valid if there is none.
func sourceOf(e endpoint.Endpoint) netip.Addr {
	value, _ := e.Option("source")
	if ap, err := netip.ParseAddrPort(value); err == nil {
		return ap.Addr().Unmap()
	}
	a, _ := netip.ParseAddr(strings.Trim(value, "[]"))
	return a.Unmap()
}

// inTurns lets the families take turns, the first address's first, as RFC 8305
// section 4 says.
func inTurns(addrs []netip.Addr) []netip.Addr {
	var first, other []netip.Addr
	for _, a := range addrs {
		if a.Is4() == addrs[0].Is4() {
			first = append(first, a)
		} else {
			other = append(other, a)
		}
	}
	turns := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(first), len(other)) {
		turns = append(turns, first[min(i, len(first)):min(i+1, len(first))]...)
		turns = append(turns, other[min(i, len(other)):min(i+1, len(other))]...)
	}
	return turns
}

// ipv4First is the order in which datagrams are sent, see package transport.
func ipv4First(addrs []netip.Addr) []netip.Addr {
	return slices.SortedStableFunc(slices.Values(addrs), func(a, b netip.Addr) int {
		return cmp.Compare(a.BitLen(), b.BitLen())
	})
}

// at is e at an address in numbers.
func at(e endpoint.Endpoint, a netip.Addr) endpoint.Endpoint {
	e.Host = a.String()
	return e
}

// opError is one of package transport, with what repeats the address taken off.
func opError(op string, e endpoint.Endpoint, err error) error {
	return &transport.OpError{Op: op, Endpoint: e, Err: inner(err)}
}
