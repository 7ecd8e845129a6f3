package jetstream

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/chat"
)

// onSmallDisk runs the calling test again in a process that may mount, and skips
// it where there can be none. It reports whether this is that process, and then
// the directory of a file system of 6 MB.
func onSmallDisk(t *testing.T) (dir string, inside bool) {
	t.Helper()
	if os.Getenv(smallDisk) != "" {
		dir = t.TempDir()
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Skipf("no private mounts: %v", err)
		}
		if err := syscall.Mount("small", dir, "tmpfs", 0, "size=6m"); err != nil {
			t.Skipf("no small disk: %v", err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir, true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	child.Env = append(os.Environ(), smallDisk+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid := os.Getuid(); uid != 0 {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	out, err := child.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Skipf("no process with mounts of its own: %v", err)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip("no small disk")
	}
	return "", false
}

// TestDiskFull fills the disk under a log, and makes room again.
func TestDiskFull(t *testing.T) {
	dir, inside := onSmallDisk(t)
	if !inside {
		return
	}
	back := watch{Handler: testLogger(t).Handler(), text: "is written again", came: make(chan struct{}, 1)}
	store := filepath.Join(dir, "store")
	l := open(t, Config{Store: store, Log: slog.New(back), Timeout: 5 * time.Second})
	r := newAccount(t, l)
	for round := range 4 {
		r.postAll(100)
		filler := filepath.Join(dir, "filler")
		if err := r.fill(filler, round); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Append on a full disk: %v, want it to say so", err)
		} else {
			t.Logf("disk full: %v", err)
		}
		for range 3 {
			if err := r.post(); !errors.Is(err, chat.ErrNotStored) || !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("Append on a full disk again: %v, want %v", err, chat.ErrNotStored)
			}
		}
		if _, _, err := l.Read(testContext(t), chat.Query{Room: "lobby", Last: 10}); err != nil {
			t.Errorf("Read on a full disk: %v", err)
		}
		remove(t, filler)
		select {
		case <-back.came:
		case <-time.After(20 * time.Second):
			t.Fatal("the log does not store again")
		}
		if err := r.post(); err != nil {
			t.Fatalf("Append when there is room again: %v", err)
		}
		r.check()
	}
	closeLog(t, l)
	fillDisk(t, filepath.Join(dir, "filler"))
	if full, err := Open(testContext(t), Config{Store: store, Log: testLogger(t)}); err == nil {
		closeLog(t, full)
	} else if !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "no space") {
		t.Errorf("Open on a full disk: %v, want it to say so", err)
	} else {
		t.Log(err)
	}
	remove(t, filepath.Join(dir, "filler"))
	r.log = open(t, Config{Store: store, Log: testLogger(t)})
	r.check()
}

// fill fills the disk and posts until it shows: one by one, or many together
// when there is nothing, little, and more left.
func (r *account) fill(filler string, round int) error {
	fillDisk(r.t, filler)
	if round == 0 {
		return r.postUntilError()
	}
	size, err := os.Stat(filler)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.Truncate(filler, size.Size()-int64(round-1)*150_000); err != nil {
		r.t.Fatal(err)
	}
	for range 100 {
		if err := r.burst(200); err != nil {
			return err
		}
	}
	return nil
}

// fillDisk writes a file until nothing more fits.
func fillDisk(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 4096); ; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
