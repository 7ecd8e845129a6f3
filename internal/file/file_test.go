package file

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "drift")
	for _, text := range []string{"long, the first time", "short", ""} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("read %q, %v, want %q", b, err, text)
		}
	}
	checkOnly(t, dir, "drift")
}

// What cannot be replaced stays as it is, and nothing is left beside it.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "drift", "kept"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(dir, "drift"), []byte("1")); err == nil {
		t.Error("a directory was replaced")
	}
	checkOnly(t, dir, "drift")
	if err := Replace(filepath.Join(dir, "none", "drift"), []byte("1")); err == nil {
		t.Error("a file was written into no directory")
	}
}

func checkOnly(t *testing.T, dir, want string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != want {
		t.Errorf("in the directory: %v, %v, want %s only", entries, err, want)
	}
}
