package parley

import (
	"net"
	"time"

	"parley/endpoint"
)

// EventKind says what happened. Its text is the first word of a log line.
type EventKind uint8

// The kinds of events.
const (
	EventListen  EventKind = iota + 1 // a listener is bound
	EventAccept                       // a session opened, its handshake done
	EventMessage                      // a message was received or sent; only with Server.Messages
	EventNote                         // a service has something to say
	EventEnd                          // a session ended
	EventReject                       // a session or datagram was refused by a limit
	EventFail                         // a listener cannot accept, or a service panicked
	EventStatus                       // a listener recovered, or lost a fast path
)

// String is the first word of the log line.
func (k EventKind) String() string {
	switch k {
	case EventListen:
		return "listen"
	case EventAccept:
		return "accept"
	case EventMessage:
		return "message"
	case EventNote:
		return "note"
	case EventEnd:
		return "end"
	case EventReject:
		return "reject"
	case EventFail:
		return "fail"
	case EventStatus:
		return "status"
	}
	return "unknown"
}

// An Event is something that happened in a server. The function that gets it
// may not keep it, nor Data, after it returned; it is called from many
// goroutines at once, on the path of the messages, and should be quick.
type Event struct {
	Kind     EventKind
	Time     time.Time
	Service  string            // the service's name
	Endpoint endpoint.Endpoint // the listener's real endpoint
	Session  uint64            // 0 where there is no session
	Remote   net.Addr          // nil where there is no peer
	Out      bool              // message: sent, not received
	Data     []byte            // message: its bytes
	Text     string            // note, fail, status: in words
	Err      error             // end, reject, fail: why; nil at an end in order

	// Of an end: the session's totals. Bytes are payload, as the transport
	// carried it, without TLS or WebSocket around it.
	BytesIn, BytesOut       int64
	MessagesIn, MessagesOut int64
	Duration                time.Duration
}
