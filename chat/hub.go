package chat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"parley"
	"parley/chat/text"
	"parley/chat/wire"
)

// A Hub is a server of rooms: a [parley.Service] for one or many servers and
// listeners. The zero value works, with the messages kept in memory. In each
// field zero is the default that is named, and a negative number or time switches
// it off where that makes sense. A Hub is not modified after Start and not
// copied; its methods may be called by several goroutines at once.
//
// Start comes before the server serves, Close after it was shut down.
type Hub struct {
	// Log keeps the messages. Nil is a Memory of the default size. Its maker
	// closes it, after the Hub.
	Log Log

	// Directory knows who is at other hubs of the log. Nil: there are none.
	Directory Directory

	// Lobby is the room where people meet, default "lobby".
	Lobby string

	// Replay is how many messages a plain peer is shown that comes into a room.
	// Default none.
	Replay int

	// Idle is how long a peer of datagrams may say nothing before it has left.
	// Default 2 min; negative is for ever. An endpoint's option idle overrides
	// it, and is the only thing that ends a stream for its silence.
	Idle time.Duration

	// Grace is for how long a client's name and place are kept after its
	// connection was cut, and nobody is told. Default 30 s; negative is none.
	Grace time.Duration

	// Hello is how long a stream may be silent before it is taken for a plain
	// peer and welcomed. Default 300 ms; negative: until it says something.
	Hello time.Duration

	// Flood bounds how much one peer says.
	Flood Flood

	// Rooms is how many rooms may have somebody in them, default 4096, and
	// MemberRooms how many one client may be in, default 64.
	Rooms, MemberRooms int

	// Transcript gets what is said, and who comes and goes, a line each without
	// its end. It is called by one goroutine at a time for each room, and must
	// neither block nor call the Hub. Nil is off.
	Transcript func(text string)

	// Constant after Start.
	log     Log
	lobby   string
	inline  bool // nothing that is asked of log or directory waits
	ctx     context.Context
	cancel  context.CancelFunc
	started atomic.Bool

	counts counters
	lag    laggards
	guests guests
	away   atomic.Int64   // how many clients are
	tasks  sync.WaitGroup // the goroutines that do people's work
	saying sync.Mutex     // held while Transcript is called

	mu       sync.Mutex // guards what follows
	closed   bool
	rooms    map[string]*room
	names    map[string]*person // by text.Fold
	clients  map[string]*person // by the public half of their secret
	members  map[*member]struct{}
	afar     afar          // who is at other hubs
	underway int           // see begun
	settled  chan struct{} // closed when underway is 0, if somebody waits for it
}

// The defaults of a Hub.
const (
	defaultLobby       = "lobby"
	defaultIdle        = 2 * time.Minute
	defaultGrace       = 30 * time.Second
	defaultHello       = 300 * time.Millisecond
	defaultRooms       = 4096
	defaultMemberRooms = 64
)

// closeWait is how long Close waits for the log to answer for what was posted.
const closeWait = 5 * time.Second

var errNotStarted = errors.New("chat: the hub is not started")

// Start begins to follow the log and the directory. ctx bounds the starting; the
// hub goes on until Close. It is called once.
func (h *Hub) Start(ctx context.Context) error {
	if h.ctx != nil {
		return errors.New("chat: start: the hub was started before")
	}
	h.lobby = defaultLobby
	if h.Lobby != "" {
		var err error
		if h.lobby, err = text.Room(h.Lobby); err != nil {
			return fmt.Errorf("chat: start: the lobby %q: %w", h.Lobby, err)
		}
	}
	if h.log = h.Log; h.log == nil {
		h.log = new(Memory)
	}
	_, memory := h.log.(*Memory)
	h.inline = memory && h.Directory == nil
	h.rooms = make(map[string]*room)
	h.names = make(map[string]*person)
	h.clients = make(map[string]*person)
	h.members = make(map[*member]struct{})
	h.afar.init()
	h.lag.hub = h
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, h.cancel)() // for as long as it starts
	if err := h.follow(); err != nil {
		h.cancel()
		return err
	}
	h.started.Store(true)
	return ctx.Err()
}

// follow follows the directory and the log.
func (h *Hub) follow() error {
	if h.Directory != nil {
		on := Elsewhere{Present: h.present, Absent: h.absent, Told: h.toldFromAfar}
		if err := h.Directory.Follow(h.ctx, on); err != nil {
			return fmt.Errorf("chat: start: follow the directory: %w", err)
		}
	}
	if err := h.log.Follow(h.ctx, h.deliver); err != nil {
		return fmt.Errorf("chat: start: follow the log: %w", err)
	}
	return nil
}

// Goodbye tells everybody that the server is about to shut down, which is of use
// before that begins. What they say is still taken.
func (h *Hub) Goodbye() {
	for _, m := range h.everybody() {
		m.sayBye(wire.WhyShutdown)
	}
}

// Close ends the hub: it says BYE to who is still there, waits until everything
// that was posted is stored or refused, for at most five seconds, and for its
// goroutines. The error is that of posts whose fate is not known.
func (h *Hub) Close() error {
	if h.ctx == nil {
		return nil
	}
	for _, m := range h.everybody() {
		m.sayBye(wire.WhyShutdown)
		m.conn.End()
	}
	unanswered := h.await(closeWait)
	for _, p := range h.people() {
		p.do(func() { p.leave(wire.WhyShutdown) }, false, 0)
	}
	h.await(closeWait)
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.tasks.Wait()
	h.lag.wait()
	if unanswered > 0 {
		return fmt.Errorf("chat: close: %d posts or other work not done", unanswered)
	}
	return nil
}

// everybody is a copy of the members.
func (h *Hub) everybody() []*member {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*member, 0, len(h.members))
	for m := range h.members {
		list = append(list, m)
	}
	return list
}

// people are those who have a name.
func (h *Hub) people() []*person {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*person, 0, len(h.names))
	for _, p := range h.names {
		list = append(list, p)
	}
	return list
}

// begun and ended count what is under way: posts that the log has not answered
// for, and people's work.
func (h *Hub) begun() {
	h.mu.Lock()
	h.underway++
	h.mu.Unlock()
}

func (h *Hub) ended() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.underway--; h.underway == 0 && h.settled != nil {
		close(h.settled)
		h.settled = nil
	}
}

// await waits until nothing is under way, and returns how much still is after
// limit.
func (h *Hub) await(limit time.Duration) int {
	h.mu.Lock()
	n := h.underway
	if n > 0 && h.settled == nil {
		h.settled = make(chan struct{})
	}
	settled := h.settled
	h.mu.Unlock()
	if n == 0 {
		return 0
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-settled:
		return 0
	case <-timer.C:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.underway
}

// spawn runs f in a goroutine that Close waits for. It reports false when the hub
// is closed.
func (h *Hub) spawn(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.underway++
	h.tasks.Go(func() {
		defer h.ended()
		f()
	})
	return true
}

// deliver is given every message that the log has stored, in order.
func (h *Hub) deliver(m wire.Message) {
	h.mu.Lock()
	r := h.rooms[m.Room]
	h.mu.Unlock()
	if r != nil {
		r.deliver(&m)
	}
	if h.Transcript != nil {
		h.saying.Lock()
		defer h.saying.Unlock()
		h.Transcript(transcriptOf(&m))
	}
}

// The fields' effective values.

func (h *Hub) idle() time.Duration  { return span(h.Idle, defaultIdle) }
func (h *Hub) grace() time.Duration { return span(h.Grace, defaultGrace) }
func (h *Hub) hello() time.Duration { return span(h.Hello, defaultHello) }
func (h *Hub) maxRooms() int        { return number(h.Rooms, defaultRooms) }
func (h *Hub) memberRooms() int     { return number(h.MemberRooms, defaultMemberRooms) }

// span is v, its default for 0, and 0, which is off, for a negative one.
func span(v, def time.Duration) time.Duration {
	if v == 0 {
		return def
	}
	return max(v, 0)
}

// number is v, its default for 0, and no bound for a negative one.
func number(v, def int) int {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 1 << 30
	}
	return v
}

// String is the name of the service.
func (h *Hub) String() string { return "chat" }

// Framing is that of plain peers, and so of everybody at first.
func (h *Hub) Framing() parley.Framing { return plainFraming{} }
