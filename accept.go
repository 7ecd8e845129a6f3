package parley

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// accept is a stream listener's loop. It ends when the listener is closed. It
// does nothing that a peer could delay: handshakes are the sessions' own.
func (l *listener) accept() {
	defer l.srv.accepting.Done()
	var pause time.Duration
	for {
		nc, err := l.ln.Accept()
		switch {
		case err == nil:
			if pause > 0 {
				l.emit(&Event{Kind: EventStatus, Text: "accepting again"})
			}
			pause = 0
			l.admit(nc)
		case l.srv.draining.Load() || errors.Is(err, net.ErrClosed):
			return
		default:
			if pause == 0 { // once an episode
				l.emit(&Event{Kind: EventFail, Text: "cannot accept, will try again", Err: err})
			}
			if pause = nextPause(pause); !l.sleep(pause) {
				return
			}
		}
	}
}

// The pauses after an accept that failed: the usual cause, too many open files,
// goes away by itself and not at once.
const (
	firstPause = 5 * time.Millisecond
	longPause  = time.Second
)

func nextPause(pause time.Duration) time.Duration {
	return min(max(firstPause, 2*pause), longPause)
}

// sleep waits for d, or false for the server's end.
func (l *listener) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.srv.ctx.Done():
		return false
	}
}

// admit starts a session, or refuses it by a limit.
func (l *listener) admit(nc net.Conn) {
	c := newSession(l, nc)
	if err := l.srv.track(c); err != nil {
		addr := nc.RemoteAddr()
		nc.Close()
		l.reject(addr, err)
		return
	}
	go c.run()
}

// reject counts and reports what a limit refused.
func (l *listener) reject(addr net.Addr, err error) {
	l.stats.count(&l.stats.rejected, err)
	l.emit(&Event{Kind: EventReject, Remote: addr, Err: err})
}

// ended counts and reports a session's end.
func (l *listener) ended(c *Conn, err error) {
	l.stats.count(&l.stats.ended, err)
	n := c.moved()
	l.emit(&Event{
		Kind: EventEnd, Session: c.id, Remote: c.RemoteAddr(), Err: err,
		BytesIn: n.bytesIn, BytesOut: n.bytesOut, MessagesIn: n.messagesIn, MessagesOut: n.messagesOut,
		Duration: time.Duration(l.srv.now() - c.opened),
	})
}

// track gives a session its place, from the moment of accept; its goroutine is
// counted from here on.
func (s *Server) track(c *Conn) error {
	addr := addressOf(c.RemoteAddr())
	l := c.lis
	if addr.IsValid() && !l.access.admits(addr) {
		return ErrDenied
	}
	key := site(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errDrained
	case l.sessions >= l.limits.Sessions:
		return ErrSessions
	case key.IsValid() && !(l.exempt && addr.IsLoopback()) && l.perAddress[key] >= l.limits.PerAddress:
		return ErrPerAddress
	case key.IsValid():
		l.perAddress[key]++
	}
	c.id = s.ids.Add(1)
	l.sessions++
	l.accepted++
	s.sessions[c] = struct{}{}
	if c.dg == nil {
		s.wg.Add(1)
	}
	return nil
}

// untrack frees a session's place.
func (s *Server) untrack(c *Conn) {
	key := site(addressOf(c.RemoteAddr()))
	l := c.lis
	s.mu.Lock()
	defer s.mu.Unlock()
	if key.IsValid() {
		if l.perAddress[key]--; l.perAddress[key] <= 0 {
			delete(l.perAddress, key)
		}
	}
	l.sessions--
	if c.dg == nil { // whose loop counts by itself
		l.moved.add(c.moved())
	}
	delete(s.sessions, c)
}

// addressOf is the IP address of a, the zero Addr if it has none.
func addressOf(a net.Addr) netip.Addr {
	var addr netip.Addr
	switch a := a.(type) {
	case *net.TCPAddr:
		addr, _ = netip.AddrFromSlice(a.IP)
	case *net.UDPAddr:
		addr, _ = netip.AddrFromSlice(a.IP)
	case *net.IPAddr:
		addr, _ = netip.AddrFromSlice(a.IP)
	}
	return addr.Unmap()
}

// site is what sessions per address are counted by: the address, or the /64 of
// an IPv6 one, since a single host has as many addresses as that.
func site(addr netip.Addr) netip.Addr {
	if !addr.Is6() || addr.IsLoopback() {
		return addr
	}
	p, _ := addr.WithZone("").Prefix(64)
	return p.Addr()
}
