//go:build !windows

package main

import "syscall"

// winsock is e: only Windows has other numbers.
func winsock(e syscall.Errno) error { return e }
