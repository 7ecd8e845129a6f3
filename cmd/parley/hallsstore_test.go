package main

import (
	"path/filepath"
	"testing"
)

func TestDefaultStore(t *testing.T) {
	root := t.TempDir() // is absolute everywhere
	for _, tt := range []struct {
		goos string
		vars map[string]string
		want string // below root, "" is an error
	}{
		{"linux", map[string]string{"XDG_STATE_HOME": root, "HOME": "/no"}, "parley/chat"},
		{"linux", map[string]string{"HOME": root}, ".local/state/parley/chat"},
		{"linux", map[string]string{"HOME": root, "XDG_STATE_HOME": "relative"}, ".local/state/parley/chat"},
		{"freebsd", map[string]string{"HOME": root}, ".local/state/parley/chat"},
		{"darwin", map[string]string{"HOME": root}, "Library/Application Support/parley/chat"},
		{"windows", map[string]string{"HOME": "/no", "LocalAppData": root}, "parley/chat"},
		{"linux", nil, ""},
		{"windows", map[string]string{"HOME": "/no"}, ""},
	} {
		got, err := defaultStoreOn(tt.goos, func(name string) string { return tt.vars[name] })
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%s with %v: %q, want an error", tt.goos, tt.vars, got)
		case tt.want != "" && (err != nil || got != filepath.Join(root, filepath.FromSlash(tt.want))):
			t.Errorf("%s with %v: %q, %v, want %s", tt.goos, tt.vars, got, err, tt.want)
		}
	}
}
