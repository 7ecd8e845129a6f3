package client

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"parley/clock/ntp"
	"parley/endpoint"
	"parley/transport"
)

// A socket is a connected UDP socket that knows, as well as the system does, when
// datagrams came and left. It is used by one goroutine.
type socket struct {
	conn   net.Conn
	stamps stamper // the system's, or none
	buf    []byte
}

// dial opens a socket to e.
func dial(ctx context.Context, e endpoint.Endpoint) (*socket, error) {
	conn, err := transport.Dial(ctx, e)
	if err != nil {
		return nil, err
	}
	return &socket{conn: conn, stamps: newStamper(conn), buf: make([]byte, 1024)}, nil
}

func (s *socket) close() { s.conn.Close() }

// interrupt wakes receive. It may be called by any goroutine.
func (s *socket) interrupt() { s.conn.SetReadDeadline(time.Unix(1, 0)) }

// ids are the reference IDs of those who follow the peer, and of those who follow this host, as
// the peer would if it did: zero on loopback, where everybody has the same.
func (s *socket) ids() (peer, self ntp.ReferenceID) {
	remote, rok := s.conn.RemoteAddr().(*net.UDPAddr)
	local, lok := s.conn.LocalAddr().(*net.UDPAddr)
	if !rok || !lok {
		return peer, self
	}
	peer = ntp.ReferenceIDOfAddr(remote.AddrPort().Addr())
	if !local.IP.IsLoopback() {
		self = ntp.ReferenceIDOfAddr(local.AddrPort().Addr())
	}
	return peer, self
}

// send sends b, and returns the moment before; departed knows it better.
func (s *socket) send(b []byte) (time.Time, error) {
	before := time.Now().Round(0)
	err := s.stamps.send(s.conn, b)
	return before, err
}

// receive waits for a datagram until deadline, and returns when it came.
func (s *socket) receive(deadline time.Time) (b []byte, came time.Time, err error) {
	s.conn.SetReadDeadline(deadline)
	n, came, err := s.stamps.receive(s.conn, s.buf)
	if came.IsZero() {
		came = time.Now()
	}
	return s.buf[:n], came.Round(0), err
}

// departed is when the last datagram left, if the system tells.
func (s *socket) departed() (time.Time, bool) { return s.stamps.departed() }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// A stamper sends and receives with the system's timestamps.
type stamper interface {
	send(c net.Conn, b []byte) error
	receive(c net.Conn, b []byte) (n int, came time.Time, err error)
	departed() (time.Time, bool)
}

// noStamps leaves it to our own clock.
type noStamps struct{}

func (noStamps) send(c net.Conn, b []byte) error {
	_, err := c.Write(b)
	return err
}

func (noStamps) receive(c net.Conn, b []byte) (int, time.Time, error) {
	n, err := c.Read(b)
	return n, time.Time{}, err
}

func (noStamps) departed() (time.Time, bool) { return time.Time{}, false }
