package parley

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// A listener is one service at one endpoint.
type listener struct {
	// Constant once it is bound.
	srv      *Server
	service  Service
	name     string
	opener   Opener
	closer   Closer
	ender    Ender
	streamer Streamer
	framing  Framing
	pause    time.Duration
	limits   Limits // effective
	exempt   bool   // loopback does not count for limits.PerAddress
	access   access
	endpoint endpoint.Endpoint
	ln       net.Listener     // or
	pcs      []net.PacketConn // sockets of one port, with
	loops    []*datagrams     // a loop for each

	stats counters

	// Guarded by srv.mu.
	sessions   int // now
	accepted   int64
	moved      counts // by the sessions that are over
	perAddress map[netip.Addr]int
}

// newListener checks what can be checked before anything is opened.
func (s *Server) newListener(svc Service, e endpoint.Endpoint) (*listener, error) {
	l := &listener{srv: s, service: svc, name: serviceName(svc), endpoint: e, perAddress: make(map[netip.Addr]int)}
	l.opener, _ = svc.(Opener)
	l.closer, _ = svc.(Closer)
	l.ender, _ = svc.(Ender)
	l.streamer, _ = svc.(Streamer)
	limits, err := s.Limits.override(e)
	if err != nil {
		return nil, err
	}
	l.exempt = limits.PerAddress == 0
	l.limits = limits.effective()
	if l.access, err = accessOf(e); err != nil {
		return nil, err
	}
	if l.framing, err = s.framing(svc, e); err != nil {
		return nil, err
	}
	l.pause = pauseOf(l.framing)
	if e.Scheme == "ip" && !loopFree(svc) {
		return nil, fmt.Errorf("%s would hear its own answers on raw IP: only a service that never answers can be served there, such as discard", l.name)
	}
	return l, nil
}

func (s *Server) framing(svc Service, e endpoint.Endpoint) (Framing, error) {
	if name, ok := e.Option("frame"); ok {
		return ParseFraming(name)
	}
	if f, ok := svc.(Framed); ok {
		return f.Framing(), nil
	}
	if s.Framing != nil {
		return s.Framing, nil
	}
	return Raw, nil
}

// bound completes a listener when its socket is open.
func (l *listener) bound() error {
	if l.ln != nil {
		l.endpoint = endpointAt(l.endpoint, l.ln.Addr())
		return nil
	}
	l.endpoint = endpointAt(l.endpoint, l.pcs[0].LocalAddr())
	for _, pc := range l.pcs {
		d, err := newDatagrams(l, pc)
		if err != nil {
			return err
		}
		l.loops = append(l.loops, d)
	}
	return nil
}

func endpointAt(e endpoint.Endpoint, a net.Addr) endpoint.Endpoint {
	if e.IsZero() {
		e.Scheme = a.Network()
	}
	return e.WithAddr(a)
}

// pin is the fingerprint of a TLS listener's key, or "".
func (l *listener) pin() string {
	if p, ok := l.ln.(transport.Pinner); ok {
		return p.Pin()
	}
	return ""
}

func (l *listener) close() {
	if l.ln != nil {
		l.ln.Close()
	}
	l.closePackets()
}

func (l *listener) closePackets() {
	for _, pc := range l.pcs {
		pc.Close()
	}
}

// emit sends e to the server's subscriber.
func (l *listener) emit(e *Event) {
	if l.srv.Events == nil {
		return
	}
	e.Time = time.Now()
	e.Service, e.Endpoint = l.name, l.endpoint
	l.srv.Events(e)
}

// traceMessage reports a message, if the server was asked to.
func (l *listener) traceMessage(c *Conn, out bool, msg []byte) {
	if l.srv.Messages {
		l.emit(&Event{Kind: EventMessage, Session: c.id, Remote: c.RemoteAddr(), Out: out, Data: msg})
	}
}
