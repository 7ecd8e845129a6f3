package chat

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// A turn runs the work of one person one after the other: at once, in the
// goroutine that asks, where nothing waits and nothing is under way, else in a
// goroutine that lives while there is work.
type turn struct {
	mu    sync.Mutex // guards what follows
	busy  bool       // somebody is at it
	queue []task
	bytes int // of queue
}

type task struct {
	run  func()
	size int
}

// What may wait in a turn: more than a client may have under way.
const (
	turnTasks = 1024
	turnBytes = 512 << 10
)

// do runs f in its turn. slow says that f may wait for something. size is what f
// holds while it waits; do reports false if that is too much now. A size of
// 0 is never too much.
func (p *person) do(f func(), slow bool, size int) bool {
	t := &p.turn
	slow = slow && !p.hub.inline
	t.mu.Lock()
	if t.busy || slow {
		if size > 0 && (len(t.queue) >= turnTasks || t.bytes+size > turnBytes) {
			t.mu.Unlock()
			return false
		}
		t.queue = append(t.queue, task{f, size})
		t.bytes += size
		start := !t.busy
		t.busy = true
		t.mu.Unlock()
		if start {
			p.startWork()
		}
		return true
	}
	t.busy = true
	t.mu.Unlock()
	defer p.goOn()
	f()
	return true
}

// goOn gives the turn on, also when what was done in it panicked: the server ends
// that session, and what follows, its end first, still has to be done.
func (p *person) goOn() {
	if !p.rest() {
		p.startWork()
	}
}

// startWork hands a turn that is busy to a goroutine of its own. When the hub is
// closed there is none any more: then it is done here, and waits for nothing,
// since the hub's ctx is over.
func (p *person) startWork() {
	if !p.hub.spawn(p.work) {
		p.work()
	}
}

// work runs what is in the queue until it is empty.
func (p *person) work() {
	for !p.rest() {
		p.run(p.turn.next())
	}
}

// run runs t. A panic in it ends the session, as the server has it of what is done at once.
func (p *person) run(t task) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		m := p.member.Load()
		if m == nil {
			panic(v) // nobody's session
		}
		m.conn.Note(fmt.Sprintf("service panicked: %v\n%s", v, debug.Stack()))
		m.conn.End()
	}()
	t.run()
}

// rest ends a turn that has nothing to do, and reports whether it did.
func (p *person) rest() bool {
	t := &p.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) > 0 {
		return false
	}
	t.busy, t.queue = false, nil
	return true
}

func (t *turn) next() task {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.queue[0]
	t.queue[0] = task{}
	t.queue = t.queue[1:]
	t.bytes -= first.size
	return first
}
