//go:build unix && !linux

package transport

import "syscall"

// nextSize: the system does not tell, so it may be all that Read's caller takes
// and that fits a socket's buffer. Lost is that a connection which waits holds
// no buffer.
func nextSize(_ syscall.RawConn, limit int) (int, error) { return min(limit, 1<<20), nil }
