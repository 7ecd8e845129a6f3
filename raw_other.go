//go:build !unix || parleyportable

package parley

import (
	"net"
	"syscall"
)

// rawOf finds no raw socket here: a session holds a read buffer while it waits,
// and output sent from elsewhere costs a goroutine while it is written.
func rawOf(net.Conn) syscall.RawConn { return nil }

// An attempt to write without waiting is never made here.
type attempt struct{}

func (*buffer) prepare() {}

func (c *Conn) receiveRaw() (int, error)      { panic("parley: no raw sockets here") }
func (c *Conn) readReady(uintptr) bool        { panic("parley: no raw sockets here") }
func (c *Conn) writeNow(*buffer) (int, error) { panic("parley: no raw sockets here") }

// rawUnixgram finds no socket here either; see unixgramWait.
func rawUnixgram(net.PacketConn) syscall.RawConn { return nil }

func sendNow(syscall.RawConn, []byte, *net.UnixAddr) (int, error) {
	panic("parley: no raw sockets here")
}
