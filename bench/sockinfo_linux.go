package bench

import (
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readSockinfo returns what the system knows of the socket under conn. It looks
// through TLS; of a WebSocket, whose socket does not show, nothing is known.
func readSockinfo(conn net.Conn) sockinfo {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = over.NetConn()
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nothingKnown
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nothingKnown
	}
	info := nothingKnown
	raw.Control(func(fd uintptr) { info = sockinfoOf(int(fd)) })
	return info
}

// sockinfoOf returns what the system knows of a socket.
func sockinfoOf(fd int) sockinfo {
	info := nothingKnown
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil {
		return info
	}
	switch protocol {
	case unix.IPPROTO_TCP:
		if tcp, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			info.tcp = true
			info.retransmits = int64(tcp.Total_retrans)
			info.rtt = time.Duration(tcp.Rtt) * time.Microsecond
		}
	case unix.IPPROTO_UDP:
		info.drops = drops(fd)
	}
	return info
}

// drops is how many datagrams found the receive buffer of a socket full, or -1
// where the system does not tell (SO_MEMINFO, Linux 4.12). A Unix socket drops
// none: there the sender waits.
func drops(fd int) int64 {
	var mem [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(mem))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&mem)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < uint32(unsafe.Sizeof(mem)) {
		return -1
	}
	return int64(mem[unix.SK_MEMINFO_DROPS])
}
