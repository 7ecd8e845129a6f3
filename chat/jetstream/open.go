package jetstream

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
	"parley/chat/wire"
)

// A Log keeps messages on NATS JetStream. [Open] makes one. Its methods are safe
// for concurrent use.
type Log struct {
	// Constant after Open.
	config   Config
	lock     *os.File // of an embedded store
	stored   *mark    // how far an embedded store has got
	replicas int
	base     context.Context // ends with Close
	cancel   context.CancelFunc

	link atomic.Pointer[link]
	last lastSeen
	wg   sync.WaitGroup // committer, follower, reopener

	mu        sync.Mutex
	closed    bool
	following bool
	queue     []post
	wake      chan struct{} // holds one when queue or closed has changed
}

var _ chat.Log = (*Log)(nil)

// Open opens a log, which the caller closes. ctx bounds the opening. The error
// may match [ErrLocked] or [ErrCorrupt].
func Open(ctx context.Context, c Config) (*Log, error) {
	l := &Log{config: c, wake: make(chan struct{}, 1)}
	var err error
	switch {
	case c.Store != "" && c.URL != "":
		return nil, fmt.Errorf("chat log: both a store %s and a URL %s", c.Store, redact(c.URL))
	case c.Store != "":
		err = l.openStore(ctx)
	case c.URL != "":
		err = l.openURL(ctx)
	default:
		return nil, fmt.Errorf("chat log: neither a store nor a URL")
	}
	if err != nil {
		return nil, fmt.Errorf("chat log %s: %w", c.where(), err)
	}
	l.base, l.cancel = context.WithCancel(context.Background())
	l.wg.Add(1)
	go l.commitAll() // until Close
	if c.Store != "" {
		l.wg.Add(1)
		go l.keepOpen() // until Close
	}
	return l, nil
}

// openURL connects to a server elsewhere.
func (l *Log) openURL(ctx context.Context) error {
	k, err := connectExternal(ctx, &l.config)
	if err != nil {
		return err
	}
	info, err := ensureExternal(ctx, k, &l.config)
	if err != nil {
		k.close()
		return err
	}
	l.replicas = info.Config.Replicas
	l.link.Store(k)
	return nil
}

// Replicas is how many servers keep each message: 1 for an embedded store.
func (l *Log) Replicas() int { return l.replicas }

// conn is the connection to an external server, which is the same until Close.
func (l *Log) conn() (*nats.Conn, natsjs.JetStream) {
	k := l.link.Load()
	return k.nc, k.js
}

// Close stores what was appended, ends the log's goroutines, and calls deliver no
// more. Its error is the first that kept it from leaving the store in order.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	l.nudge()
	l.cancel()
	l.wg.Wait()
	if l.config.Store == "" {
		l.link.Load().close()
		return nil
	}
	if err := l.closeStore(); err != nil {
		return fmt.Errorf("chat log %s: %w", l.config.where(), err)
	}
	return nil
}

// nudge wakes the committer.
func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// lastSeen is the last Seq of each room that this process knows of, by what was
// acknowledged and what was delivered.
type lastSeen struct {
	mu    sync.Mutex
	rooms map[string]uint64
}

// lastRooms bounds lastSeen. What is forgotten is only less sure to be read from a
// replica that lags.
const lastRooms = 16384

func (s *lastSeen) saw(m *wire.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms == nil || len(s.rooms) >= lastRooms {
		s.rooms = make(map[string]uint64)
	}
	if m.Seq > s.rooms[m.Room] {
		s.rooms[m.Room] = m.Seq
	}
}

func (s *lastSeen) of(room string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rooms[room]
}
