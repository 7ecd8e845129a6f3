//go:build unix && !linux && !parleyportable

package parley

import "golang.org/x/sys/unix"

func readNow(fd uintptr, p []byte) (int, error) { return ignoringEINTR(unix.Read, int(fd), p) }

func writeNow(fd uintptr, p []byte) (int, error) { return ignoringEINTR(unix.Write, int(fd), p) }

func ignoringEINTR(op func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := op(fd, p)
		if err != unix.EINTR {
			return n, err
		}
	}
}
