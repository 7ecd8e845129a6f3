package parley

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"parley/endpoint"
)

// Limits protect a server. In each field zero is the default that is named and
// a negative value switches the limit off. The options of an endpoint
// (maxsessions, peraddr, idle, total, maxmessage) override them for its
// listener. A Limits is not modified after it was handed over.
type Limits struct {
	// Sessions is how many sessions a listener has at once. Default 16384.
	Sessions int

	// PerAddress is how many of them one peer address may have; an IPv6
	// address counts as its /64. Default 1024. The default exempts loopback
	// and Unix sockets, a value that was set does not exempt loopback.
	PerAddress int

	// Handshake is how long a TLS or WebSocket handshake may take, in all.
	// Default 10 s.
	Handshake time.Duration

	// Idle is how long a session may be silent in both directions.
	// Default 5 min.
	Idle time.Duration

	// Total is how long a session may last. Default none.
	Total time.Duration

	// Message is the size of the largest message taken, in bytes.
	// Default 64 KiB.
	Message int

	// Pending is how many bytes of output may wait for a peer before the
	// session is not read from and Send returns ErrBacklogged. Default
	// 256 KiB. It cannot be switched off: negative is the default.
	Pending int

	// Stall is how long a peer may take no output at all. It is measured from
	// write to write, so a peer that stops in the middle of one has up to twice
	// as long. Default 30 s.
	Stall time.Duration

	// Linger is how long the peer may take to end its direction after we
	// ended ours, with what it still sends thrown away. Default 5 s.
	Linger time.Duration

	// Answer is by how many bytes all answers to one datagram may be longer
	// than it. Default 256. It cannot be switched off: negative is zero.
	Answer int
}

// The defaults of Limits.
const (
	defaultSessions   = 16384
	defaultPerAddress = 1024
	defaultHandshake  = 10 * time.Second
	defaultIdle       = 5 * time.Minute
	defaultMessage    = 64 << 10
	defaultPending    = 256 << 10
	defaultStall      = 30 * time.Second
	defaultLinger     = 5 * time.Second
	defaultAnswer     = 256
)

// unlimited stands for a limit on a number that is switched off. It leaves room
// to add to it.
const unlimited = 1 << 30

// longestLimit is more than any session lasts, and leaves room to add the time.
const longestLimit = 100 * 365 * 24 * time.Hour

// setting is the value of a limit, at most most: its default for zero, off for a
// negative one.
func setting[T int | time.Duration](v, def, off, most T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return off
	}
	return min(v, most)
}

func number(v, def, off int) int              { return setting(v, def, off, unlimited) }
func span(v, def time.Duration) time.Duration { return setting(v, def, 0, longestLimit) }

// effective is l with every default filled in. A duration of 0 is off.
func (l Limits) effective() Limits {
	return Limits{
		Sessions:   number(l.Sessions, defaultSessions, unlimited),
		PerAddress: number(l.PerAddress, defaultPerAddress, unlimited),
		Handshake:  span(l.Handshake, defaultHandshake),
		Idle:       span(l.Idle, defaultIdle),
		Total:      span(l.Total, 0),
		Message:    number(l.Message, defaultMessage, unlimited),
		Pending:    number(l.Pending, defaultPending, defaultPending),
		Stall:      span(l.Stall, defaultStall),
		Linger:     span(l.Linger, defaultLinger),
		Answer:     number(l.Answer, defaultAnswer, 0),
	}
}

// String lists every limit in force, defaults included, as the options of an
// endpoint name them.
func (l Limits) String() string {
	e := l.effective()
	count := func(n int) string {
		if n == unlimited {
			return "off"
		}
		return strconv.Itoa(n)
	}
	span := func(d time.Duration) string {
		if d == 0 {
			return "off"
		}
		return d.String()
	}
	return fmt.Sprintf("maxsessions=%s peraddr=%s handshake=%s idle=%s total=%s maxmessage=%s pending=%d stall=%s linger=%s answer=+%d",
		count(e.Sessions), count(e.PerAddress), span(e.Handshake), span(e.Idle), span(e.Total),
		count(e.Message), e.Pending, span(e.Stall), span(e.Linger), e.Answer)
}

// override is l with the options of e in place of its values. In an option 0
// switches a limit off: nobody would ask for a server of no sessions.
func (l Limits) override(e endpoint.Endpoint) (Limits, error) {
	var err error
	number := func(name string, to *int) {
		if v, ok := e.Option(name); ok && err == nil {
			var n int64
			if n, err = endpoint.ParseSize(v); err != nil {
				err = fmt.Errorf("option %s: %w", name, err)
			}
			if *to = int(min(n, unlimited)); n == 0 {
				*to = -1
			}
		}
	}
	span := func(name string, to *time.Duration) {
		if v, ok := e.Option(name); ok && err == nil {
			if *to, err = endpoint.ParseDuration(v); err != nil {
				err = fmt.Errorf("option %s: %w", name, err)
			}
			if *to == 0 {
				*to = -1
			}
		}
	}
	number("maxsessions", &l.Sessions)
	number("peraddr", &l.PerAddress)
	number("maxmessage", &l.Message)
	span("idle", &l.Idle)
	span("total", &l.Total)
	return l, err
}

// access says which addresses may open a session: those that no deny prefix
// holds, and that an allow prefix holds if there is any.
type access struct{ allow, deny []netip.Prefix }

func accessOf(e endpoint.Endpoint) (access, error) {
	var a access
	var err error
	if v, ok := e.Option("allow"); ok {
		if a.allow, err = parsePrefixes(v); err != nil {
			return a, fmt.Errorf("option allow: %w", err)
		}
	}
	if v, ok := e.Option("deny"); ok {
		if a.deny, err = parsePrefixes(v); err != nil {
			return a, fmt.Errorf("option deny: %w", err)
		}
	}
	return a, nil
}

// parsePrefixes reads addresses and prefixes with commas between them.
func parsePrefixes(s string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for word := range strings.SplitSeq(s, ",") {
		if addr, err := netip.ParseAddr(word); err == nil {
			addr = addr.Unmap().WithZone("")
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("%q: want addresses or prefixes (10.0.0.0/8) with commas between them", word)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

func (a access) admits(addr netip.Addr) bool {
	addr = addr.WithZone("")
	for _, p := range a.deny {
		if p.Contains(addr) {
			return false
		}
	}
	for _, p := range a.allow {
		if p.Contains(addr) {
			return true
		}
	}
	return len(a.allow) == 0
}
