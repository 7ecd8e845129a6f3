package main

import (
	"errors"
	"syscall"
)

// isReset reports whether err is Windows' own name for a connection that the
// peer, or the system, has ended.
func isReset(err error) bool {
	return errors.Is(err, syscall.WSAECONNRESET) || errors.Is(err, syscall.Errno(10053)) // WSAECONNABORTED
}
