package transport

import (
	"os"

	"golang.org/x/sys/windows"
)

// socket is a socket's handle, for the time of a RawConn.Control.
type socket windows.Handle

func (s socket) set(name string, level, opt, value int) error {
	return os.NewSyscallError("setsockopt "+name, windows.SetsockoptInt(windows.Handle(s), level, opt, value))
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// setReuseAddr: on Windows the option lets two sockets hold one port at once,
// so nothing sets it unless asked.
func (s socket) setReuseAddr(on bool) error {
	return s.set("SO_REUSEADDR", windows.SOL_SOCKET, windows.SO_REUSEADDR, bit(on))
}

func (s socket) setReusePort() error {
	return optionErrorf("reuseport", "", "option reuseport: not on this system")
}

func (s socket) setBroadcast(on bool) error {
	return s.set("SO_BROADCAST", windows.SOL_SOCKET, windows.SO_BROADCAST, bit(on))
}

// From ws2ipdef.h; x/sys/windows does not have all of them.
const (
	ipTTL           = 4
	ipv6UnicastHops = 4
)

func (s socket) setTTL(hops int, v6 bool) error {
	err := s.set("IP_TTL", windows.IPPROTO_IP, ipTTL, hops)
	if v6 {
		return s.set("IPV6_UNICAST_HOPS", windows.IPPROTO_IPV6, ipv6UnicastHops, hops)
	}
	return err
}

func (s socket) listen(backlog int) error {
	return os.NewSyscallError("listen", windows.Listen(windows.Handle(s), backlog))
}
