//go:build !parleyportable

package parley

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// readNow and writeNow read and write a non-blocking socket. The calls are raw
// ones, which the scheduler is not told of: they take less time than telling it
// would be worth.

func readNow(fd uintptr, p []byte) (int, error) { return rawCall(unix.SYS_READ, fd, p) }

func writeNow(fd uintptr, p []byte) (int, error) { return rawCall(unix.SYS_WRITE, fd, p) }

// rawCall is for p that is not empty.
func rawCall(trap, fd uintptr, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
