package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// stream is one direction of a connection, from one writing to one reading end.
type stream struct {
	mu       sync.Mutex // guards what follows
	readable sync.Cond  // there is something to read, or no use in waiting
	writable sync.Cond  // there is room, or a turn, or no use in waiting
	buf      ring
	writing  bool     // a Write has its turn; others wait, so that none is interleaved
	rlimit   deadline // of the reading end
	wlimit   deadline // of the writing end
	rclosed  bool     // the reading end called Close
	wclosed  bool     // the writing end called Close
	ended    bool     // no more will be written
	cut      bool     // it was ended by a reset, not in order
	unwanted bool     // the reading end closed with data unread
}

func newStream() *stream {
	s := new(stream)
	s.readable.L, s.writable.L = &s.mu, &s.mu
	s.rlimit.wake, s.wlimit.wake = s.wakeReaders, s.wakeWriters
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.rclosed:
			return 0, net.ErrClosed
		case s.rlimit.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.buf.len() > 0:
			s.writable.Broadcast()
			return s.buf.read(p), nil
		case s.cut:
			return 0, os.NewSyscallError("read", syscall.ECONNRESET)
		case s.ended:
			return 0, io.EOF
		}
		s.readable.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing {
		if err := s.refusalLocked(); err != nil {
			return 0, err
		}
		s.writable.Wait()
	}
	s.writing = true
	defer s.endTurnLocked()
	for {
		if err := s.refusalLocked(); err != nil {
			return n, err
		}
		if k := s.buf.write(p[n:]); k > 0 {
			n += k
			s.readable.Broadcast()
		}
		if n == len(p) {
			return n, nil
		}
		s.writable.Wait()
	}
}

// refusalLocked returns why nothing can be written, or nil; mu is held.
func (s *stream) refusalLocked() error {
	switch {
	case s.wclosed:
		return net.ErrClosed
	case s.wlimit.passed():
		return os.ErrDeadlineExceeded
	case s.unwanted:
		return os.NewSyscallError("write", syscall.ECONNRESET)
	case s.rclosed, s.ended:
		return os.NewSyscallError("write", syscall.EPIPE)
	}
	return nil
}

func (s *stream) endTurnLocked() {
	s.writing = false
	s.writable.Broadcast()
}

// end is the writing end's half-close.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.wakeLocked()
}

// closeWrite is the writing end's Close, with a reset or in order. A reset does
// not take back an end in order that the reader was given before.
func (s *stream) closeWrite(reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wclosed = true
	s.cut = reset && !s.ended
	s.ended = true
	s.wlimit.stop()
	s.wakeLocked()
}

// closeRead is the reading end's Close. It reports whether the peer must be
// reset: because the caller says so, or data was left unread.
func (s *stream) closeRead(reset bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rclosed = true
	s.unwanted = reset || s.buf.len() > 0
	s.buf = ring{}
	s.rlimit.stop()
	s.wakeLocked()
	return s.unwanted
}

func (s *stream) setReadDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rlimit.set(t)
	s.readable.Broadcast()
}

func (s *stream) setWriteDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wlimit.set(t)
	s.writable.Broadcast()
}

// wakeReaders is what the read deadline's timer calls. It takes mu, so that a
// reader that has looked at the clock and does not wait yet is not missed.
func (s *stream) wakeReaders() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readable.Broadcast()
}

// wakeWriters is wakeReaders for writers.
func (s *stream) wakeWriters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writable.Broadcast()
}

func (s *stream) wakeLocked() {
	s.readable.Broadcast()
	s.writable.Broadcast()
}
