package parley

import "time"

// The table of peers of a service with sessions on datagrams: opened by a peer's first
// datagram, ended by the service, by a limit, or by the drain. It is the loop's alone.

// settle ends a session whose datagram was served, if it is to end.
func (d *datagrams) settle(c *Conn, err error) {
	c.mu.Lock()
	c.serving = false
	c.mu.Unlock()
	if err != nil || c.ended() {
		d.end(c, err)
		return
	}
	d.armFor(c)
}

// session finds the sender's session, which may now be answered size bytes
// more, or opens one.
func (d *datagrams) session(size int) (*Conn, error) {
	if c := d.peers[d.from.key()]; c != nil {
		c.mu.Lock()
		c.allowance += size
		c.mu.Unlock()
		return c, nil
	}
	from := d.from
	c := &Conn{lis: d.lis, dg: d, peer: &from, opened: d.lis.srv.now(), idle: int64(d.lis.limits.Idle)}
	c.quiet.L = &c.mu
	c.active.Store(c.opened)
	c.allowance, c.serving = size+d.lis.limits.Answer, true
	if err := d.lis.srv.track(c); err != nil {
		return nil, err
	}
	d.peers[from.key()] = c
	d.lis.emit(&Event{Kind: EventAccept, Session: c.id, Remote: c.RemoteAddr()})
	if err := c.openDatagram(); err != nil {
		d.forget(c)
		d.lis.ended(c, err) // which counts it
		return nil, nil
	}
	return c, nil
}

func (c *Conn) openDatagram() (err error) {
	if c.lis.opener == nil {
		return nil
	}
	defer c.recovering(&err)
	return c.lis.opener.Open(c)
}

// end ends a session and tells the service.
func (d *datagrams) end(c *Conn, err error) {
	d.forget(c)
	c.closed(err)
	d.lis.ended(c, err)
}

// forget takes a session off the table.
func (d *datagrams) forget(c *Conn) {
	c.mu.Lock()
	c.enterLocked(stateClosed)
	c.mu.Unlock()
	delete(d.peers, c.peer.key())
	d.lis.srv.untrack(c)
}

// sweepPause is the least time between two looks at the table of peers.
const sweepPause = 10 * time.Millisecond

// sweep ends the sessions that ended themselves or are past a limit, and sets
// the deadline of the next sweep.
func (d *datagrams) sweep() {
	now := d.lis.srv.now()
	next := int64(0)
	for _, c := range d.peers {
		if c.ended() {
			d.end(c, nil)
		} else if err := c.expired(now); err != nil {
			d.end(c, err)
		} else if at := c.limitAt(); at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if next != 0 {
		next = max(next, now+int64(sweepPause))
	}
	d.arm(next)
}

// armFor makes sure that the next sweep is not too late for c.
func (d *datagrams) armFor(c *Conn) {
	if at := c.limitAt(); at != 0 && (d.armed == 0 || at < d.armed) {
		d.arm(at)
	}
}

// arm sets when the loop is to wake up without a datagram; 0 is never. Whoever
// wakes the loop does it by the same deadline, after setting woken.
func (d *datagrams) arm(at int64) {
	d.armed = at
	d.limit.Lock()
	defer d.limit.Unlock()
	if d.draining {
		return
	}
	var deadline time.Time
	if at != 0 {
		deadline = d.lis.srv.at(at)
	}
	d.pc.SetReadDeadline(deadline)
	if d.woken.Load() {
		d.pc.SetReadDeadline(longAgo)
	}
}
