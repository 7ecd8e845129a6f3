//go:build !linux || parleyportable

package client

import "net"

// newStamper has no timestamps of the system.
func newStamper(net.Conn) stamper { return noStamps{} }
