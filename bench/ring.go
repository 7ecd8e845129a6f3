package bench

import "math/bits"

// A ring is a queue that grows by doubling. The zero ring is empty and holds no
// memory.
type ring[T any] struct {
	buf  []T // its length is a power of two, or 0
	head uint32
	n    uint32
}

func (r *ring[T]) len() int { return int(r.n) }

// push adds v at the end. It reports whether there was room: most, a power of two, is
// how many the ring may hold.
func (r *ring[T]) push(v T, most int) bool {
	if int(r.n) == len(r.buf) && !r.grow(most) {
		return false
	}
	r.buf[(r.head+r.n)&uint32(len(r.buf)-1)] = v
	r.n++
	return true
}

// grow doubles the room.
func (r *ring[T]) grow(most int) bool {
	size := max(2*len(r.buf), 1)
	if size > most {
		return false
	}
	buf := make([]T, size)
	k := copy(buf, r.buf[r.head:])
	copy(buf[k:], r.buf[:r.head])
	r.buf, r.head = buf, 0
	return true
}

// at is the i-th from the front.
func (r *ring[T]) at(i int) *T { return &r.buf[(r.head+uint32(i))&uint32(len(r.buf)-1)] }

// drop takes one from the front.
func (r *ring[T]) drop() {
	r.head = (r.head + 1) & uint32(len(r.buf)-1)
	r.n--
}

// mostBacklog is how many messages of all sessions together may be due and not
// over: more are not kept, but counted as unsent.
const mostBacklog = 1 << 24

// leastBacklog is what each session may have of them, however many sessions
// there are.
const leastBacklog = 64

// backlog is one session's part of mostBacklog, a power of two. The schedule
// gives all sessions alike, so they fill their parts alike.
func (p *plan) backlog() int {
	part := mostBacklog / max(p.load.Sessions, 1)
	floor := 1 << (bits.Len(uint(max(part, leastBacklog))) - 1)
	return max(floor, 1<<bits.Len(uint(max(p.load.Depth, 1)-1)))
}
