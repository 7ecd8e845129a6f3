package jetstream

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// lock takes the directory for this process until the file it returns is
// closed. The file holds the pid.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := lockFile(f)
	switch {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	case taken:
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		if len(pid) == 0 { // it was locked just now
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("%w by process %s", ErrLocked, strings.TrimSpace(string(pid)))
	}
	if err := writePid(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// writePid replaces what is in f. It writes over the old pid before it cuts, so
// that a full disk does not keep the store from being opened.
func writePid(f *os.File) error {
	n, err := f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	if err != nil {
		return fmt.Errorf("write the pid: %w", err)
	}
	return f.Truncate(int64(n))
}
