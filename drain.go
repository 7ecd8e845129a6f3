package parley

import (
	"context"
	"time"
)

// Shutdown drains the server: it refuses new sessions, serves what peers had
// sent by now, writes every answer, ends each session in order, and returns nil
// when all is done. If ctx ends first, what is left is closed at once and the
// error is ctx's. Serve returns after either. Shutdown may be called again, and
// together with Close.
func (s *Server) Shutdown(ctx context.Context) error {
	s.init()
	// (1) Refuse: whatever is accepted from here on is turned away.
	if deadline, ok := ctx.Deadline(); ok {
		s.drainBy.Store(deadline.UnixNano())
	}
	first := s.startDraining()
	// (2) Close the listeners and wait for the accept loops.
	if first {
		s.closeListeners()
	}
	s.accepting.Wait()
	// (3) Wake everybody who waits for a peer.
	for _, c := range s.snapshot() {
		c.wake()
	}
	s.wakeDatagrams()
	// (4) Let sessions write their answers, until ctx ends.
	if first {
		go s.awaitAll()
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-s.done: // a drain that is complete wins over a ctx that is over
		return nil
	default:
	}
	// (5) Close what is left, and wait for every goroutine.
	s.closeAll()
	<-s.done
	return ctx.Err()
}

// Close ends the server at once: listeners and sessions are closed, whatever
// they were at. It waits for every goroutine, as Serve does.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Shutdown(ctx)
	return nil
}

// drainLongest bounds the wait for a peer's end while the server drains.
const drainLongest = time.Second

// drainLinger is how long a session waits for its peer's end now: at most half of
// what is left of the drain, so that peers that do not close are not the reason
// why it is cut.
func (s *Server) drainLinger() time.Duration {
	by := s.drainBy.Load()
	if by == 0 {
		return drainLongest
	}
	return max(time.Millisecond, min(drainLongest, time.Until(time.Unix(0, by))/2))
}

// startDraining reports whether this call is the first to drain.
func (s *Server) startDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.closed
	s.closed = true
	s.draining.Store(true)
	s.cancel()
	return first
}

// closeListeners stops the streams. A datagram socket is closed by its loop,
// when it has answered what was there.
func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if l.ln != nil {
			l.ln.Close()
		}
		if !s.serving {
			l.closePackets()
		}
	}
}

// wakeDatagrams makes the datagram loops look at more than datagrams.
func (s *Server) wakeDatagrams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		for _, d := range l.loops {
			d.wake()
		}
	}
}

func (s *Server) snapshot() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Conn, 0, len(s.sessions))
	for c := range s.sessions {
		list = append(list, c)
	}
	return list
}

// awaitAll ends when the server's last goroutine has; Shutdown waits for it.
func (s *Server) awaitAll() {
	s.wg.Wait()
	close(s.done)
}

// closeAll closes every socket under its session's feet.
func (s *Server) closeAll() {
	s.cut.Store(true)
	for _, c := range s.snapshot() {
		if c.nc != nil {
			c.nc.SetDeadline(longAgo) // else TLS and WebSocket would say goodbye first
			c.nc.Close()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		l.close()
	}
}
