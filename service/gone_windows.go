package service

import "syscall"

// The errors of a write to a peer that has closed.
const (
	errPipe  = syscall.WSAECONNABORTED
	errReset = syscall.WSAECONNRESET
)
