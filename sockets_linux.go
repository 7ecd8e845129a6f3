//go:build !parleyportable

package parley

import (
	"net"

	"golang.org/x/sys/unix"
)

// allowOthers lets other sockets of this user be bound to the same port, over which
// Linux spreads the datagrams by their addresses (SO_REUSEPORT, Linux 3.9). It may be
// set after the first was bound.
func allowOthers(c *net.UDPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	raw.Control(func(fd uintptr) {
		ok = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) == nil
	})
	return ok
}
