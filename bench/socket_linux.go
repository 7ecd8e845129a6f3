//go:build !parleyportable

package bench

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socketKind is how a socket carries messages.
type socketKind uint8

const (
	streams    socketKind = iota // tcp, unix: bytes, until their end
	udp                          // messages; what the network says of a peer may pass
	unixgrams                    // messages; a peer that is gone is gone
	seqpackets                   // messages, until their end
)

// loopable reports whether the event loop can drive a transport: whatever is a
// plain socket.
func loopable(scheme string) bool {
	switch scheme {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket":
		return true
	}
	return false
}

func kindOfSocket(scheme string) socketKind {
	switch {
	case strings.HasPrefix(scheme, "udp"):
		return udp
	case scheme == "unixgram":
		return unixgrams
	case scheme == "unixpacket":
		return seqpackets
	}
	return streams
}

// takeOver takes the socket out of conn and closes conn. The descriptor is the
// caller's; it does not block.
func takeOver(conn net.Conn) (fd int, err error) {
	defer conn.Close()
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%T is not a plain socket", conn)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	var failed error
	err = raw.Control(func(s uintptr) {
		fd, failed = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) // has the same O_NONBLOCK
	})
	if err == nil {
		err = os.NewSyscallError("fcntl", failed)
	}
	if err != nil {
		return -1, err
	}
	return fd, nil
}

// receiveNow and sendNow read and write a socket that does not block. The calls are raw
// ones, which the scheduler is not told of: they take less time than telling it
// would be worth.

func receiveNow(fd int32, p []byte, flags int) (int, unix.Errno) {
	return rawCall(unix.SYS_RECVFROM, fd, p, flags)
}

func sendNow(fd int32, p []byte) (int, unix.Errno) {
	return rawCall(unix.SYS_SENDTO, fd, p, unix.MSG_NOSIGNAL)
}

func rawCall(trap uintptr, fd int32, p []byte, flags int) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags), 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// hungUp reports whether the peer of a socket has closed, at least its sending side.
func hungUp(fd int32) bool {
	list := []unix.PollFd{{Fd: fd, Events: unix.POLLRDHUP}}
	n, err := unix.Poll(list, 0)
	return err == nil && n > 0 && list[0].Revents&(unix.POLLRDHUP|unix.POLLHUP) != 0
}

// passing reports whether an error of a UDP socket is the network's word on one
// datagram, and may not be true of the next.
func passing(errno unix.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN:
		return true
	}
	return false
}
