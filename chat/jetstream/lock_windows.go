package jetstream

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes f for this process until f is closed, and reports whether
// another has it. The lock is on a byte far behind the pid, which others may read.
func lockFile(f *os.File) (taken bool, err error) {
	at := &windows.Overlapped{Offset: 1 << 30}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return true, nil
	}
	return false, err
}
