//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A named pipe that nobody reads is refused, and not waited for.
func TestReportFilePipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := openReportFiles("", name); !errors.Is(err, unix.ENXIO) {
		t.Errorf("got %v, want ENXIO", err)
	}
}

// Two names of one file are refused: the second report would replace the first.
func TestReportFilesSame(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := os.WriteFile(a, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(a, b); err != nil {
		t.Skip(err)
	}
	if _, err := openReportFiles(a, b); err == nil || !strings.Contains(err.Error(), "same file") {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(a); err != nil || string(got) != "before" {
		t.Errorf("the file has %q, %v", got, err)
	}
	f, err := openReportFiles(a, filepath.Join(dir, "c"))
	if err != nil {
		t.Fatal(err)
	}
	f.close()
}
