package chat

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"

	"parley/chat/wire"
)

// Memory is a [Log] in this process's memory: gone with it. The zero value works;
// in each field zero is the default that is named, and a negative value is no
// bound. It is not modified after the first use and not copied.
type Memory struct {
	Messages int           // kept of each room, default 10000
	Bytes    int64         // of texts kept of each room, default 4 MiB
	Age      time.Duration // after which a message is forgotten, default never
	MaxRooms int           // that have messages, default 4096; the one that was silent longest is forgotten

	order sync.Mutex // held from storing to delivering, so that both have one order

	mu    sync.Mutex // guards what follows
	on    func(wire.Message)
	until context.Context
	last  uint64
	rooms map[string]*memoryRoom
	seqs  map[postKey]uint64 // of what is kept
}

// The defaults of Memory.
const (
	defaultMessages    = 10_000
	defaultMemoryBytes = 4 << 20
)

// A postKey tells posts apart.
type postKey struct {
	author string
	id     uint64
}

// A memoryRoom is what is kept of a room, oldest first.
type memoryRoom struct {
	list  []wire.Message // from first on
	first int
	bytes int64
	last  uint64 // of all there ever were
}

func (r *memoryRoom) messages() []wire.Message { return r.list[r.first:] }

// Append stores m, delivers it, and calls done.
func (l *Memory) Append(m wire.Message, done func(seq uint64, err error)) {
	l.order.Lock()
	seq, on := l.store(&m)
	if on != nil {
		on(m)
	}
	l.order.Unlock()
	done(seq, nil)
}

// store stores m, and returns who follows, or nil if there is nothing to deliver.
func (l *Memory) store(m *wire.Message) (seq uint64, on func(wire.Message)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rooms == nil {
		l.rooms, l.seqs = make(map[string]*memoryRoom), make(map[postKey]uint64)
	}
	key := postKey{m.Author, m.ID}
	if seq, ok := l.seqs[key]; ok {
		return seq, nil
	}
	l.last++
	m.Seq, m.Time = l.last, time.Now().Truncate(time.Millisecond)
	r := l.rooms[m.Room]
	if r == nil {
		l.makeRoom()
		r = new(memoryRoom)
		l.rooms[m.Room] = r
	}
	r.list = append(r.list, *m)
	r.bytes += int64(len(m.Text))
	r.last = m.Seq
	l.seqs[key] = m.Seq
	l.forget(r, m.Time)
	if l.until == nil || l.until.Err() != nil {
		return m.Seq, nil
	}
	return m.Seq, l.on
}

// makeRoom makes room for a room; mu is held.
func (l *Memory) makeRoom() {
	if len(l.rooms) < number(l.MaxRooms, defaultRooms) {
		return
	}
	oldest := ""
	for name, r := range l.rooms {
		if oldest == "" || r.last < l.rooms[oldest].last {
			oldest = name
		}
	}
	for _, m := range l.rooms[oldest].messages() {
		delete(l.seqs, postKey{m.Author, m.ID})
	}
	delete(l.rooms, oldest)
}

// forget forgets what r has too much of; mu is held.
func (l *Memory) forget(r *memoryRoom, now time.Time) {
	most := number(l.Messages, defaultMessages)
	bytes := l.Bytes
	switch {
	case bytes == 0:
		bytes = defaultMemoryBytes
	case bytes < 0:
		bytes = 1 << 62
	}
	for list := r.messages(); len(list) > 0; list = r.messages() {
		old := l.Age > 0 && now.Sub(list[0].Time) > l.Age
		if !old && len(list) <= most && (r.bytes <= bytes || len(list) == 1) {
			break
		}
		delete(l.seqs, postKey{list[0].Author, list[0].ID})
		r.bytes -= int64(len(list[0].Text))
		list[0] = wire.Message{}
		r.first++
	}
	if r.first > 64 && r.first > len(r.list)/2 {
		n := copy(r.list, r.list[r.first:])
		clear(r.list[n:])
		r.list, r.first = r.list[:n], 0
	}
}

// Follow delivers what is stored, in the goroutine that appends it.
func (l *Memory) Follow(ctx context.Context, deliver func(wire.Message)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on != nil && l.until.Err() == nil {
		return errors.New("the log is followed already")
	}
	l.on, l.until = deliver, ctx
	return nil
}

// Read returns a page of a room's messages.
func (l *Memory) Read(_ context.Context, q Query) (page []wire.Message, more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[q.Room]
	if r == nil {
		return nil, false, nil
	}
	l.forget(r, time.Now())
	list := r.messages()
	from := sort.Search(len(list), func(i int) bool { return list[i].Seq > q.After })
	to := len(list)
	if q.Before > 0 {
		to = sort.Search(len(list), func(i int) bool { return list[i].Seq >= q.Before })
	}
	if !q.Since.IsZero() {
		from = max(from, sort.Search(len(list), func(i int) bool { return !list[i].Time.Before(q.Since) }))
	}
	if q.Last > 0 {
		from = max(from, to-q.Last)
	}
	if from >= to {
		return nil, false, nil
	}
	n := pageOf(list[from:to], q.Limit)
	return append([]wire.Message(nil), list[from:from+n]...), from+n < to, nil
}

// pageOf is how many messages of list a page has.
func pageOf(list []wire.Message, limit int) int {
	if limit <= 0 || limit > PageMessages {
		limit = PageMessages
	}
	bytes := 0
	for i := range list[:min(limit, len(list))] {
		bytes += len(list[i].Text)
		if bytes > PageBytes && i > 0 {
			return i
		}
	}
	return min(limit, len(list))
}

// Last is the Seq of a room's last message.
func (l *Memory) Last(_ context.Context, room string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.rooms[room]; r != nil {
		return r.last, nil
	}
	return 0, nil
}

// Rooms are the rooms that have messages.
func (l *Memory) Rooms(context.Context) (map[string]uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]uint64, len(l.rooms))
	now := time.Now()
	for name, r := range l.rooms {
		if l.forget(r, now); len(r.messages()) > 0 {
			all[name] = r.last
		}
	}
	return all, nil
}
