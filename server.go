package parley

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/endpoint"
)

// A Server serves services at endpoints. The zero value works; its fields are
// not modified after the first Listen. Its methods may be called by several
// goroutines at once.
//
// Listen binds, Serve accepts and blocks, Shutdown drains, Close ends at once.
type Server struct {
	// Limits protect every listener of the server.
	Limits Limits

	// Framing is for services that are not [Framed], at endpoints without
	// the option frame. Nil is Raw.
	Framing Framing

	// Events gets what happens, from many goroutines at once; see [Event].
	Events func(*Event)

	// Messages makes an event of every message too.
	Messages bool

	once    sync.Once // guards the start of what follows, then constant
	base    time.Time // zero of the server's clock
	ctx     context.Context
	cancel  context.CancelFunc
	flusher flusher

	ids       atomic.Uint64
	draining  atomic.Bool
	cut       atomic.Bool                     // closeAll was called
	drainBy   atomic.Int64                    // when the drain is cut, in Unix time; 0 is never
	answering atomic.Pointer[map[uint16]bool] // ports of our own datagram listeners that answer
	wg        sync.WaitGroup                  // every goroutine but the accept loops
	accepting sync.WaitGroup                  // the accept loops

	mu        sync.Mutex // guards what follows
	listeners []*listener
	sessions  map[*Conn]struct{}
	serving   bool
	closed    bool
	done      chan struct{} // closed when Shutdown or Close has ended everything
}

// init makes the zero value ready.
func (s *Server) init() {
	s.once.Do(func() {
		s.base = time.Now()
		s.ctx, s.cancel = context.WithCancel(context.Background())
		s.flusher.wg = &s.wg
		s.sessions = make(map[*Conn]struct{})
		s.done = make(chan struct{})
	})
}

// now is the server's clock: nanoseconds since it was made, never 0.
func (s *Server) now() int64 { return int64(time.Since(s.base)) + 1 }

// at is the time that the server's clock shows as t.
func (s *Server) at(t int64) time.Time { return s.base.Add(time.Duration(t - 1)) }

// Listen binds svc to every endpoint, or to none: if one cannot be bound, the
// others are closed again and the error joins one [*OpError] per failure. ctx
// bounds the binding only. Sessions are accepted once Serve is called.
func (s *Server) Listen(ctx context.Context, svc Service, endpoints ...string) error {
	s.init()
	if svc == nil || len(endpoints) == 0 {
		return errors.New("parley: listen: want a service and an endpoint")
	}
	var bound []*listener
	var errs []error
	for _, text := range endpoints {
		e, err := endpoint.Parse(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		l, err := s.bind(ctx, svc, e)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bound = append(bound, l)
	}
	if len(errs) == 0 {
		return s.add(bound...)
	}
	for _, l := range bound {
		l.close()
	}
	return errors.Join(errs...)
}

// bind opens e for svc.
func (s *Server) bind(ctx context.Context, svc Service, e endpoint.Endpoint) (*listener, error) {
	l, err := s.newListener(svc, e)
	if err != nil {
		return nil, &OpError{Op: "listen", Endpoint: e, Err: err}
	}
	if err = l.open(ctx); err != nil {
		return nil, err
	}
	if err = l.bound(); err != nil {
		l.close()
		return nil, &OpError{Op: "listen", Endpoint: e, Err: err}
	}
	return l, nil
}

// Add serves svc on a listener of the caller's, which the server owns from now
// on, also when Add fails. e names it in events, and its options set limits and
// framing; its zero value is the listener's own address without options.
func (s *Server) Add(svc Service, ln net.Listener, e endpoint.Endpoint) error {
	return s.adopt(svc, e, ln, nil)
}

// AddPacket is Add for datagrams.
func (s *Server) AddPacket(svc Service, pc net.PacketConn, e endpoint.Endpoint) error {
	return s.adopt(svc, e, nil, pc)
}

func (s *Server) adopt(svc Service, e endpoint.Endpoint, ln net.Listener, pc net.PacketConn) error {
	s.init()
	l, err := s.newListener(svc, e)
	if err != nil {
		l = &listener{}
	}
	l.ln = ln
	if pc != nil {
		l.pcs = []net.PacketConn{pc}
	}
	if err == nil {
		err = l.bound()
	}
	if err != nil {
		l.close()
		return &OpError{Op: "listen", Endpoint: e, Err: err}
	}
	return s.add(l)
}

// add takes bound listeners in, and starts them if the server is serving.
func (s *Server) add(bound ...*listener) error {
	if !s.take(bound) {
		for _, l := range bound {
			l.close()
		}
		return ErrServerClosed
	}
	for _, l := range bound {
		l.emit(&Event{Kind: EventListen, Text: l.pin()})
	}
	return nil
}

// take is add under the lock; false means that the server is closed.
func (s *Server) take(bound []*listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners = append(s.listeners, bound...)
	s.noteAnsweringLocked()
	for _, l := range bound {
		if s.serving {
			s.startLocked(l)
		}
	}
	return true
}

// noteAnsweringLocked lists the ports of the datagram listeners that answer; mu
// is held.
func (s *Server) noteAnsweringLocked() {
	ports := make(map[uint16]bool)
	for _, l := range s.listeners {
		for _, d := range l.loops {
			if d.loops && d.port != 0 {
				ports[d.port] = true
			}
		}
	}
	s.answering.Store(&ports)
}

// answersAt reports whether from is one of our own datagram listeners that
// answer: two of them could be set on each other by one forged datagram.
func (s *Server) answersAt(from netip.AddrPort) bool {
	ports := s.answering.Load()
	if ports == nil || !(*ports)[from.Port()] {
		return false
	}
	return isLocal(from.Addr())
}

// isLocal reports whether addr is this machine's.
func isLocal(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	locals, err := net.InterfaceAddrs()
	if err != nil {
		return true // rather no answer than a loop
	}
	for _, a := range locals {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == addr.WithZone("") {
			return true
		}
	}
	return false
}

// startLocked starts l's accept loop or datagram loop; mu is held.
func (s *Server) startLocked(l *listener) {
	for _, d := range l.loops {
		s.wg.Add(1)
		go d.run()
	}
	if l.ln == nil {
		return
	}
	s.accepting.Add(1)
	go l.accept()
}

// Serve accepts on every listener until Shutdown or Close, and returns when
// they have ended everything: always a non-nil error, after them
// ErrServerClosed.
func (s *Server) Serve() error {
	s.init()
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrServerClosed
	case len(s.listeners) == 0:
		s.mu.Unlock()
		return errors.New("parley: serve: nothing to serve: call Listen first")
	case s.serving:
		s.mu.Unlock()
		return errors.New("parley: serve: called twice")
	}
	s.serving = true
	for _, l := range s.listeners {
		s.startLocked(l)
	}
	s.mu.Unlock()
	<-s.done
	return ErrServerClosed
}

// Endpoints are the real endpoints of the listeners, in the order of Listen.
func (s *Server) Endpoints() []endpoint.Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]endpoint.Endpoint, len(s.listeners))
	for i, l := range s.listeners {
		list[i] = l.endpoint
	}
	return list
}
