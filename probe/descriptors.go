package probe

import (
	"net/netip"
	"slices"
)

// Descriptors that are left alone, for what else the process does.
const sparedDescriptors = 16

// nameDescriptors is how many a target by name may take at once: sockets of the
// resolver, and of the addresses that race.
const nameDescriptors = 4

// descriptorLimit is how many targets may be under way at once without running out
// of descriptors; at least one.
func descriptorLimit(targets []Targets) int {
	free, limited := freeDescriptors()
	if !limited {
		return int(^uint(0) >> 1)
	}
	each := 1
	if slices.ContainsFunc(targets, Targets.takesSeveral) {
		each = nameDescriptors
	}
	return max(1, (free-sparedDescriptors)/each)
}

// takesSeveral reports whether a target of t may need more than one descriptor.
func (t Targets) takesSeveral() bool {
	e := t.target.Endpoint
	if !isPorted(e.Scheme) && !isPing(e.Scheme) {
		return false
	}
	_, err := netip.ParseAddr(e.Host)
	return err != nil || t.target.Service == "tftp" || isUDP(e.Scheme) && t.has(69)
}

// has reports whether port is one of t's.
func (t Targets) has(port int) bool {
	return slices.ContainsFunc(t.ports, func(s portSpan) bool { return s.first <= port && port <= s.last })
}
