package bench

import "time"

// A sockinfo is what the system knows of a session's socket. It is read once, at
// the end of the session, before the socket is closed.
type sockinfo struct {
	tcp         bool          // the two that follow are known
	retransmits int64         // segments that were sent again
	rtt         time.Duration // smoothed round trip time, as the system measures it

	drops int64 // datagrams that arrived and found the receive buffer full; -1 not known
}

// nothingKnown is the sockinfo of what is no socket, or of a system that does not tell.
var nothingKnown = sockinfo{drops: -1}
