package chat

import "sync/atomic"

// Stats is what a Hub counted since it was started.
type Stats struct {
	Members    int   // who is here now, without those of other hubs
	Rooms      int   // with somebody in them
	Posts      int64 // messages that were stored
	Repeats    int64 // posts that came again
	Refused    int64 // posts that were refused, for now or for good
	Deliveries int64 // messages sent to members as they came
	Missed     int64 // and not sent, since the member did not read
	Dropped    int64 // lines not sent to an address that had not proved itself
	Resumed    int64 // clients that came back
}

type counters struct {
	posts, repeats, refused, deliveries, missed, dropped, resumed atomic.Int64
}

// Stats returns what the hub counted.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	members, rooms := len(h.members), len(h.rooms)
	h.mu.Unlock()
	n := &h.counts
	return Stats{
		Members: members, Rooms: rooms,
		Posts: n.posts.Load(), Repeats: n.repeats.Load(), Refused: n.refused.Load(),
		Deliveries: n.deliveries.Load(), Missed: n.missed.Load(), Dropped: n.dropped.Load(),
		Resumed: n.resumed.Load(),
	}
}
