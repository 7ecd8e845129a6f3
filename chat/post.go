package chat

import (
	"sync"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// posts are the numbers that somebody gave to what he posted. All below base are
// settled. From base to next each has a state: it is under way to the log, it was
// not stored and may come again, or it is settled too.
type posts struct {
	mu      sync.Mutex // guards what follows
	base    uint64
	next    uint64
	state   map[uint64]postState
	flying  int      // how many are under way
	failed  int      // how many have to come again
	untold  []uint64 // the last that were told to nobody
	allowed bucket
}

type postState uint8

const (
	postFlying postState = iota + 1
	postFailed
	postSettled
)

// A verdict is what is to be done with a post.
type verdict uint8

const (
	postNew      verdict = iota // it is its turn
	postRepeat                  // it was posted before, and is settled
	postUnderway                // it was posted before, and will be answered
	postEarly                   // another one comes first
)

// maxUnderway is how many posts of one person the log is given at a time; more than
// a client sends that keeps to its window.
const maxUnderway = 4 * wire.Window

// look says what is to be done with a post.
func (q *posts) look(id uint64) verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case id < q.base:
		return postRepeat
	case id-q.base >= maxUnderway: // what is refused at once is kept too, until those before it are settled
		return postEarly
	case id == q.expectedLocked():
		return postNew
	case id >= q.next:
		return postEarly
	}
	switch q.state[id] {
	case postFlying:
		return postUnderway
	case postSettled:
		return postRepeat
	}
	return postEarly
}

// expectedLocked is the number whose turn it is: the lowest that has to come
// again, or the next one. mu is held.
func (q *posts) expectedLocked() uint64 {
	if q.failed > 0 {
		for id := q.base; id < q.next; id++ {
			if q.state[id] == postFailed {
				return id
			}
		}
	}
	return q.next
}

func (q *posts) expected() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.expectedLocked()
}

// set gives a number, whose turn it is or was, another state.
func (q *posts) set(id uint64, s postState) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.setLocked(id, s)
}

func (q *posts) setLocked(id uint64, s postState) {
	if id < q.base {
		return
	}
	if q.state == nil {
		q.state = make(map[uint64]postState)
	}
	q.count(q.state[id], -1)
	q.count(s, 1)
	q.state[id] = s
	q.next = max(q.next, id+1)
	for q.state[q.base] == postSettled {
		delete(q.state, q.base)
		q.base++
	}
}

func (q *posts) count(s postState, n int) {
	switch s {
	case postFlying:
		q.flying += n
	case postFailed:
		q.failed += n
	}
}

// number gives a plain peer's post a number; 0 if too many are under way.
func (q *posts) number() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.flying >= maxUnderway {
		return 0
	}
	id := q.next
	q.setLocked(id, postFlying)
	return id
}

// resume begins at next: a client has been answered for all before.
func (q *posts) resume(next uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, s := range q.state {
		if id < next {
			q.count(s, -1)
			delete(q.state, id)
		}
	}
	q.base = max(q.base, next)
	q.next = max(q.next, q.base)
}

// underway is how many posts the log has not answered for.
func (q *posts) underway() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flying
}

// allow takes one off what somebody may say, or returns how long to wait.
func (q *posts) allow(f Flood) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.allowed.take(f, time.Now())
}

// post posts what a client said, or answers why not.
func (p *person) post(m *member, id uint64, room string, kind wire.Kind, body string) {
	v := p.posts.look(id)
	switch {
	case v == postEarly:
		p.nak(m, wire.Nak{ID: id, Code: wire.CodeOrder, Again: true, Text: "another post comes first"})
		return
	case v == postUnderway:
		return
	}
	msg, r := p.message(room, kind, body)
	if r != nil {
		p.posts.set(id, postSettled)
		p.nak(m, wire.Nak{ID: id, Code: r.code, Text: r.text})
		return
	}
	if wait := p.mayPost(); wait > 0 {
		p.nak(m, wire.Nak{ID: id, Code: wire.CodeFlood, Retry: wait, Text: "too much at a time"})
		return
	}
	if v == postNew {
		p.posts.set(id, postFlying)
	}
	msg.ID = id
	p.append(msg, v)
}

// mayPost is how long a client has to wait until it may post.
func (p *person) mayPost() time.Duration {
	if p.posts.underway() >= maxUnderway {
		return 250 * time.Millisecond
	}
	return p.posts.allow(p.hub.Flood)
}

// message is what p says in a room, unless it is refused for good.
func (p *person) message(room string, kind wire.Kind, body string) (wire.Message, *refusal) {
	body, r := cleanText(body)
	switch {
	case r != nil:
		return wire.Message{}, r
	case !kind.Valid():
		return wire.Message{}, &refusal{wire.CodeBadLine, "no kind of message"}
	}
	room, err := text.Room(room)
	if err != nil {
		return wire.Message{}, badRoom(err)
	}
	if p.seat(room) == nil {
		return wire.Message{}, &refusal{wire.CodeNotJoined, "not in " + room}
	}
	return wire.Message{Room: room, Name: p.called(), Author: p.author, Kind: kind, Text: body}, nil
}

// cleanText is what somebody says as others may be shown it.
func cleanText(body string) (string, *refusal) {
	body = text.Clean(body)
	switch {
	case body == "":
		return "", &refusal{wire.CodeEmpty, "nothing to say"}
	case len(body) > wire.MaxText:
		return "", &refusal{wire.CodeTooLong, "longer than 4096 bytes"}
	}
	return body, nil
}

// append hands a message to the log, and answers when it has.
func (p *person) append(msg wire.Message, v verdict) {
	p.hub.begun()
	p.hub.log.Append(msg, func(seq uint64, err error) {
		p.answered(msg.ID, seq, v, err)
		p.hub.ended()
	})
}

// answered tells the peer what became of a post.
func (p *person) answered(id, seq uint64, v verdict, err error) {
	if v == postNew {
		state := postSettled
		if err != nil && !p.plain() {
			state = postFailed
		}
		p.posts.set(id, state)
	}
	p.countPost(v, err)
	m := p.member.Load()
	if m == nil {
		return
	}
	switch {
	case p.plain() && err != nil:
		m.notify("not sent: the log cannot store: " + text.Clean(err.Error()))
	case p.plain():
	case err != nil:
		m.send(wire.Nak{ID: id, Code: wire.CodeStore, Retry: time.Second, Text: text.Clean(err.Error())}.Append(nil))
	default:
		m.send(wire.AppendAck(nil, id, seq))
	}
	if m.leaving.Load() {
		p.do(m.goIfSettled, false, 0)
	}
}

func (p *person) countPost(v verdict, err error) {
	n := &p.hub.counts
	switch {
	case err != nil:
		n.refused.Add(1)
	case v == postRepeat:
		n.repeats.Add(1)
	default:
		n.posts.Add(1)
	}
}

func (p *person) nak(m *member, n wire.Nak) {
	p.hub.counts.refused.Add(1)
	m.send(n.Append(nil))
}

// say posts what a plain peer said.
func (p *person) say(m *member, kind wire.Kind, body string) {
	if len(p.seats) == 0 {
		p.refuse(m, &refusal{wire.CodeNotJoined, "you are in no room, /join one"})
		return
	}
	msg, r := p.message(p.seats[0].room.name, kind, body)
	if r != nil {
		p.refuse(m, r)
		return
	}
	if p.flooded(m) {
		return
	}
	if msg.ID = p.posts.number(); msg.ID == 0 {
		p.refuse(m, &refusal{wire.CodeStore, "the log does not keep up"})
		return
	}
	p.append(msg, postNew)
}

// flooded reports whether a plain peer says too much at a time, which it is told
// once a second.
func (p *person) flooded(m *member) bool {
	if p.posts.allow(p.hub.Flood) == 0 {
		return false
	}
	p.hub.counts.refused.Add(1)
	if now := time.Now(); now.Sub(m.scolded) >= time.Second {
		m.scolded = now
		m.notify("not sent: too much at a time, say it again later")
	}
	return true
}

// refuse tells a plain peer why what it said was not sent.
func (p *person) refuse(m *member, r *refusal) {
	p.hub.counts.refused.Add(1)
	m.notify("not sent: " + r.text)
}
