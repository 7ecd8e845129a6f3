package chat

import (
	"context"
	"errors"
	"time"

	"parley/chat/wire"
)

// A Log keeps the messages of all rooms in one order. A [Hub] has one; several
// hubs on one log, in this process or in others, share rooms. Its methods are
// safe for concurrent use.
type Log interface {
	// Append stores m, whose Seq and Time it sets, and then calls done once,
	// from any goroutine, perhaps before it returns. It does not wait for
	// storage and keeps the order of the calls of one goroutine. A message whose
	// Author and ID are stored already is not stored again: seq is where it
	// is. With an error the message may still have been stored, unless it
	// matches [ErrNotStored]; to append it again is always right.
	Append(m wire.Message, done func(seq uint64, err error))

	// Follow calls deliver for every message stored from now on, by whomever,
	// in the order of Seq, each once, from one goroutine at a time, until ctx
	// ends; it returns when the log is followed. deliver must not block. It is
	// called once, before Append.
	Follow(ctx context.Context, deliver func(wire.Message)) error

	// Read returns a page of a room's messages, oldest first, and whether there
	// are more of what was asked.
	Read(ctx context.Context, q Query) (page []wire.Message, more bool, err error)

	// Last is the Seq of a room's last message, 0 if there is none.
	Last(ctx context.Context, room string) (uint64, error)

	// Rooms are the rooms that have messages, with the Seq of the last of each
	// where that is known without reading them, else 0.
	Rooms(ctx context.Context) (map[string]uint64, error)
}

// A Query asks for messages of a room. The zero values of its bounds ask for
// all; Last asks for the last of what the bounds leave.
type Query struct {
	Room   string
	After  uint64    // Seq > After
	Before uint64    // Seq < Before, if it is not 0
	Since  time.Time // not stored before
	Last   int       // only the last n of them; 0 is all
	Limit  int       // a page has no more messages; 0 is PageMessages
}

// The size of a page of history. A page has at least one message, if there is
// one, however long.
const (
	PageMessages = 500
	PageBytes    = 64 << 10 // of texts
)

// ErrNotStored is matched by an error of Append after which the message is
// certainly not stored: the disk is full, or the log has refused it.
var ErrNotStored = errors.New("not stored")
