//go:build !linux || parleyportable

package parley

import "net"

// allowOthers does nothing: elsewhere the system gives all datagrams to one of the
// sockets.
func allowOthers(*net.UDPConn) bool { return false }
