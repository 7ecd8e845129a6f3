package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// handshakeTime is how long a peer may take for its handshake.
const handshakeTime = 10 * time.Second

// handshakes is how many peers are in a handshake, or have finished it and wait,
// at once. Further ones wait in the backlog.
const handshakes = 64

// callers are the peers of a listener, each ready for a conversation. A peer is
// accepted when it is wanted; handshakes run beside each other, and the first that
// is done is the first that is ready. It owns the listener.
type callers struct {
	// Constant.
	ln     net.Listener
	access access
	ready  chan caller
	turned chan error    // why a peer was turned away
	wanted chan struct{} // of 1
	room   chan struct{} // of handshakes
	quit   chan struct{}
	cancel context.CancelFunc // of the handshakes

	once sync.Once
	work sync.WaitGroup
}

// caller is a peer, or the end of the listener.
type caller struct {
	conn net.Conn
	err  error
}

func newCallers(ln net.Listener, a access) *callers {
	ctx, cancel := context.WithCancel(context.Background())
	c := &callers{
		ln: ln, access: a, cancel: cancel,
		ready: make(chan caller), turned: make(chan error),
		wanted: make(chan struct{}, 1), room: make(chan struct{}, handshakes), quit: make(chan struct{}),
	}
	c.work.Add(1)
	go c.accept(ctx) // ends with close, which waits for it, or when the listener is broken
	return c
}

// want asks for one caller more.
func (c *callers) want() {
	select {
	case c.wanted <- struct{}{}:
	default:
	}
}

// close closes the listener and the connections of those who wait. Calls after
// the first do nothing.
func (c *callers) close() {
	c.once.Do(func() {
		close(c.quit)
		c.cancel()
		c.ln.Close()
		c.work.Wait()
	})
}

// accept is the accept loop.
func (c *callers) accept(ctx context.Context) {
	defer c.work.Done()
	for {
		select {
		case <-c.wanted:
		case <-c.quit:
			return
		}
		if err := c.acceptOne(ctx); err != nil {
			select {
			case c.ready <- caller{err: err}:
			case <-c.quit:
			}
			return
		}
	}
}

// acceptOne accepts until a peer is ready that needs no handshake. Those that
// need one get ready by themselves.
func (c *callers) acceptOne(ctx context.Context) error {
	for {
		select {
		case c.room <- struct{}{}:
		case <-c.quit:
			return nil
		}
		conn, err := c.acceptConn()
		if err != nil || conn == nil {
			<-c.room
			return err
		}
		if h, ok := conn.(transport.Handshaker); ok {
			c.work.Add(1)
			go c.shake(ctx, conn, h) // ends with the handshake, when it is taken, or with close
			continue
		}
		<-c.room
		c.offer(conn)
		return nil
	}
}

// shake runs a handshake and offers the connection.
func (c *callers) shake(ctx context.Context, conn net.Conn, h transport.Handshaker) {
	defer c.work.Done()
	defer func() { <-c.room }()
	limit, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if err := h.HandshakeContext(limit); err != nil {
		conn.Close()
		if limit.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("not done within %v", handshakeTime)
		}
		c.turnAway(fmt.Errorf("handshake with %s: %w", conn.RemoteAddr(), cause(err)))
		return
	}
	c.offer(conn)
}

// offer waits until conn is taken.
func (c *callers) offer(conn net.Conn) {
	select {
	case c.ready <- caller{conn: conn}:
	case <-c.quit:
		conn.Close()
	}
}

func (c *callers) turnAway(err error) {
	select {
	case c.turned <- err:
	case <-c.quit:
	}
}

// acceptConn accepts one connection that may come. What fails in a single accept
// is tried again after a pause of 5 ms to 1 s. It returns nothing once c is closed.
func (c *callers) acceptConn() (net.Conn, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		conn, err := c.ln.Accept()
		switch {
		case err == nil && c.access.admits(conn.RemoteAddr()):
			return conn, nil
		case err == nil:
			conn.Close()
			c.turnAway(fmt.Errorf("%s is not an address that may come", conn.RemoteAddr()))
			continue
		case errors.Is(err, net.ErrClosed):
			return nil, nil
		case !passing(err):
			return nil, err
		}
		select {
		case <-time.After(pause):
		case <-c.quit:
			return nil, nil
		}
	}
}

// passing reports whether an accept that failed with err may succeed later: the
// peer was gone already, or the system was short of descriptors or memory.
func passing(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// access says which addresses may come: the options allow and deny.
type access struct{ allow, deny []netip.Prefix }

func accessOf(e endpoint.Endpoint) (a access, err error) {
	for name, list := range map[string]*[]netip.Prefix{"allow": &a.allow, "deny": &a.deny} {
		value, ok := e.Option(name)
		if !ok {
			continue
		}
		for word := range strings.SplitSeq(value, ",") {
			p, err := parsePrefix(word)
			if err != nil {
				return a, fmt.Errorf("option %s: %w", name, err)
			}
			*list = append(*list, p)
		}
	}
	return a, nil
}

func parsePrefix(word string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(word); err == nil {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	return netip.ParsePrefix(word)
}

// admits reports whether a peer may come: no deny prefix holds it, and an allow
// prefix does if there is any.
func (a access) admits(peer net.Addr) bool {
	if a.allow == nil && a.deny == nil {
		return true
	}
	addr, ok := addrOf(peer)
	if !ok {
		return false
	}
	holds := func(list []netip.Prefix) bool {
		for _, p := range list {
			if p.Contains(addr) {
				return true
			}
		}
		return false
	}
	return !holds(a.deny) && (a.allow == nil || holds(a.allow))
}

// addrOf is the address in a, without port and zone.
func addrOf(a net.Addr) (netip.Addr, bool) {
	if a == nil {
		return netip.Addr{}, false
	}
	text := a.String()
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(text)
	return addr.Unmap().WithZone(""), err == nil
}
