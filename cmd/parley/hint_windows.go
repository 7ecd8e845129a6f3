package main

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// winsock is what Windows says for a POSIX error of sockets, which package
// syscall has under numbers of its own.
func winsock(e syscall.Errno) error {
	switch e {
	case syscall.EADDRINUSE:
		return windows.WSAEADDRINUSE
	case syscall.EADDRNOTAVAIL:
		return windows.WSAEADDRNOTAVAIL
	case syscall.EACCES:
		return windows.WSAEACCES
	case syscall.ECONNREFUSED:
		return windows.WSAECONNREFUSED
	case syscall.ENETUNREACH:
		return windows.WSAENETUNREACH
	case syscall.EHOSTUNREACH:
		return windows.WSAEHOSTUNREACH
	case syscall.ETIMEDOUT:
		return windows.WSAETIMEDOUT
	case syscall.EINVAL:
		return windows.WSAEINVAL
	case syscall.EMFILE:
		return windows.WSAEMFILE
	}
	return e
}
