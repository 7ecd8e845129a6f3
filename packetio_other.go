//go:build !linux || parleyportable

package parley

import "net"

// newPacketIO moves one datagram a system call: only Linux has a call for many.
func newPacketIO(pc net.PacketConn, max int, _ bool, _ func(string, error)) (packetIO, error) {
	return newSingleIO(pc, max), nil
}
