package probe

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A packetPinger is an ICMP socket: an unprivileged one, which the system has numbered and
// which hears its own answers only, or a raw one, which hears everybody's.
type packetPinger struct {
	conn *icmp.PacketConn
	to   net.Addr
	six  bool
	raw  bool
	out  []byte
	in   []byte
}

func newPacketPinger(addr netip.Addr, raw bool) (pinger, error) {
	s := &packetPinger{to: udpAddr(addr), six: addr.Is6(), raw: raw, in: make([]byte, 1500)}
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
		s.to = ipAddr(addr)
	}
	var err error
	if s.conn, err = icmp.ListenPacket(network, at); err != nil {
		return nil, err
	}
	// Without these the TTL is not known, and reports are not heard: no reason to fail.
	if s.six {
		s.conn.IPv6PacketConn().SetControlMessage(ipv6.FlagHopLimit, true)
	} else {
		s.conn.IPv4PacketConn().SetControlMessage(ipv4.FlagTTL, true)
	}
	return s, nil
}

func (s *packetPinger) close() { s.conn.Close() }

func (s *packetPinger) method() string {
	if s.raw {
		return "raw"
	}
	return "unprivileged"
}

func (s *packetPinger) send(e echoRequest) error {
	s.out = appendEcho(s.out[:0], e, s.six)
	_, err := s.conn.WriteTo(s.out, s.to)
	return err
}

func (s *packetPinger) receive(deadline time.Time) (b []byte, from netip.Addr, ttl int, at time.Time, err error) {
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return nil, from, 0, at, err
	}
	var n int
	var peer net.Addr
	if s.six {
		var c *ipv6.ControlMessage
		n, c, peer, err = s.conn.IPv6PacketConn().ReadFrom(s.in)
		if c != nil {
			ttl = c.HopLimit
		}
	} else {
		var c *ipv4.ControlMessage
		n, c, peer, err = s.conn.IPv4PacketConn().ReadFrom(s.in)
		if c != nil {
			ttl = c.TTL
		}
	}
	at = time.Now()
	if err != nil {
		return nil, from, 0, at, err
	}
	return s.in[:n], addrOf(peer), ttl, at, nil
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
