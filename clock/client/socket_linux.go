//go:build !parleyportable

package client

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"parley/internal/timestamp"
)

// newStamper uses the system's timestamps where it can.
func newStamper(conn net.Conn) stamper {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return noStamps{}
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return noStamps{}
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = timestamp.Start(fd) }); err != nil || failed != nil {
		return noStamps{}
	}
	return &kernelStamps{udp: udp, raw: raw, control: make([]byte, timestamp.ControlRoom)}
}

// kernelStamps are those of the kernel.
type kernelStamps struct {
	udp     *net.UDPConn
	raw     syscall.RawConn
	ask     timestamp.Ask
	control []byte
	number  uint32 // of datagrams sent
}

func (k *kernelStamps) send(_ net.Conn, b []byte) error {
	_, _, err := k.udp.WriteMsgUDP(b, k.ask.Control(), nil)
	if err == nil {
		k.number++
		return nil
	}
	// Whether the system numbered it is not known: begin anew.
	k.number = 0
	k.raw.Control(func(fd uintptr) { timestamp.Start(fd) })
	return err
}

func (k *kernelStamps) receive(_ net.Conn, b []byte) (int, time.Time, error) {
	n, control, _, _, err := k.udp.ReadMsgUDP(b, k.control)
	if err != nil {
		return 0, time.Time{}, err
	}
	return n, timestamp.Read(k.control[:control]).At, nil
}

// departed reads the error queue to its end.
func (k *kernelStamps) departed() (at time.Time, ok bool) {
	k.raw.Control(func(fd uintptr) {
		for {
			_, control, _, _, err := unix.Recvmsg(int(fd), nil, k.control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			if s := timestamp.Read(k.control[:control]); s.Departed && s.ID+1 == k.number && !s.At.IsZero() {
				at, ok = s.At.Round(0), true
			}
		}
	})
	return at, ok
}
