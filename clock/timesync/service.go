// Package timesync tells the time in the words of whoever asks: a message is a format
// of strftime(3), the answer is the time in it.
package timesync

import (
	"bytes"
	"net"
	"net/netip"
	"time"

	"parley"
	"parley/internal/bucket"
)

// Service answers each message with the time in the format that it is. A line end
// after the format is none of it, and ends the answer too; without anything else the
// format is [DefaultFormat].
//
// Over UDP, where a source can be forged, an answer has at most as many bytes as the
// message, or 256, and each source gets at most PerSource answers a second. Elsewhere it
// has at most 64 KiB. What is over is cut off.
//
// Make one with New.
type Service struct {
	now      func() time.Time
	location *time.Location
	sources  *bucket.Table // nil: not limited
}

// Config is of a Service. Its zero value works.
type Config struct {
	Location  *time.Location   // of the time told; nil is time.Local
	Now       func() time.Time // the clock; nil is time.Now
	PerSource float64          // answers a second over UDP, loopback exempt; 0 is DefaultPerSource, negative without limit
}

// DefaultPerSource is how many answers a second a source gets over UDP; four seconds'
// worth may come at once.
const DefaultPerSource = 20

const (
	datagramAnswer = 256 // bytes that any datagram may be answered with
	streamAnswer   = 64 << 10
	burst          = 4    // seconds
	sourcesKept    = 8192 // sources whose rate is known
)

// New makes a service.
func New(c Config) *Service {
	s := &Service{now: c.Now, location: c.Location}
	if s.now == nil {
		s.now = time.Now
	}
	if s.location == nil {
		s.location = time.Local
	}
	switch {
	case c.PerSource == 0:
		c.PerSource = DefaultPerSource
		fallthrough
	case c.PerSource > 0:
		s.sources = bucket.New(c.PerSource, max(burst*c.PerSource, 1), sourcesKept)
	}
	return s
}

// Framing is parley.Text: a program that sends a format without a line end is answered.
func (*Service) Framing() parley.Framing { return parley.Text }

// Serve answers msg.
func (s *Service) Serve(c *parley.Conn, msg []byte) error {
	now := s.now()
	most := streamAnswer
	if a, ok := c.RemoteAddr().(*net.UDPAddr); ok {
		if !s.admits(a.AddrPort().Addr(), now) {
			return nil
		}
		most = max(len(msg), datagramAnswer)
	}
	format := bytes.TrimRight(msg, "\r\n")
	end := msg[len(format):]
	if len(format) == 0 {
		format = []byte(DefaultFormat)
	}
	answer, cut := Expand(make([]byte, 0, 64), now.In(s.location), string(format), max(most-len(end), 0))
	if cut {
		c.Note("the answer was cut off")
	}
	return c.Send(append(answer, end...))
}

func (s *Service) admits(source netip.Addr, now time.Time) bool {
	if s.sources == nil || source.Unmap().IsLoopback() {
		return true
	}
	_, ok := s.sources.Take(source, now)
	return ok
}

func (*Service) String() string { return "timesync" }
