//go:build !windows

package main

// isReset is for systems whose name for a reset is not syscall.ECONNRESET.
func isReset(error) bool { return false }
