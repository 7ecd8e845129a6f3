package parley

import "sync"

// bufferSize is how much one read takes. Waiting sessions hold no buffer, so it
// is chosen for throughput.
const bufferSize = 16 << 10

// bufferKeep is the largest buffer that goes back to the pool: one long message
// must not pin its memory for ever.
const bufferKeep = 256 << 10

// A buffer holds bytes on their way in or out. Where message boundaries matter,
// ends says where in b each message ends.
type buffer struct {
	b    []byte
	ends []int
	attempt
}

// A bufferPool keeps buffers that nobody uses.
type bufferPool struct{ pool sync.Pool }

// Input and output have a pool each: a sync.Pool has one place that is quick to
// reach, and a message takes a buffer of both.
var inputs, outputs bufferPool

func (p *bufferPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	b := &buffer{b: make([]byte, 0, bufferSize)}
	b.prepare()
	return b
}

func (p *bufferPool) put(b *buffer) {
	if cap(b.b) > bufferKeep {
		return
	}
	b.b, b.ends = b.b[:0], b.ends[:0]
	p.pool.Put(b)
}

// appendMessage appends msg as c's peer is to get it.
func (b *buffer) appendMessage(c *Conn, msg []byte) error {
	if c.message != nil {
		b.b = append(b.b, msg...)
		b.ends = append(b.ends, len(b.b))
		return nil
	}
	var err error
	b.b, err = c.framing().Append(b.b, msg)
	return err
}

// grow makes room for at least one more byte.
func (b *buffer) grow() {
	if len(b.b) == cap(b.b) {
		b.b = append(b.b, 0)[:len(b.b)]
	}
}

// shift takes the first n bytes off.
func (b *buffer) shift(n int) {
	b.b = b.b[:copy(b.b, b.b[n:])]
}
