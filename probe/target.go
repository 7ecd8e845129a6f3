package probe

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"parley/endpoint"
)

// A Target is one place to look at.
type Target struct {
	// Endpoint is where: its scheme is one that package transport dials, with one
	// port, or icmp, icmp4 or icmp6, with a host alone.
	Endpoint endpoint.Endpoint

	// Service is what is expected there, and says what to ask: "echo", "ntp",
	// "dns" ... "" is what is customary at the port.
	Service string
}

// String is what Parse reads back: SERVICE@ENDPOINT.
func (t Target) String() string {
	if t.Service == "" {
		return t.Endpoint.String()
	}
	return t.Service + "@" + t.Endpoint.String()
}

// Targets is what one text named: an endpoint with all its ports. It is a value
// that holds ranges, not every port of them.
type Targets struct {
	text   string
	target Target     // with the first port
	ports  []portSpan // in the order of the text, no port twice; none where the scheme has no port
}

// Len is how many targets there are.
func (t Targets) Len() int {
	if len(t.ports) == 0 && t.text != "" {
		return 1
	}
	n := 0
	for _, s := range t.ports {
		n += s.last - s.first + 1
	}
	return n
}

// All yields them in the order of the text. A port that is named twice is there
// once.
func (t Targets) All() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		if len(t.ports) == 0 && t.text != "" {
			yield(t.target)
			return
		}
		one := t.target
		for _, s := range t.ports {
			for port := s.first; port <= s.last; port++ {
				one.Endpoint.Port = strconv.Itoa(port)
				if !yield(one) {
					return
				}
			}
		}
	}
}

// String is the text that was read.
func (t Targets) String() string { return t.text }

// ported are the schemes whose port may be a list.
var ported = []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "tls", "ws", "wss"}

// pings are the schemes of hosts.
var pings = []string{"icmp", "icmp4", "icmp6"}

func isPorted(scheme string) bool { return slices.Contains(ported, scheme) }
func isPing(scheme string) bool   { return slices.Contains(pings, scheme) }
func isUDP(scheme string) bool    { return strings.HasPrefix(scheme, "udp") }
