//go:build unix

package transport

import (
	"os"

	"golang.org/x/sys/unix"
)

// socket is a socket's descriptor, for the time of a RawConn.Control.
type socket int

func (s socket) set(name string, level, opt, value int) error {
	return os.NewSyscallError("setsockopt "+name, unix.SetsockoptInt(int(s), level, opt, value))
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

func (s socket) setReuseAddr(on bool) error {
	return s.set("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, bit(on))
}

func (s socket) setReusePort() error {
	return s.set("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// setBroadcast undoes what package net does to every datagram socket, or does
// it again.
func (s socket) setBroadcast(on bool) error {
	return s.set("SO_BROADCAST", unix.SOL_SOCKET, unix.SO_BROADCAST, bit(on))
}

// setTTL sets the time to live, in hops, of what the socket sends. An IPv6
// socket that holds both families needs both; where it cannot have the other
// one it does not need it.
func (s socket) setTTL(hops int, v6 bool) error {
	err := s.set("IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, hops)
	if v6 {
		return s.set("IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hops)
	}
	return err
}

func (s socket) listen(backlog int) error {
	return os.NewSyscallError("listen", unix.Listen(int(s), backlog))
}
