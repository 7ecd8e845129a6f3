package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"parley/endpoint"
)

// listenGroup opens a socket for the group at and joins it, on the interface
// that iface= or the address's zone names, or else on the system's default. The
// system leaves the group when the socket is closed. Several sockets may hold
// the same group and port, each gets every datagram; those that this machine
// sends are heard as well.
func listenGroup(ctx context.Context, at endpoint.Endpoint) (net.PacketConn, error) {
	group, err := netip.ParseAddrPort(at.Address())
	if err != nil {
		return nil, err
	}
	group = netip.AddrPortFrom(group.Addr().Unmap(), group.Port())
	ifi, err := interfaceOf(at, group.Addr())
	if err != nil {
		return nil, err
	}
	c, err := bindGroup(ctx, at, group, ifi)
	if errors.Is(err, syscall.EINVAL) && ifi == nil && group.Addr().Is6() {
		err = explain(err, "a link-local group needs iface=")
	}
	if err != nil {
		return nil, err
	}
	m := membersOf(c, group.Addr())
	err = m.JoinGroup(ifi, &net.UDPAddr{IP: group.Addr().AsSlice()})
	if errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		err = explain(err, "no interface for the group; name one with iface=")
	}
	if err == nil {
		err = m.prepare(ifi, intOption(at, "ttl", 1))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return atGroup(c, group.Addr()), nil
}

// setGroupOptions sets the options of a group's socket before it is bound.
// reuseaddr is on unless it is asked to be off.
func (s socket) setGroupOptions(e endpoint.Endpoint, v6 bool) error {
	if err := s.setBroadcast(false); err != nil {
		return err
	}
	if boolOption(e, "reuseaddr", true) {
		if err := s.shareGroup(); err != nil {
			return err
		}
	}
	return s.setPortAndTTL(e, v6)
}

// dialGroup returns a socket that sends to a group and hears all who answer.
func dialGroup(ctx context.Context, e endpoint.Endpoint, to netip.AddrPort) (net.Conn, error) {
	ifi, err := interfaceOf(e, to.Addr())
	if err != nil {
		return nil, err
	}
	if ifi != nil && to.Addr().Is6() {
		to = netip.AddrPortFrom(to.Addr().WithZone(ifi.Name), to.Port())
	}
	lc := net.ListenConfig{Control: func(network, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error { return s.setPortAndTTL(e, strings.HasSuffix(network, "6")) })
	}}
	c, err := listenCast(ctx, &lc, e, to)
	if err != nil {
		return nil, err
	}
	if err := membersOf(c.UDPConn, to.Addr()).prepare(ifi, intOption(e, "ttl", 1)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// interfaceOf is the interface that e names, nil for none.
func interfaceOf(e endpoint.Endpoint, addr netip.Addr) (*net.Interface, error) {
	name, ok := e.Option("iface")
	if !ok {
		name = addr.Zone()
	}
	if name == "" {
		return nil, nil
	}
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, noInterface(name)
	}
	return ifi, nil
}

// noInterface lists the interfaces there are.
func noInterface(name string) error {
	var names []string
	all, _ := net.Interfaces() // an empty list says little, but no error more
	for _, ifi := range all {
		names = append(names, ifi.Name)
	}
	return optionErrorf("iface", name, "option iface=%s: there is no such interface; there are %s", name, strings.Join(names, " "))
}

// members is what the packet connections of x/net/ipv4 and ipv6 have in common.
type members struct {
	memberConn
	setHops func(int) error
}

type memberConn interface {
	JoinGroup(ifi *net.Interface, group net.Addr) error
	SetMulticastInterface(ifi *net.Interface) error
	SetMulticastLoopback(on bool) error
}

func membersOf(c *net.UDPConn, group netip.Addr) members {
	if group.Is4() {
		pc := ipv4.NewPacketConn(c)
		return members{pc, pc.SetMulticastTTL}
	}
	pc := ipv6.NewPacketConn(c)
	return members{pc, pc.SetMulticastHopLimit}
}

// prepare sets how the socket sends to groups: by which interface (nil: the
// system's choice), how far, and heard by this machine's members too.
func (m members) prepare(ifi *net.Interface, hops int) error {
	if ifi != nil {
		if err := m.SetMulticastInterface(ifi); err != nil {
			return fmt.Errorf("sending by %s: %w", ifi.Name, cause(err))
		}
	}
	if err := m.setHops(hops); err != nil {
		return err
	}
	return m.SetMulticastLoopback(true)
}
