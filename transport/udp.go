package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"parley/endpoint"
)

// listenUDP returns a *net.UDPConn that is not connected: it hears every peer,
// and WriteTo answers them. On a group address it has joined the group.
func listenUDP(ctx context.Context, e endpoint.Endpoint) (net.PacketConn, error) {
	at, err := localAddress(ctx, e)
	if err != nil {
		return nil, err
	}
	if addr, err := netip.ParseAddr(at.Host); err == nil && addr.IsMulticast() {
		return listenGroup(ctx, at)
	}
	lc := net.ListenConfig{Control: udpListenControl(e)}
	return lc.ListenPacket(ctx, ipNetwork("udp", at), at.Address())
}

// udpListenControl takes back the permission to broadcast that package net
// gives to IPv4 sockets: a listener only answers, and an answer to a broadcast
// address is what an attacker who forged it wants.
func udpListenControl(e endpoint.Endpoint) control {
	return func(network, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error {
			if err := s.setBroadcast(false); err != nil {
				return err
			}
			if boolOption(e, "reuseaddr", false) {
				if err := s.setReuseAddr(true); err != nil {
					return err
				}
			}
			return s.setCommon(e, strings.HasSuffix(network, "6"))
		})
	}
}

// dialUDP uses the first address of e's host that the system has a route to:
// datagrams give no sign by which addresses could race.
func dialUDP(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	addrs, err := remoteAddrs(ctx, e)
	if err != nil {
		return nil, err
	}
	return dialFirst(addrs, func(to netip.AddrPort) (net.Conn, error) { return dialUDPAddr(ctx, e, to) })
}

// dialFirst dials one address after the other until one succeeds.
func dialFirst(addrs []netip.AddrPort, dial func(netip.AddrPort) (net.Conn, error)) (net.Conn, error) {
	var failed attemptsError
	for _, to := range addrs {
		c, err := dial(to)
		if err == nil {
			return c, nil
		}
		text := to.String()
		if to.Port() == 0 { // a scheme without ports
			text = to.Addr().String()
		}
		failed = append(failed, attempt{text, err})
	}
	if len(failed) == 1 {
		return nil, failed[0].err
	}
	return nil, failed
}

// dialUDPAddr returns a connected socket for a unicast address, so that a
// refusal (ICMP port unreachable) is seen. One that is dialled to many is not
// connected, so that the answers of each are heard.
func dialUDPAddr(ctx context.Context, e endpoint.Endpoint, to netip.AddrPort) (net.Conn, error) {
	switch {
	case to.Addr().IsMulticast():
		return dialGroup(ctx, e, to)
	case boolOption(e, "broadcast", false):
		return dialBroadcast(ctx, e, to)
	}
	d := net.Dialer{Control: castControl(e, false)}
	if source, err := parseSource(textOption(e, "source")); err == nil {
		d.LocalAddr = net.UDPAddrFromAddrPort(source)
	}
	c, err := d.DialContext(ctx, "udp", to.String())
	if errors.Is(err, syscall.EACCES) {
		err = explain(err, "a broadcast address needs broadcast=1")
	}
	return c, err
}

// castControl sets the options of a dialled UDP socket.
func castControl(e endpoint.Endpoint, broadcast bool) control {
	return func(network, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error {
			if err := s.setBroadcast(broadcast); err != nil {
				return err
			}
			return s.setCommon(e, strings.HasSuffix(network, "6"))
		})
	}
}

func dialBroadcast(ctx context.Context, e endpoint.Endpoint, to netip.AddrPort) (net.Conn, error) {
	if !to.Addr().Is4() {
		return nil, errors.New("IPv6 has no broadcast; dial a group, as in [ff02::1]")
	}
	lc := net.ListenConfig{Control: castControl(e, true)}
	return listenCast(ctx, &lc, e, to)
}

// listenCast makes the socket of a castConn, bound to source= if there is one.
func listenCast(ctx context.Context, lc *net.ListenConfig, e endpoint.Endpoint, to netip.AddrPort) (*castConn, error) {
	network, local := "udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	if to.Addr().Is6() {
		network, local = "udp6", netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	if source, err := parseSource(textOption(e, "source")); err == nil {
		local = netip.AddrPortFrom(local.Addr(), source.Port())
		if source.Addr().IsValid() {
			local = source
		}
	}
	pc, err := lc.ListenPacket(ctx, network, local.String())
	if err != nil {
		return nil, err
	}
	return &castConn{UDPConn: pc.(*net.UDPConn), to: to}, nil
}

// castConn sends to a broadcast or group address and hears whoever answers;
// ReadFrom says who did.
type castConn struct {
	*net.UDPConn
	to netip.AddrPort
}

func (c *castConn) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.to) }
func (c *castConn) RemoteAddr() net.Addr        { return net.UDPAddrFromAddrPort(c.to) }

func (c *castConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFromUDPAddrPort(b)
	return n, err
}

// remoteAddrs resolves e's host and port for dialling datagrams, within e's
// families and with IPv4 first, as listening on a name does: a program that
// listens on a name is reached by it. The host "" is this machine.
func remoteAddrs(ctx context.Context, e endpoint.Endpoint) ([]netip.AddrPort, error) {
	f := familiesOf(e)
	if e.Host == "" {
		e.Host = "127.0.0.1"
		if !f.v4 {
			e.Host = "::1"
		}
	}
	all, err := e.Resolve(ctx, nil)
	if err != nil {
		return nil, err
	}
	var addrs []netip.AddrPort
	for _, one := range all {
		ap, err := netip.ParseAddrPort(net.JoinHostPort(one.Host, cmp.Or(one.Port, "0")))
		if err != nil {
			return nil, err
		}
		if ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()); f.has(ap.Addr()) {
			addrs = append(addrs, ap)
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%s has no address of the family asked for", e.Host)
	}
	sortIPv4First(addrs)
	return addrs, nil
}

// sortIPv4First keeps the resolver's order within each family.
func sortIPv4First(addrs []netip.AddrPort) {
	slices.SortStableFunc(addrs, func(a, b netip.AddrPort) int {
		return cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen())
	})
}
