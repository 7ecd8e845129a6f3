//go:build !linux

package bench

import "net"

// readSockinfo returns what the system knows of conn's socket: other systems do not
// tell it portably, so retransmits, round trip times and drops are not in a report.
func readSockinfo(net.Conn) sockinfo { return nothingKnown }
