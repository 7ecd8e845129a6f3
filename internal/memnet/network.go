// Package memnet is a stream network in memory: listeners, dials and
// connections that behave as TCP on one host does, without the kernel. It is
// for tests that want no sockets, and for the mem scheme.
//
// What it keeps of TCP: a bounded buffer in each direction, half-close, a reset
// when a side closes with data unread, a bounded accept queue, and the error
// values. Test with errors.Is for syscall.ECONNREFUSED, syscall.EADDRINUSE,
// syscall.ECONNRESET, syscall.EPIPE, os.ErrDeadlineExceeded and net.ErrClosed.
//
// Nothing here starts a goroutine, and every wait is on a channel or a
// sync.Cond made with its listener or connection, so that the network works
// inside a bubble of testing/synctest. A listener and those who dial it are
// then in the same bubble.
package memnet

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// Addr is the name of a listener, or the invented name of a dialling side.
type Addr string

// Network returns "mem".
func (Addr) Network() string { return "mem" }

// String returns the name.
func (a Addr) String() string { return string(a) }

// Network is a namespace of listeners. The zero value is an empty one, ready
// for use. It is safe for concurrent use and must not be copied.
type Network struct {
	mu        sync.Mutex // guards what follows
	listeners map[Addr]*Listener
	fresh     uint64 // the last number given by freshLocked
}

// Listen opens a listener called name, or by a name that nobody has when name
// is "". A name that is taken gives an error matching syscall.EADDRINUSE. The
// caller closes the listener.
func (n *Network) Listen(name string) (*Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr := Addr(name)
	if name == "" {
		addr = n.freshLocked()
	}
	if n.listeners[addr] != nil {
		err := os.NewSyscallError("bind", syscall.EADDRINUSE)
		return nil, &net.OpError{Op: "listen", Net: addr.Network(), Addr: addr, Err: err}
	}
	if n.listeners == nil {
		n.listeners = make(map[Addr]*Listener)
	}
	l := newListener(n, addr)
	n.listeners[addr] = l
	return l, nil
}

// DialContext connects to the listener called name; the result is a *Conn, which
// the caller closes. It does not wait for Accept, but while the accept queue is
// full it waits for room. ctx bounds this call only. A name that nobody listens
// on gives an error matching syscall.ECONNREFUSED.
func (n *Network) DialContext(ctx context.Context, name string) (net.Conn, error) {
	addr := Addr(name)
	l, local := n.route(addr)
	client, server := pair(local, addr)
	if err := connect(ctx, l, server); err != nil {
		return nil, &net.OpError{Op: "dial", Net: addr.Network(), Source: local, Addr: addr, Err: err}
	}
	return client, nil
}

// connect hands c to l, which is nil when nobody listens.
func connect(ctx context.Context, l *Listener, c *Conn) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l == nil {
		return errRefused()
	}
	return l.enqueue(ctx, c)
}

func errRefused() error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }

// route finds the listener called addr, or nil, and names the dialling side.
func (n *Network) route(addr Addr) (l *Listener, local Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.listeners[addr], n.freshLocked()
}

// freshLocked returns a name that no listener has and no dialling side was
// given before: what an ephemeral port is to TCP. n.mu is held.
func (n *Network) freshLocked() Addr {
	for {
		n.fresh++
		addr := Addr("auto-" + strconv.FormatUint(n.fresh, 10))
		if n.listeners[addr] == nil {
			return addr
		}
	}
}

// release frees the name of l.
func (n *Network) release(l *Listener) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, l.addr)
}
