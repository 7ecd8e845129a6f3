//go:build !parleyportable

package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A systemPinger is an ICMP socket: an unprivileged one, which the kernel has
// numbered and which hears its own answers only, with what routers say of them in its
// error queue (icmp(7), ip(7): IP_RECVERR); or a raw one, which hears everybody's.
type systemPinger struct {
	file *os.File // for the runtime's poller
	conn syscall.RawConn
	to   unix.Sockaddr
	six  bool
	raw  bool
	out  []byte
	in   []byte
	oob  []byte
}

func newPinger(addr netip.Addr, zone int, raw bool) (pinger, error) {
	s := &systemPinger{six: addr.Is6(), raw: raw, in: make([]byte, 1500), oob: make([]byte, 512)}
	family, protocol, kind := unix.AF_INET, unix.IPPROTO_ICMP, unix.SOCK_DGRAM
	if raw {
		kind = unix.SOCK_RAW
	}
	if s.six {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
		s.to = &unix.SockaddrInet6{Addr: addr.As16(), ZoneId: uint32(zone)}
	} else {
		s.to = &unix.SockaddrInet4{Addr: addr.As4()}
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s.file = os.NewFile(uintptr(fd), "icmp")
	err = s.setUp(fd)
	if err == nil {
		s.conn, err = s.file.SyscallConn()
	}
	if err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

// setUp asks for what comes beside the messages. Without the kernel's time, or the
// TTL, it does as well.
func (s *systemPinger) setUp(fd int) error {
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	level, ttl, errors := unix.SOL_IP, unix.IP_RECVTTL, unix.IP_RECVERR
	if s.six {
		level, ttl, errors = unix.SOL_IPV6, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVERR
	}
	unix.SetsockoptInt(fd, level, ttl, 1)
	if s.raw {
		return s.filter(fd)
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, level, errors, 1))
}

// filter keeps what is not looked at from a raw socket (raw(7): ICMP_FILTER; RFC 3542
// section 3.2). A bit that is set keeps a type away.
func (s *systemPinger) filter(fd int) error {
	const icmpFilter = 1 // linux/icmp.h
	if !s.six {
		pass := uint32(1<<reply4 | 1<<unreachable4 | 1<<exceeded4 | 1<<parameter4)
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, int(int32(^pass))))
	}
	var f unix.ICMPv6Filter
	for i := range f.Data {
		f.Data[i] = ^uint32(0)
	}
	for _, kind := range []int{reply6, unreachable6, exceeded6, parameter6} {
		f.Data[kind/32] &^= 1 << (kind % 32)
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptICMPv6Filter(fd, unix.SOL_ICMPV6, unix.ICMPV6_FILTER, &f))
}

func (s *systemPinger) close() { s.file.Close() }

func (s *systemPinger) method() string { return methodName(s.raw) }

// send tries once more where the system only says what became of a request before: that
// is in the error queue, too.
func (s *systemPinger) send(e echoRequest) error {
	s.out = appendEcho(s.out[:0], e, s.six)
	err := s.sendOnce()
	if err != nil && !s.raw && !errors.Is(err, os.ErrClosed) {
		err = s.sendOnce()
	}
	return err
}

func (s *systemPinger) sendOnce() error {
	var failed error
	err := s.conn.Write(func(fd uintptr) bool {
		failed = unix.Sendto(int(fd), s.out, 0, s.to)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	if err == nil {
		err = os.NewSyscallError("sendto", failed)
	}
	return err
}

func (s *systemPinger) receive(deadline time.Time) (arrival, error) {
	if err := s.file.SetReadDeadline(deadline); err != nil {
		return arrival{}, err
	}
	for {
		a, ok, err := s.read()
		if err != nil || ok {
			return a, err
		}
	}
}

// read reads one message, first from the error queue. ok is false for what is not
// about an echo request.
func (s *systemPinger) read() (a arrival, ok bool, err error) {
	var n, oobn int
	var from unix.Sockaddr
	var failed error
	queued := false
	err = s.conn.Read(func(fd uintptr) bool {
		if queued = !s.raw; queued {
			n, oobn, _, from, failed = unix.Recvmsg(int(fd), s.in, s.oob, unix.MSG_ERRQUEUE)
			if failed == nil {
				return true
			}
			queued = false
		}
		n, oobn, _, from, failed = unix.Recvmsg(int(fd), s.in, s.oob, 0)
		return failed != unix.EAGAIN
	})
	now := time.Now()
	switch {
	case err != nil:
		return a, false, err
	case failed != nil: // that something is in the error queue is said once here, too
		return a, false, nil
	}
	c := readControl(s.oob[:oobn], now)
	a = arrival{from: sockaddrAddr(from), ttl: c.ttl, at: c.at, ours: !s.raw}
	if queued {
		a.from = c.from
		a.message, ok = s.queued(s.in[:n], c)
		return a, ok, nil
	}
	b := s.in[:n]
	if s.raw && !s.six {
		if b, a.ttl, ok = stripIPv4(b); !ok {
			return a, false, nil
		}
	}
	a.message, ok = parseICMP(b, s.six)
	a.ours = a.ours && a.kind == echoReply
	return a, ok, nil
}

// queued is what an entry of the error queue says of a request, with which it begins.
func (s *systemPinger) queued(b []byte, c control) (m message, ok bool) {
	request := byte(request4)
	if s.six {
		request = request6
	}
	if !c.failed {
		return m, false
	}
	m, ok = quotedEcho(b, request)
	switch {
	case c.origin == unix.SO_EE_ORIGIN_LOCAL:
		m.report = c.errno
	default:
		m.report = reportOf(int(c.kind), int(c.code), s.six)
	}
	return m, ok && m.report != nil
}

// A control is what comes beside a message.
type control struct {
	ttl int
	at  time.Time

	failed             bool // the rest is there
	errno              syscall.Errno
	origin, kind, code byte
	from               netip.Addr // who said so
}

// readControl reads control messages; now is when they were read. The kernel's time of
// arrival is of the system's clock, and is made one of the monotonic clock by how long
// ago it is.
func readControl(oob []byte, now time.Time) control {
	c := control{at: now}
	all, _ := unix.ParseSocketControlMessage(oob)
	for _, m := range all {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})):
			stamp := *(*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			if ago := now.Sub(time.Unix(stamp.Unix())); ago > 0 && ago < time.Second { // else the clock was set
				c.at = now.Add(-ago)
			}
		case m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_TTL && len(m.Data) >= 4,
			m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_HOPLIMIT && len(m.Data) >= 4:
			c.ttl = int(binary.NativeEndian.Uint32(m.Data))
		case m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_RECVERR,
			m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_RECVERR:
			c.readError(m.Data)
		}
	}
	return c
}

// readError reads a struct sock_extended_err of 16 bytes and the address after it, of
// family AF_INET (address at 4) or AF_INET6 (address at 8).
func (c *control) readError(b []byte) {
	if len(b) < 16 {
		return
	}
	c.failed = true
	c.errno = syscall.Errno(binary.NativeEndian.Uint32(b))
	c.origin, c.kind, c.code = b[4], b[5], b[6]
	b = b[16:]
	switch {
	case len(b) >= 8 && binary.NativeEndian.Uint16(b) == unix.AF_INET:
		c.from = netip.AddrFrom4([4]byte(b[4:8]))
	case len(b) >= 24 && binary.NativeEndian.Uint16(b) == unix.AF_INET6:
		c.from = netip.AddrFrom16([16]byte(b[8:24]))
	}
}

func sockaddrAddr(a unix.Sockaddr) netip.Addr {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(a.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(a.Addr)
	}
	return netip.Addr{}
}

// mayNotPing says what would let this process ping.
func mayNotPing(err error) error {
	groups := "not known"
	if text, bad := os.ReadFile("/proc/sys/net/ipv4/ping_group_range"); bad == nil {
		groups = strings.Join(strings.Fields(string(text)), " to ")
	}
	return fmt.Errorf("this process may not ping: its group is not in net.ipv4.ping_group_range (%s), and a raw socket needs root or CAP_NET_RAW: %w", groups, err)
}
