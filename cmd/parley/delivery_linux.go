package main

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// deliveryTime is how long lost waits for the peer's word on what was sent last.
const deliveryTime = time.Second

// tcpClose is TCP_CLOSE of the kernel's net/tcp_states.h.
const tcpClose = 7

// lost reports whether the peer has answered the last bytes sent on a TCP
// connection, both of whose directions have ended, with a reset. The kernel
// gives no event for the last acknowledgement (poll says POLLHUP from the moment
// of the half-close), so its state is looked at every few milliseconds.
func lost(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	for end := time.Now().Add(deliveryTime); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if settled, reset := tcpVerdict(rc); settled {
			return reset
		}
	}
	return false
}

// tcpVerdict reports whether the connection is gone, and whether by a reset.
func tcpVerdict(rc syscall.RawConn) (settled, reset bool) {
	rc.Control(func(fd uintptr) {
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		info, infoErr := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		reset = err == nil && code != 0
		settled = reset || err != nil || infoErr != nil || info.State == tcpClose
	})
	return settled, reset
}
