package parley

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// maxDatagram is the largest payload of a datagram: UDP's length field is 16
// bits (RFC 768).
const maxDatagram = 65535

// A singleIO receives and sends a datagram at a time, on any net.PacketConn.
type singleIO struct {
	pc   net.PacketConn
	udp  *net.UDPConn    // pc, if it is one: its addresses cost no allocation
	unix syscall.RawConn // pc's socket, if it is unixgram: see sendNow
	buf  []byte          // one byte longer than the limit, to see what is over it
	n    int
	from peer
}

func newSingleIO(pc net.PacketConn, max int) *singleIO {
	udp, _ := pc.(*net.UDPConn)
	return &singleIO{pc: pc, udp: udp, unix: rawUnixgram(pc), buf: make([]byte, min(max, maxDatagram)+1)}
}

func (s *singleIO) receive(nowait bool) (int, error) {
	if nowait {
		s.pc.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	}
	n, err := s.readFrom()
	if nowait && errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, nil
	}
	if err != nil && n < len(s.buf) { // Windows reports a datagram that is too long as an error
		return 0, err
	}
	s.n = n
	return 1, nil
}

func (s *singleIO) readFrom() (int, error) {
	s.from = peer{}
	if s.udp != nil {
		n, from, err := s.udp.ReadFromUDPAddrPort(s.buf)
		s.from.udp = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		return n, err
	}
	n, from, err := s.pc.ReadFrom(s.buf)
	s.from.other = from
	return n, err
}

func (s *singleIO) datagram(_ int, from *peer) ([]byte, bool) {
	*from = s.from
	return s.buf[:s.n], s.n < len(s.buf)
}

// received and stamps know nothing: the loop's own clock has to do.

func (s *singleIO) received(int) time.Time                { return time.Time{} }
func (s *singleIO) stamps(func(key uint64, at time.Time)) {}

func (s *singleIO) send(p *packets) (sent int, err error) {
	for i := range p.list {
		n, werr := s.writeTo(p.data[p.list[i].start:p.list[i].end], &p.list[i].to)
		sent += n
		if werr != nil {
			err = werr
		}
	}
	return sent, err
}

// unixgramWait bounds, where sendNow is not to be had, how long a unixgram peer
// that does not read can delay the others with each datagram.
const unixgramWait = 50 * time.Millisecond

func (s *singleIO) writeTo(msg []byte, to *peer) (int, error) {
	if s.udp != nil {
		return s.udp.WriteToUDPAddrPort(msg, to.udp)
	}
	if a, ok := to.other.(*net.UnixAddr); ok {
		if s.unix != nil {
			return sendNow(s.unix, msg, a)
		}
		s.pc.SetWriteDeadline(time.Now().Add(unixgramWait))
	}
	return s.pc.WriteTo(msg, to.addr())
}
