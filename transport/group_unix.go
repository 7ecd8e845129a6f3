//go:build unix

package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// bindGroup returns a socket bound to the group's own address, so that it hears
// nothing else that comes to the port. Package net would bind it to the
// wildcard address; hence by hand.
func bindGroup(_ context.Context, e endpoint.Endpoint, group netip.AddrPort, ifi *net.Interface) (*net.UDPConn, error) {
	family := unix.AF_INET
	if group.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := datagramSocket(family)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "udp")
	defer f.Close() // FilePacketConn makes a copy
	if err := socket(fd).setGroupOptions(e, family == unix.AF_INET6); err != nil {
		return nil, err
	}
	if family == unix.AF_INET6 {
		if err := socket(fd).set("IPV6_V6ONLY", unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return nil, err
		}
	}
	if err := socket(fd).hearOwnGroupsOnly(group.Addr().Is6()); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, sockaddr(group, ifi)); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	pc, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return pc.(*net.UDPConn), nil
}

// datagramSocket is socket(2) with close-on-exec and without blocking. The lock
// keeps a fork from seeing the descriptor between the two calls, on the systems
// that have no SOCK_CLOEXEC.
func datagramSocket(family int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}

// sockaddr is ap as the system takes it. A link-local group needs the number of
// its interface.
func sockaddr(ap netip.AddrPort, ifi *net.Interface) unix.Sockaddr {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if ifi != nil {
		sa.ZoneId = uint32(ifi.Index)
	}
	return sa
}

// shareGroup lets other sockets have the same group and port. The BSDs ask for
// SO_REUSEPORT there; on Linux it would split the datagrams of a unicast port.
func (s socket) shareGroup() error {
	if err := s.setReuseAddr(true); err != nil || runtime.GOOS == "linux" {
		return err
	}
	return s.setReusePort()
}

// atGroup is c, whose LocalAddr is the group.
func atGroup(c *net.UDPConn, _ netip.Addr) net.PacketConn { return c }
