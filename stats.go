package parley

import (
	"maps"
	"sync"

	"parley/endpoint"
)

// counters are the rare things that a listener counts.
type counters struct {
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
	Pin      string // of a TLS listener's certificate, or ""

	Open                    int              // sessions now
	Accepted                int64            // sessions ever
	Ended                   map[string]int64 // sessions by Reason
	Rejected                map[string]int64 // sessions and datagrams refused, by Reason
	BytesIn, BytesOut       int64            // payload
	MessagesIn, MessagesOut int64
}

// Stats returns what each listener counted, in the order of Listen. It looks at
// every open session: the path of the messages counts nothing for it.
func (s *Server) Stats() []Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := make(map[*listener]counts)
	for c := range s.sessions {
		if c.dg == nil {
			n := moved[c.lis]
			n.add(c.moved())
			moved[c.lis] = n
		}
	}
	list := make([]Stats, 0, len(s.listeners))
	for _, l := range s.listeners {
		n := moved[l]
		n.add(l.moved)
		for _, d := range l.loops {
			n.add(d.counts())
		}
		ended, rejected := l.stats.clone()
		list = append(list, Stats{
			Service: l.name, Endpoint: l.endpoint, Pin: l.pin(),
			Open: l.sessions, Accepted: l.accepted, Ended: ended, Rejected: rejected,
			BytesIn: n.bytesIn, BytesOut: n.bytesOut, MessagesIn: n.messagesIn, MessagesOut: n.messagesOut,
		})
	}
	return list
}

func (n *counters) clone() (ended, rejected map[string]int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.ended), maps.Clone(n.rejected)
}

// moved is what a session moved so far.
func (c *Conn) moved() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// counts is what a datagram listener moved so far.
func (d *datagrams) counts() counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.moved
}
