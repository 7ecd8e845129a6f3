package parley

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// A Service answers messages. One value serves every session of every
// listener it was given to, so Serve is called from many goroutines at once,
// but never twice at a time for the same session of a stream.
//
// A service does no I/O with its peer and never waits for it: it calls
// [Conn.Send], and the server writes. That is what lets the same service run
// in a goroutine per session, in a datagram loop, or in an event loop.
//
// Serve is called once per message, in the order of arrival. msg is valid
// during the call only. An error ends the session once what was sent before is
// written, and becomes the reason of its end; to end it in order call
// [Conn.End] and return nil.
//
// What else a service can do it says by the optional interfaces [Opener],
// [Closer], [Ender], [Streamer], [Framed], [LoopFree], [Stamper] and [Parallel], and by a String
// method, which names it in events.
type Service interface {
	Serve(c *Conn, msg []byte) error
}

// ServiceFunc makes a service of a function.
type ServiceFunc func(c *Conn, msg []byte) error

// Serve calls f.
func (f ServiceFunc) Serve(c *Conn, msg []byte) error { return f(c, msg) }

// An Opener is told when a session opens, before its first message: the place
// to speak first, or to set a value with [Conn.SetData]. An error refuses the
// session. On datagrams it opens with a peer's first datagram; for a service
// that is not a Closer every datagram is a session of its own.
type Opener interface {
	Open(c *Conn) error
}

// A Closer is told when a session has ended, once for each Open that returned
// nil. err is nil when both sides ended in order; a limit that ended it is one of
// the Err values of this package. Send does nothing any more.
//
// A Closer has sessions on datagrams too: the server keeps a table of peers for
// it, bounded by [Limits.Sessions], and ends those that are idle. For any other
// service a datagram's Conn lives during the call only, and must not be kept.
type Closer interface {
	Closed(c *Conn, err error)
}

// An Ender is told that its peer has ended its direction, after the last
// message was served. The other direction goes on until the service calls
// [Conn.End]. For a service that is not an Ender the server ends our
// direction as soon as what was sent is written.
type Ender interface {
	Ended(c *Conn) error
}

// A Streamer wants the raw stream instead of messages, on the transports that
// have one; on datagrams its Serve is called. Stream owns its goroutine and may
// block on conn, whose limits (idle, total, stall) the server enforces. It
// returns when both directions have ended or ctx is cancelled, which means that
// the server drains. The server then ends and closes conn; an error becomes the
// reason. conn has a CloseWrite method where the transport has half-close.
// [ConnOf] finds the session in ctx.
type Streamer interface {
	Stream(ctx context.Context, conn net.Conn) error
}

// Framed is a service that says how its messages are cut from a stream. An
// endpoint's option frame overrides it; without either it is [Raw].
type Framed interface {
	Framing() Framing
}

// LoopFree is a service that cannot be drawn into an endless exchange with
// another server, because it never answers, or never answers an answer. Others
// do not get datagrams that come from the port of a well-known answering
// service, and are refused on raw IP, where a socket hears what it sends.
type LoopFree interface {
	LoopFree() bool
}

// A Stamper is a service that has to know, better than it can tell by itself, when
// datagrams came and went: [Conn.Received] is then the system's receive timestamp, and
// Stamped is told the moment at which a datagram left that was sent by
// [Conn.SendStamped] with key. It is called from the datagram loops, one after another
// for each socket, before the next datagrams of that socket are served; it is not
// called where the system gives no transmit timestamps.
type Stamper interface {
	Stamped(key uint64, at time.Time)
}

// Parallel is a service that answers datagrams so quickly that it is worth a socket
// for each processor, all of the same port: the system spreads the peers over them.
// Serve is then called by several loops at once. A Closer, whose sessions one loop
// owns, has one socket whatever it says; so has everyone where the system cannot spread.
// A datagram to a broadcast address reaches every socket, and is served by each.
type Parallel interface {
	Parallel() bool
}

// serviceName is the name of s in events.
func serviceName(s Service) string {
	if n, ok := s.(fmt.Stringer); ok {
		return n.String()
	}
	name := fmt.Sprintf("%T", s)
	return strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
}

func loopFree(s Service) bool {
	l, ok := s.(LoopFree)
	return ok && l.LoopFree()
}
