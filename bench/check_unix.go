//go:build unix

package bench

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// descriptors is how many this process may have, and how many are in use. The soft
// limit is what package os has raised it to.
func descriptors() (limit, used int, ok bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, 0, false
	}
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0, 0, false
	}
	return int(min(uint64(r.Cur), 1<<30)), len(list) - 1, true // one is that of the directory
}

// localPorts is the range that the system gives local ports from. Those that
// Linux reserves (ip_local_reserved_ports) are not taken off.
func localPorts() (low, high int) {
	if runtime.GOOS != "linux" {
		return 49152, 65535 // what IANA names, and the default of macOS and the BSDs
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, err = fmt.Sscan(string(text), &low, &high)
	}
	if err != nil {
		return 32768, 60999 // the default, net/ipv4/af_inet.c
	}
	return low, high
}

// largestUnix is how many bytes a message on a Unix socket of that scheme may
// have: its send buffer, on Linux less what unix_dgram_sendmsg (net/unix/af_unix.c)
// keeps for itself.
func largestUnix(scheme string) (int, error) {
	kind := unix.SOCK_DGRAM
	if scheme == "unixpacket" {
		kind = unix.SOCK_SEQPACKET
	}
	fd, err := unix.Socket(unix.AF_UNIX, kind, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0, os.NewSyscallError("getsockopt", err)
	}
	if runtime.GOOS == "linux" {
		n -= 32
	}
	return n, nil
}
