//go:build unix

package transport

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const probeNetwork = "unixgram"

// errRefused is how a socket file that no socket is bound to answers.
const errRefused = syscall.ECONNREFUSED

func isSocket(info fs.FileInfo) bool { return info.Mode().Type() == fs.ModeSocket }

// lockWait is how long lockDir waits. The lock is held for the time of a bind;
// but whoever can read the directory could hold it for longer.
const lockWait = 5 * time.Second

// lockDir takes the lock of a directory (flock(2)) and returns what gives it
// back. The lock belongs to an open file: the end of a process gives it back
// too.
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	unlock = func() { f.Close() } // which ends the lock
	late := time.NewTimer(lockWait)
	defer late.Stop()
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return unlock, nil
		case unix.EWOULDBLOCK, unix.EINTR:
		default:
			unlock()
			return nil, &os.PathError{Op: "flock", Path: dir, Err: err}
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			unlock()
			return nil, ctx.Err()
		case <-late.C:
			unlock()
			return nil, fmt.Errorf("another program has locked %s for %v", dir, lockWait)
		}
	}
}
