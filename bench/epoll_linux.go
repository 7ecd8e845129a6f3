//go:build !parleyportable

package bench

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An epoll is an epoll(7) and a descriptor that wakes who waits for it. It is one
// goroutine's; wakeUp is for everybody, until close.
type epoll struct {
	fd, wake int // constant
	coarse   bool
	events   [128]unix.EpollEvent
}

// wakeSlot is what epoll calls the descriptor that wakes.
const wakeSlot = -1

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	e := &epoll{fd: fd, wake: wake}
	if err := e.control(unix.EPOLL_CTL_ADD, wake, wakeSlot, unix.EPOLLIN); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// watched is what a socket is watched for: that there is something to read, or its
// end. It is told when it comes (edge-triggered): the system then need not look again
// whether there is more, which takes a twentieth of the time of a datagram.
const watched = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// add watches a socket, and has it called slot.
func (e *epoll) add(fd int, slot int32) error {
	return e.control(unix.EPOLL_CTL_ADD, fd, slot, watched)
}

// again has told again what a socket has to be read, and also, if room is true, that it
// has room to write.
func (e *epoll) again(fd int, slot int32, room bool) error {
	events := uint32(watched)
	if room {
		events |= unix.EPOLLOUT
	}
	return e.control(unix.EPOLL_CTL_MOD, fd, slot, events)
}

func (e *epoll) control(op, fd int, slot int32, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(e.fd, op, fd, &unix.EpollEvent{Events: events, Fd: slot}))
}

// now returns what has happened, without waiting. The call is a raw one, which
// the scheduler is not told of.
func (e *epoll) now() []unix.EpollEvent {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(unsafe.Pointer(&e.events)), uintptr(len(e.events)), 0, 0, 0)
	return e.got(n, errno)
}

// wait returns what has happened, and waits for it up to ns nanoseconds. The
// scheduler knows of it: a thread that waited without would keep everybody
// waiting who stops the world.
func (e *epoll) wait(ns int64) []unix.EpollEvent {
	if !e.coarse {
		timeout := unix.NsecToTimespec(ns)
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(e.fd), uintptr(unsafe.Pointer(&e.events)), uintptr(len(e.events)),
			uintptr(unsafe.Pointer(&timeout)), 0, 0)
		if errno != unix.ENOSYS && errno != unix.EPERM { // Linux 5.11; seccomp filters that do not know it say EPERM
			return e.got(n, errno)
		}
		e.coarse = true
	}
	// Whole milliseconds: what is left of the last one is spent polling.
	n, err := unix.EpollWait(e.fd, e.events[:], int(min(ns/int64(time.Millisecond), 1<<30)))
	if err != nil {
		return e.got(0, err.(unix.Errno))
	}
	return e.got(uintptr(n), 0)
}

func (e *epoll) got(n uintptr, errno unix.Errno) []unix.EpollEvent {
	switch errno {
	case 0:
		return e.events[:n]
	case unix.EINTR:
		return nil
	}
	panic("bench: epoll_wait: " + errno.Error()) // a bug of ours: no such descriptor
}

// wakeUp ends a wait, the next one if there is none.
func (e *epoll) wakeUp() {
	unix.Write(e.wake, []byte{1, 0, 0, 0, 0, 0, 0, 1}) // not zero in either byte order
}

// drain makes it wait again.
func (e *epoll) drain() {
	var count [8]byte
	unix.Read(e.wake, count[:])
}

func (e *epoll) close() {
	unix.Close(e.wake)
	unix.Close(e.fd)
}

// exactTimers has the system wake this thread as soon as it can, and not up to
// 50 µs later to save power. It returns what ends that.
func exactTimers() (restore func()) {
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return func() { unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) } // 0 is the thread's default
}
