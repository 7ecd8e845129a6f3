//go:build !unix

package transport

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"parley/endpoint"
)

// bindGroup binds to the wildcard address, since Windows refuses a group's.
// Lost is that the socket hears the group alone: it also hears what comes to
// the port otherwise.
func bindGroup(ctx context.Context, e endpoint.Endpoint, group netip.AddrPort, _ *net.Interface) (*net.UDPConn, error) {
	network := "udp4"
	if group.Addr().Is6() {
		network = "udp6"
	}
	lc := net.ListenConfig{Control: func(_, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error { return s.setGroupOptions(e, group.Addr().Is6()) })
	}}
	pc, err := lc.ListenPacket(ctx, network, ":"+strconv.Itoa(int(group.Port())))
	if err != nil {
		return nil, err
	}
	return pc.(*net.UDPConn), nil
}

// shareGroup lets other sockets have the same group and port.
func (s socket) shareGroup() error { return s.setReuseAddr(true) }

// atGroup gives c the group as its LocalAddr.
func atGroup(c *net.UDPConn, group netip.Addr) net.PacketConn {
	return &groupConn{UDPConn: c, group: group}
}

type groupConn struct {
	*net.UDPConn
	group netip.Addr
}

func (c *groupConn) LocalAddr() net.Addr {
	port := c.UDPConn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.group, port))
}
