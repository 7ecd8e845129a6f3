package parley

import (
	"context"
	"net"
	"runtime"

	"parley/transport"
)

// open opens l's endpoint: one socket, or for a Parallel service on UDP one for each
// processor where the system spreads peers over them.
func (l *listener) open(ctx context.Context) error {
	ln, pc, err := transport.Open(ctx, l.endpoint)
	if err != nil {
		return err
	}
	if l.ln = ln; pc == nil {
		return nil
	}
	l.pcs = []net.PacketConn{pc}
	udp, ok := pc.(*net.UDPConn)
	if !ok || !l.parallel() || udp.LocalAddr().(*net.UDPAddr).IP.IsMulticast() {
		return nil
	}
	// The first socket was bound as the only one, so that another server's port is
	// "in use"; only now it lets others beside it.
	if !allowOthers(udp) {
		return nil
	}
	at := endpointAt(l.endpoint, pc.LocalAddr()).With("reuseport", "1")
	for range runtime.GOMAXPROCS(0) - 1 {
		more, err := transport.ListenPacket(ctx, at)
		if err != nil {
			l.close()
			return err
		}
		l.pcs = append(l.pcs, more)
	}
	return nil
}

// parallel reports whether l's service may be called by several loops.
func (l *listener) parallel() bool {
	p, ok := l.service.(Parallel)
	return ok && p.Parallel() && l.closer == nil
}
