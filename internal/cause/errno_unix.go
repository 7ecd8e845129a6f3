//go:build unix

package cause

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func nameOf(e syscall.Errno) string { return unix.ErrnoName(e) }

// wordOf is "" for what no word is for.
func wordOf(e syscall.Errno) string {
	switch e {
	case unix.ECONNREFUSED:
		return "refused"
	case unix.ECONNRESET, unix.ECONNABORTED, unix.ENETRESET:
		return "reset"
	case unix.ETIMEDOUT:
		return "timed out"
	case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EHOSTDOWN:
		return "unreachable"
	case unix.EACCES, unix.EPERM:
		return "denied"
	case unix.ENOENT, unix.ENOTDIR:
		return "no such socket"
	case unix.EADDRINUSE:
		return "in use"
	case unix.EADDRNOTAVAIL:
		return "no local address"
	case unix.EMFILE, unix.ENFILE:
		return "too many files"
	case unix.ENOMEM, unix.ENOBUFS:
		return "no memory"
	case unix.EPIPE, unix.ESHUTDOWN, unix.ENOTCONN:
		return "closed"
	case unix.EMSGSIZE, unix.ENAMETOOLONG:
		return "too long"
	case unix.ECANCELED:
		return "canceled"
	}
	return ""
}
