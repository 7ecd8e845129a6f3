// Package bucket bounds how often an address is served, with a token bucket for each
// in memory of a fixed size.
package bucket

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// A Table holds a bucket for each address that was seen lately: an IPv4 address, or
// the /64 of an IPv6 one. It may be used by several goroutines at once, and does not
// allocate after New.
//
// Addresses share a fixed number of places. One that finds no place takes that of
// the fullest bucket near its own, which forgets least: so a flood of forged
// sources costs others their place only once they have been silent, and each of the
// flood begins with a full bucket.
type Table struct {
	rate  float64 // tokens a nanosecond
	burst float64
	seed  maphash.Seed

	parts [partCount]part
}

const (
	partCount = 64 // each with a lock of its own
	ways      = 8  // places that an address may have
)

type part struct {
	mu     sync.Mutex
	places []place
}

type place struct {
	addr   netip.Addr
	tokens float64
	at     int64 // nanoseconds, when tokens was right
}

// New makes a table of places buckets (rounded up), each of burst tokens, which
// gets rate of them back a second.
func New(rate, burst float64, places int) *Table {
	t := &Table{rate: rate / 1e9, burst: burst, seed: maphash.MakeSeed()}
	sets := max((places+partCount*ways-1)/(partCount*ways), 1)
	for i := range t.parts {
		t.parts[i].places = make([]place, sets*ways)
	}
	return t
}

// Take takes a token of addr's at the moment now, and reports whether there was one.
// left is how many are left, which is negative to -burst for an address that goes
// on without: it has to be silent for that long until it is served again.
func (t *Table) Take(addr netip.Addr, now time.Time) (left float64, ok bool) {
	return t.take(addr, now, t.burst)
}

// Try is as Take, but who goes on without a token has no debt: there is one again as
// soon as the rate allows.
func (t *Table) Try(addr netip.Addr, now time.Time) bool {
	_, ok := t.take(addr, now, 0)
	return ok
}

func (t *Table) take(addr netip.Addr, now time.Time, debt float64) (left float64, ok bool) {
	addr = prefix(addr)
	h := maphash.Comparable(t.seed, addr)
	p := &t.parts[h%partCount]
	sets := uint64(len(p.places) / ways)
	set := int(h / partCount % sets * ways)
	at := now.UnixNano()
	p.mu.Lock()
	defer p.mu.Unlock()
	b := t.find(p.places[set:set+ways], addr, at)
	if b.tokens < 1 {
		if debt > 0 {
			b.tokens = max(b.tokens-1, -debt)
		}
		return b.tokens, false
	}
	b.tokens--
	return b.tokens, true
}

// find returns the place of addr, filled up to now.
func (t *Table) find(set []place, addr netip.Addr, at int64) *place {
	var fullest *place
	for i := range set {
		b := &set[i]
		if !b.addr.IsValid() {
			b.tokens = t.burst
		}
		b.tokens = min(b.tokens+t.rate*float64(max(at-b.at, 0)), t.burst)
		b.at = at
		if b.addr == addr {
			return b
		}
		if fullest == nil || b.tokens > fullest.tokens {
			fullest = b
		}
	}
	*fullest = place{addr: addr, tokens: t.burst, at: at}
	return fullest
}

func prefix(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is4() {
		return addr
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}
