//go:build !linux || parleyportable

package probe

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A packetPinger is an ICMP socket. Lost against Linux: what routers say to an
// unprivileged socket, and the kernel's time of arrival; answers are timed when they
// are read.
type packetPinger struct {
	conn *icmp.PacketConn
	to   net.Addr
	six  bool
	raw  bool
	out  []byte
	in   []byte
}

func newPinger(addr netip.Addr, _ int, raw bool) (pinger, error) {
	s := &packetPinger{six: addr.Is6(), raw: raw, in: make([]byte, 1500)}
	s.to = &net.UDPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	network, at := "udp4", "0.0.0.0"
	switch {
	case raw && s.six:
		network, at = "ip6:ipv6-icmp", "::"
	case raw:
		network = "ip4:icmp"
	case s.six:
		network, at = "udp6", "::"
	}
	if raw {
		s.to = &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	}
	var err error
	if s.conn, err = icmp.ListenPacket(network, at); err != nil {
		return nil, err
	}
	// Without these the TTL is not known: no reason to fail.
	if s.six {
		s.conn.IPv6PacketConn().SetControlMessage(ipv6.FlagHopLimit, true)
	} else {
		s.conn.IPv4PacketConn().SetControlMessage(ipv4.FlagTTL, true)
	}
	return s, nil
}

func (s *packetPinger) close() { s.conn.Close() }

func (s *packetPinger) method() string { return methodName(s.raw) }

func (s *packetPinger) send(e echoRequest) error {
	s.out = appendEcho(s.out[:0], e, s.six)
	_, err := s.conn.WriteTo(s.out, s.to)
	return err
}

func (s *packetPinger) receive(deadline time.Time) (arrival, error) {
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return arrival{}, err
	}
	for {
		n, ttl, peer, err := s.read()
		if err != nil {
			return arrival{}, err
		}
		if m, ok := parseICMP(s.in[:n], s.six); ok {
			return arrival{message: m, from: addrOf(peer), ttl: ttl, at: time.Now(), ours: !s.raw && m.kind == echoReply}, nil
		}
	}
}

func (s *packetPinger) read() (n, ttl int, peer net.Addr, err error) {
	if s.six {
		var c *ipv6.ControlMessage
		if n, c, peer, err = s.conn.IPv6PacketConn().ReadFrom(s.in); c != nil {
			ttl = c.HopLimit
		}
		return n, ttl, peer, err
	}
	var c *ipv4.ControlMessage
	if n, c, peer, err = s.conn.IPv4PacketConn().ReadFrom(s.in); c != nil {
		ttl = c.TTL
	}
	return n, ttl, peer, err
}

func addrOf(a net.Addr) netip.Addr {
	var addr netip.Addr
	switch a := a.(type) {
	case *net.UDPAddr:
		addr, _ = netip.AddrFromSlice(a.IP)
	case *net.IPAddr:
		addr, _ = netip.AddrFromSlice(a.IP)
	}
	return addr.Unmap()
}

func mayNotPing(err error) error {
	switch runtime.GOOS {
	case "linux":
		return fmt.Errorf("this process may not ping: see net.ipv4.ping_group_range, and a raw socket needs root or CAP_NET_RAW: %w", err)
	case "windows":
		return fmt.Errorf("pinging needs an administrator: %w", err)
	}
	return fmt.Errorf("this process may not ping: a raw socket needs root: %w", err)
}
