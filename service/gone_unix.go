//go:build unix

package service

import "syscall"

// The errors of a write to a peer that has closed.
const (
	errPipe  = syscall.EPIPE
	errReset = syscall.ECONNRESET
)
