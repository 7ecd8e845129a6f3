package parley

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// At most one goroutine at a time owns a session's write side, the one that set
// Conn.writing: the session's own at the end of a batch, the server's flusher
// after a Send from elsewhere, or the session's drainer, which the flusher starts
// for a peer that does not take everything at once. Whoever owns it writes until
// nothing is pending.

// writeChunk bounds what is written under one stall deadline, so that a slow
// peer that does take output is not stalled.
const writeChunk = 64 << 10

// beginBatch makes Send leave the writing to the flush that follows.
func (c *Conn) beginBatch() {
	c.mu.Lock()
	c.serving = true
	c.counts.bytesIn += int64(c.fresh)
	c.mu.Unlock()
	c.fresh = 0
}

// flush ends a batch: it writes what is pending, or, if another goroutine is at
// it and the peer lags, waits until the peer has taken enough.
func (c *Conn) flush() error {
	c.mu.Lock()
	c.serving = false
	c.counts.messagesIn += int64(c.batch)
	c.batch = 0
	for c.writing && c.pendingLocked() >= c.lis.limits.Pending {
		c.quiet.Wait()
	}
	if c.writing || c.out == nil {
		defer c.mu.Unlock()
		return c.werr
	}
	c.writing = true
	b := c.takeLocked()
	c.mu.Unlock()
	return c.writeOut(b, c.writeWaiting)
}

// finishWriting waits until everything that was sent is written or cannot be.
func (c *Conn) finishWriting() error {
	c.flush() // its error stays in werr
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		c.quiet.Wait()
	}
	return c.werr
}

// errWouldBlock says that the peer did not take everything at once.
var errWouldBlock = errors.New("write would block")

// takeLocked takes the pending output to write it; mu is held. With nothing
// pending it gives up the write side and returns nil.
func (c *Conn) takeLocked() *buffer {
	b := c.out
	c.out, c.taken = nil, 0
	c.lagging.Store(b != nil && len(b.b) >= c.lis.limits.Pending)
	if b == nil {
		c.writing = false
		c.quiet.Broadcast()
		return nil
	}
	c.taken = len(b.b)
	return b
}

// take is takeLocked for a goroutine that owns the write side.
func (c *Conn) take() *buffer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeLocked()
}

// writeOut writes b, and what is sent meanwhile, by write, and gives up the write
// side. If write would block it keeps the write side, puts back what is left and
// returns errWouldBlock.
func (c *Conn) writeOut(b *buffer, write func(*buffer) (int, error)) error {
	for b != nil {
		n, err := write(b)
		if err != nil {
			return c.failWrite(b, n, err)
		}
		outputs.put(b)
		c.mu.Lock()
		c.counts.bytesOut += int64(n)
		b = c.takeLocked()
		c.mu.Unlock()
	}
	return nil
}

// failWrite settles a write of n bytes of b that ended with err.
func (c *Conn) failWrite(b *buffer, n int, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.bytesOut += int64(n)
	c.taken = 0
	if err == errWouldBlock {
		b.shift(n)
		if c.out != nil { // sent meanwhile
			b.b = append(b.b, c.out.b...)
			outputs.put(c.out)
		}
		c.out = b
		c.lagging.Store(c.pendingLocked() >= c.lis.limits.Pending)
		return err
	}
	switch {
	case err == ErrTotal || !errors.Is(err, os.ErrDeadlineExceeded):
	case c.lis.srv.cut.Load():
		err = net.ErrClosed // closeAll sets a deadline before it closes
	default:
		err = ErrStalled
	}
	outputs.put(b)
	c.out = nil
	c.werr = err
	c.writing = false
	c.quiet.Broadcast()
	return err
}

// writeWaiting writes all of b, waiting for the peer as long as the stall
// limit allows.
func (c *Conn) writeWaiting(b *buffer) (n int, err error) {
	if c.message != nil {
		return c.writeMessages(b)
	}
	if c.raw != nil {
		if n, err = c.writeNow(b); err != errWouldBlock {
			return n, err
		}
	}
	m, err := c.writeStalling(b.b[n:])
	return n + m, err
}

func (c *Conn) writeMessages(b *buffer) (n int, err error) {
	for _, end := range b.ends {
		m, err := c.writeStalling(b.b[n:end])
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// writeStalling writes p, each chunk under its own deadline. A message
// transport's p is one chunk.
func (c *Conn) writeStalling(p []byte) (n int, err error) {
	stall := c.lis.limits.Stall
	if stall > 0 {
		defer c.nc.SetWriteDeadline(time.Time{})
	}
	for first := true; first || n < len(p); first = false {
		chunk := p[n:]
		if c.message == nil {
			chunk = chunk[:min(len(chunk), writeChunk)]
		}
		if stall > 0 {
			c.nc.SetWriteDeadline(time.Now().Add(stall))
		}
		m, err := c.nc.Write(chunk)
		n += m
		if m > 0 && c.message == nil && errors.Is(err, os.ErrDeadlineExceeded) && !c.lis.srv.cut.Load() {
			err = nil // slow, but not stalled
		}
		if err != nil {
			return n, err
		}
		if total := c.lis.limits.Total; total > 0 && c.lis.srv.now() >= c.opened+int64(total) {
			return n, ErrTotal
		}
		c.active.Store(c.lis.srv.now())
	}
	return n, nil
}

// A flusher writes what was sent to sessions outside their own goroutine. Its
// goroutine lives while there is something to write, and is waited for by the
// server.
type flusher struct {
	wg *sync.WaitGroup // the server's

	mu      sync.Mutex // guards what follows
	queue   []*Conn
	running bool
}

// add hands the write side of c to the flusher.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, c)
	if !f.running {
		f.running = true
		f.wg.Go(f.run)
	}
}

// run writes until the queue is empty. What is sent to a session while it waits
// in the queue goes out in the same write.
func (f *flusher) run() {
	var batch []*Conn
	for {
		f.mu.Lock()
		batch, f.queue = f.queue, batch[:0]
		if len(batch) == 0 {
			f.running = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		for i, c := range batch {
			c.flushElsewhere()
			batch[i] = nil
		}
	}
}

// flushElsewhere writes what is pending without waiting for the peer; if that
// cannot be, the session's drainer does it.
func (c *Conn) flushElsewhere() {
	if c.dg != nil {
		c.dg.writeOut()
		return
	}
	if c.raw != nil {
		c.active.Store(c.lis.srv.now())
		switch c.writeOut(c.take(), c.writeNow) {
		case nil:
			return
		case errWouldBlock:
		default:
			c.wake()
			return
		}
	}
	c.lis.srv.wg.Go(c.drainOut)
}

// drainOut writes what is pending however long the stall limit allows. When the
// peer takes nothing it ends the session.
func (c *Conn) drainOut() {
	if c.writeOut(c.take(), c.writeWaiting) != nil {
		c.wake()
	}
}

// closeWrite passes our end on to the peer, where the transport can.
func closeWrite(nc net.Conn) error {
	if h, ok := nc.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}
