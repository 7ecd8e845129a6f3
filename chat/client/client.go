package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"parley/chat/wire"
)

// A Client takes part in the rooms of a server. Its methods are safe for
// concurrent use.
type Client struct {
	cfg    Config        // constant
	events chan Event    // closed by Run
	kick   chan struct{} // of 1: Run is to look at the session
	ended  chan struct{} // closed when Run has returned

	mu      sync.Mutex // guards what follows
	moved   sync.Cond  // the session has something to show or to send, or was relieved of it
	changed chan struct{}
	s       *session
	running bool
	armed   time.Time // when Run looks at the session anyway
	reading bool      // a conn is open, and read and written
	over    bool      // Run ends: what is not shown yet is shown, and no more comes
	giveUp  func()    // ends dialling; nil while nobody dials
}

// A Query asks for messages of a room. The zero values of its bounds ask for
// all, oldest first; Last asks for the last of what the bounds leave.
type Query struct {
	After  uint64    // Seq > After
	Before uint64    // Seq < Before, if it is not 0
	Since  time.Time // not stored before
	Last   int       // only the last n of them; 0 is all
}

const eventBuffer = 64 // of the channel

// New makes a client that does not run yet. What is posted before Run is kept.
func New(c Config) *Client {
	cl := &Client{
		cfg:     c,
		events:  make(chan Event, eventBuffer),
		kick:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
		changed: make(chan struct{}),
		s:       newSession(c, rand.Float64),
	}
	cl.moved.L = &cl.mu
	return cl
}

// Events is what happens, in its order. It has to be read until it is closed,
// when Run returns. While nobody reads it the network is not read either.
func (c *Client) Events() <-chan Event { return c.events }

// Post queues what the user says in a room: one of Config.Rooms or one that was
// joined, also if the server has not answered yet; "" is the first of Config.Rooms. It never
// blocks. The text is sent as text.Clean makes it.
//
// Errors to test for: ErrNotJoined, ErrEmpty, ErrTooLong, ErrBacklogged, ErrEnded.
func (c *Client) Post(room string, kind wire.Kind, text string) (id uint64, err error) {
	c.mu.Lock()
	defer c.settledLocked()
	if c.over {
		return 0, ErrEnded
	}
	return c.s.post(time.Now(), room, kind, text)
}

// PostWait is Post, but waits while wire.Window posts are not acknowledged: for
// who has more to say than the server takes at a time. ctx bounds the wait; a post that can
// be queued is, whatever ctx says.
func (c *Client) PostWait(ctx context.Context, room string, kind wire.Kind, text string) (id uint64, err error) {
	for {
		c.mu.Lock()
		if c.s.posting.unacked < wire.Window {
			c.mu.Unlock()
			return c.Post(room, kind, text)
		}
		changed := c.changed
		c.mu.Unlock()
		if err := c.await(ctx, changed); err != nil {
			return 0, err
		}
	}
}

// Tell queues what the user says to one person. Delivered or Refused tells
// what became of it. The errors are those of Post, or say what is wrong with the name.
func (c *Client) Tell(name, text string) (id uint64, err error) {
	c.mu.Lock()
	defer c.settledLocked()
	if c.over {
		return 0, ErrEnded
	}
	return c.s.tell(time.Now(), name, text)
}

// Join enters a room: Joined comes, or Problem. It is joined again after cuts.
func (c *Client) Join(room string) { c.want(func(now time.Time) { c.s.join(now, room) }) }

// Part leaves a room, "" the first: Parted comes, when what was posted to it is acknowledged.
func (c *Client) Part(room string) { c.want(func(now time.Time) { c.s.part(now, room) }) }

// Nick asks for another name: Renamed comes, or Problem.
func (c *Client) Nick(name string) { c.want(func(now time.Time) { c.s.nick(now, name) }) }

// Who asks who is in a room, "" is the first: Members comes, or Problem.
func (c *Client) Who(room string) { c.want(func(now time.Time) { c.s.who(now, room) }) }

// Rooms asks which rooms there are: RoomList comes.
func (c *Client) Rooms() {
	c.want(func(now time.Time) { c.s.askFor(now, wire.VerbRooms, "") })
}

// Past asks for history of a room, "" is the first: a Page with this tag comes,
// or Problem.
func (c *Client) Past(room string, q Query) (tag string) {
	c.want(func(now time.Time) { tag = c.s.past(now, room, q) })
	return tag
}

// want hands a wish of the user to the session.
func (c *Client) want(f func(now time.Time)) {
	c.mu.Lock()
	defer c.settledLocked()
	if !c.over {
		f(time.Now())
	}
}

// Unacknowledged is how many posts the server has neither stored nor refused.
func (c *Client) Unacknowledged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s.posting.unacked
}

// Flush waits until everything posted is acknowledged or refused. ctx bounds
// the wait. The error says how much is left, and matches that of ctx or ErrEnded.
func (c *Client) Flush(ctx context.Context) error {
	for {
		c.mu.Lock()
		left, changed := c.s.posting.unacked, c.changed
		c.mu.Unlock()
		if left == 0 {
			return nil
		}
		if err := c.await(ctx, changed); err != nil {
			return fmt.Errorf("%d not acknowledged: %w", left, err)
		}
	}
}

// await waits for a change.
func (c *Client) await(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ended:
		return ErrEnded
	}
}

// Quit takes no more posts, flushes, leaves, and waits until Run has returned,
// with nil. ctx bounds the flushing; what is not acknowledged then is given up, and the
// error is that of Flush. The events have to be read meanwhile.
func (c *Client) Quit(ctx context.Context) error {
	c.mu.Lock()
	c.s.closing = true
	c.mu.Unlock()
	err := c.Flush(ctx)

	c.mu.Lock()
	c.s.leave(time.Now())
	if c.giveUp != nil {
		c.giveUp()
	}
	running := c.running
	c.settledLocked()
	if running {
		<-c.ended
	}
	return err
}

// settledLocked is called with mu after anything was done with the session. It
// wakes who has something to do now, and unlocks mu.
func (c *Client) settledLocked() {
	defer c.mu.Unlock()
	if c.s.posting.settled {
		c.s.posting.settled = false
		close(c.changed)
		c.changed = make(chan struct{})
	}
	c.moved.Broadcast()
	if at := c.s.next(); c.s.verdict != nil || !at.IsZero() && (c.armed.IsZero() || at.Before(c.armed)) {
		select {
		case c.kick <- struct{}{}:
		default:
		}
	}
}
