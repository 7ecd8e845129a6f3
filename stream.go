package parley

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// stream gives the raw stream to a Streamer.
func (c *Conn) stream() error {
	s := &stream{Conn: c.nc, c: c}
	err := c.lis.streamer.Stream(context.WithValue(c.lis.srv.ctx, connKey{}, c), s)
	if err != nil && c.lis.srv.draining.Load() && errors.Is(err, context.Canceled) {
		err = errDrained
	}
	return err
}

// A stream is the conn of a Streamer: the session's, with the session's limits
// and counters. Its deadlines are its own.
type stream struct {
	net.Conn
	c *Conn

	mu           sync.Mutex // guards what follows
	readDeadline time.Time  // the service's own
}

// Read reads, until the service's own deadline or a limit of the session.
func (s *stream) Read(p []byte) (int, error) {
	for {
		s.arm()
		n, err := s.Conn.Read(p)
		if n > 0 {
			s.count(&s.c.counts.bytesIn, n)
		}
		s.c.peerEnded = err == io.EOF
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := s.expired(); err != nil {
			return 0, err
		}
	}
}

// arm sets the read deadline to the first of the service's own and the limits'.
func (s *stream) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline := s.readDeadline
	if at := s.c.limitAt(); at != 0 {
		if limit := s.c.lis.srv.at(at); deadline.IsZero() || limit.Before(deadline) {
			deadline = limit
		}
	}
	s.Conn.SetReadDeadline(deadline)
}

// expired is the deadline that a timed-out read is past; a limit's may have
// been moved on by a write meanwhile.
func (s *stream) expired() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readDeadline.IsZero() && !time.Now().Before(s.readDeadline) {
		return os.ErrDeadlineExceeded
	}
	return s.c.expired(s.c.lis.srv.now())
}

// Write writes all of p, waiting for the peer as long as the stall limit allows,
// or until the service's own deadline.
func (s *stream) Write(p []byte) (n int, err error) {
	stall := s.c.lis.limits.Stall
	for first := true; first || n < len(p); first = false {
		chunk := p[n:]
		if s.c.message == nil {
			chunk = chunk[:min(len(chunk), writeChunk)]
		}
		if stall > 0 {
			s.Conn.SetWriteDeadline(time.Now().Add(stall))
		}
		m, err := s.Conn.Write(chunk)
		n += m
		s.count(&s.c.counts.bytesOut, m)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = ErrStalled
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *stream) count(to *int64, n int) {
	s.c.active.Store(s.c.lis.srv.now())
	s.c.mu.Lock()
	*to += int64(n)
	s.c.mu.Unlock()
}

// SetReadDeadline sets the service's own deadline, beside the limits'.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	s.readDeadline = t
	s.mu.Unlock()
	s.arm()
	return nil
}

// CloseWrite ends our direction, where the transport has half-close.
func (s *stream) CloseWrite() error { return closeWrite(s.Conn) }
