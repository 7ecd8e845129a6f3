package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
)

// defaultStore is the directory where this user's chat is kept: below
// $XDG_STATE_HOME, or else where the system keeps what programs remember.
func defaultStore(getenv func(string) string) (string, error) {
	return defaultStoreOn(runtime.GOOS, getenv)
}

// errNoStateDir is matched when the system does not say where the user's is.
var errNoStateDir = errors.New("its directory is not known")

func defaultStoreOn(goos string, getenv func(string) string) (string, error) {
	// The specification says to ignore a path that is not absolute.
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parley", "chat"), nil
	}
	variable, below := "HOME", []string{".local", "state"}
	switch goos {
	case "windows":
		variable, below = "LocalAppData", nil
	case "darwin", "ios":
		below = []string{"Library", "Application Support"}
	}
	dir := getenv(variable)
	if dir == "" {
		return "", fmt.Errorf("%w: %s is not set", errNoStateDir, variable)
	}
	return filepath.Join(append(append([]string{dir}, below...), "parley", "chat")...), nil
}
