//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// watchStdout calls gone once nobody can read what is written to f any more, if
// f is a pipe or a socket. A write would say so; but there may be nothing to
// write for hours. stop ends the watch, and has to be called before f is closed.
func watchStdout(f *os.File, gone func()) (stop func()) {
	fd, ok := pipeOf(f)
	if !ok {
		return func() {}
	}
	wakeRead, wakeWrite, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	ended := make(chan struct{})
	go pollStdout(fd, wakeRead, gone, ended) // ends when the wake pipe is closed
	return func() {
		wakeWrite.Close()
		<-ended
		wakeRead.Close()
	}
}

// pipeOf returns f's descriptor when it is of a kind that can lose its reader.
func pipeOf(f *os.File) (fd int32, ok bool) {
	rc, err := f.SyscallConn() // Fd would make a non-blocking file blocking
	if err != nil {
		return 0, false
	}
	rc.Control(func(n uintptr) {
		var st unix.Stat_t
		if unix.Fstat(int(n), &st) == nil {
			kind := st.Mode & unix.S_IFMT
			fd, ok = int32(n), kind == unix.S_IFIFO || kind == unix.S_IFSOCK
		}
	})
	return fd, ok
}

// pollStdout waits without asking for events: POLLERR, which a pipe without a
// reader has, and POLLHUP are always reported (poll(2)).
func pollStdout(fd int32, wake *os.File, gone func(), ended chan<- struct{}) {
	defer close(ended)
	rc, err := wake.SyscallConn()
	if err != nil {
		return
	}
	var wakeFD int32
	rc.Control(func(n uintptr) { wakeFD = int32(n) })
	for {
		fds := []unix.PollFd{{Fd: fd}, {Fd: wakeFD, Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		if fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
			gone()
			return
		}
		if fds[1].Revents != 0 {
			return
		}
	}
}

// notBlocking makes the opening of a named pipe that nobody reads fail (ENXIO), where it
// would wait, and no signal could end that.
const notBlocking = unix.O_NONBLOCK
