//go:build !linux || parleyportable

package bench

import "net"

// A poller is not to be had here: each session that is held takes a goroutine.
type poller struct{}

func pollable(net.Conn) bool                                      { return false }
func newPoller(func(int, []byte) error, func(int, error)) *poller { return nil }
func (*poller) add(int, net.Conn) bool                            { return false }
func (*poller) stop()                                             {}
