//go:build unix

package probe

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeDescriptors is how many more this process may open; limited is whether the
// system says.
func freeDescriptors() (free int, limited bool) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0, false
	}
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return int(limit.Cur), true
	}
	return int(limit.Cur) - len(open), true
}
