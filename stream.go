package parley

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// stream gives the raw stream to a Streamer.
func (c *Conn) stream() error {
	s := &stream{Conn: c.nc, c: c}
	err := c.lis.streamer.Stream(context.WithValue(c.lis.srv.ctx, connKey{}, c), s)
	c.torn = err == nil && s.torn.Load()
	if err != nil && c.lis.srv.draining.Load() && errors.Is(err, context.Canceled) {
		err = errDrained
	}
	return err
}

// A stream is the conn of a Streamer: the session's, with the session's limits
// and counters. Its deadlines are its own.
type stream struct {
	net.Conn
	c    *Conn
	torn atomic.Bool // the service was told that the connection has failed

	mu            sync.Mutex // guards what follows
	readDeadline  time.Time  // the service's own
	writeDeadline time.Time  // the service's own
	stallAt       time.Time  // when the write under way is stalled; zero if there is none
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
		s.note(err)
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

// note remembers an error that ends the connection, in both directions.
func (s *stream) note(err error) {
	if err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.torn.Store(true)
	}
}

// Write writes all of p, waiting for the peer as long as the limits allow, or
// until the service's own deadline.
func (s *stream) Write(p []byte) (n int, err error) {
	for first := true; first || n < len(p); first = false {
		chunk := p[n:]
		if s.c.message == nil {
			chunk = chunk[:min(len(chunk), writeChunk)]
		}
		s.beginWrite()
		m, err := s.Conn.Write(chunk)
		n += m
		s.count(&s.c.counts.bytesOut, m)
		s.note(err)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = s.writeExpired()
			if err == ErrStalled && m > 0 && s.c.message == nil && !s.c.lis.srv.cut.Load() {
				err = nil // slow, but not stalled
			}
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// beginWrite starts the stall limit.
func (s *stream) beginWrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stallAt = time.Time{}
	if stall := s.c.lis.limits.Stall; stall > 0 {
		s.stallAt = time.Now().Add(stall)
	}
	s.armWriteLocked()
}

// armWriteLocked sets the write deadline to the first of the service's own and
// the limits'; mu is held.
func (s *stream) armWriteLocked() {
	deadline := s.writeDeadline
	earlier := func(t time.Time) {
		if !t.IsZero() && (deadline.IsZero() || t.Before(deadline)) {
			deadline = t
		}
	}
	earlier(s.stallAt)
	earlier(s.totalAt())
	s.Conn.SetWriteDeadline(deadline)
}

// totalAt is when the session has reached its total time, zero if it never has.
func (s *stream) totalAt() time.Time {
	total := s.c.lis.limits.Total
	if total <= 0 {
		return time.Time{}
	}
	return s.c.lis.srv.at(s.c.opened + int64(total))
}

// writeExpired is the deadline that a timed-out write is past; nil if it has been
// moved on meanwhile.
func (s *stream) writeExpired() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	past := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	switch {
	case past(s.writeDeadline):
		return os.ErrDeadlineExceeded
	case past(s.totalAt()):
		return ErrTotal
	case past(s.stallAt):
		return ErrStalled
	}
	return nil
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

// SetWriteDeadline sets the service's own deadline, beside the limits'. It ends
// a Write that is under way too.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeDeadline = t
	s.armWriteLocked()
	return nil
}

// SetDeadline sets both.
func (s *stream) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// CloseWrite ends our direction, where the transport has half-close.
func (s *stream) CloseWrite() error { return closeWrite(s.Conn) }
