package transport

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// nextSize waits for a message and returns its size, without taking it and
// without a buffer. With MSG_TRUNC Linux tells the real size (Unix sockets:
// since 3.4).
func nextSize(rc syscall.RawConn, _ int) (size int, err error) {
	waited := rc.Read(func(fd uintptr) bool {
		for {
			size, _, err = unix.Recvfrom(int(fd), nil, unix.MSG_PEEK|unix.MSG_TRUNC)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if waited != nil {
		return 0, waited
	}
	return size, os.NewSyscallError("recvfrom", err)
}
