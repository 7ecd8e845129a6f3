package parley

import (
	"maps"
	"sync"
	"sync/atomic"

	"parley/endpoint"
)

// counters are what a listener counts.
type counters struct {
	accepted, bytesIn, bytesOut, messagesIn, messagesOut atomic.Int64

	mu       sync.Mutex // guards what follows
	ended    map[string]int64
	rejected map[string]int64
}

// count adds one to the reason of err in a map of n's.
func (n *counters) count(reasons *map[string]int64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if *reasons == nil {
		*reasons = make(map[string]int64)
	}
	(*reasons)[Reason(err)]++
}

// Stats is what a listener counted since it was bound.
type Stats struct {
	Service  string
	Endpoint endpoint.Endpoint
	Pin      string // of the key that a TLS listener without cert made, or ""

	Open                    int              // sessions now
	Accepted                int64            // sessions ever
	Ended                   map[string]int64 // sessions by Reason
	Rejected                map[string]int64 // sessions and datagrams refused, by Reason
	BytesIn, BytesOut       int64            // payload
	MessagesIn, MessagesOut int64
}

// Stats returns what each listener counted, in the order of Listen.
func (s *Server) Stats() []Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Stats, 0, len(s.listeners))
	for _, l := range s.listeners {
		n := &l.stats
		n.mu.Lock()
		ended, rejected := maps.Clone(n.ended), maps.Clone(n.rejected)
		n.mu.Unlock()
		list = append(list, Stats{
			Service: l.name, Endpoint: l.endpoint, Pin: l.pin(), Open: l.open,
			Accepted: n.accepted.Load(), Ended: ended, Rejected: rejected,
			BytesIn: n.bytesIn.Load(), BytesOut: n.bytesOut.Load(),
			MessagesIn: n.messagesIn.Load(), MessagesOut: n.messagesOut.Load(),
		})
	}
	return list
}
