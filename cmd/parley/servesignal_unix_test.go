//go:build !windows

package main

import (
	"os"
	"syscall"
)

// testSignals are the signals that a script can send. Constant.
var testSignals = map[string]os.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}
