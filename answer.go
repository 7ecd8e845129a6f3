package parley

import (
	"fmt"
	"net"
)

// send queues msg for the peer of c; s says who is to know when it left.
func (d *datagrams) send(c *Conn, msg []byte, s stamp) error {
	if err := d.allow(c, len(msg)); err != nil {
		if err == ErrAnswerCap {
			d.lis.reject(c.RemoteAddr(), err)
		}
		return err
	}
	d.mu.Lock()
	if d.over || d.out.size() >= d.lis.limits.Pending {
		err := ErrBacklogged
		if d.over {
			err = net.ErrClosed
		}
		d.mu.Unlock()
		d.takeBack(c, len(msg))
		return err
	}
	start := len(d.out.data)
	d.out.data = append(d.out.data, msg...)
	d.out.list = append(d.out.list, packet{*c.peer, start, len(d.out.data), s})
	d.moved.messagesOut++
	wake := !d.serving && !d.writing
	if wake {
		d.writing = true // until the flusher has written
	}
	d.mu.Unlock()
	if wake {
		d.lis.srv.flusher.add(c)
	}
	d.lis.traceMessage(c, true, msg)
	return nil
}

// allow takes n bytes off what c's peer may be answered.
func (d *datagrams) allow(c *Conn, n int) error {
	if c == d.one {
		return d.allowLocked(c, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return d.allowLocked(c, n)
}

func (d *datagrams) allowLocked(c *Conn, n int) error {
	if c.state != stateOpen {
		return net.ErrClosed
	}
	if d.capped && !c.trusted {
		if n > c.allowance {
			return ErrAnswerCap
		}
		c.allowance -= n
	}
	c.counts.bytesOut += int64(n)
	c.counts.messagesOut++
	return nil
}

// flush ends a batch that was received: it sends what is queued, unless somebody else is at it;
// then it waits only if too much is.
func (d *datagrams) flush(received counts) {
	d.mu.Lock()
	d.serving = false
	d.moved.add(received)
	if d.writing {
		for d.writing && d.out.size() >= d.lis.limits.Pending {
			d.quiet.Wait()
		}
		d.mu.Unlock()
		return
	}
	d.writing = true
	d.mu.Unlock()
	d.writeOut()
}

// writeOut sends until nothing is queued, and gives up the write side.
func (d *datagrams) writeOut() {
	var p *packets
	sent := 0
	for {
		d.mu.Lock()
		d.moved.bytesOut += int64(sent)
		if p != nil {
			p.data, p.list = p.data[:0], p.list[:0]
			d.spare = p
		}
		if len(d.out.list) == 0 {
			d.writing = false
			d.quiet.Broadcast()
			d.mu.Unlock()
			return
		}
		p, d.out, d.spare = d.out, d.spare, nil
		d.mu.Unlock()
		var err error
		if sent, err = d.io.send(p); err != nil {
			d.lis.reject(nil, fmt.Errorf("send: %w", err))
		}
	}
}

// takeBack undoes allow for a message that was not queued.
func (d *datagrams) takeBack(c *Conn, n int) {
	if c != d.one {
		c.mu.Lock()
		defer c.mu.Unlock()
	}
	if d.capped && !c.trusted {
		c.allowance += n
	}
	c.counts.bytesOut -= int64(n)
	c.counts.messagesOut--
}
