//go:build linux && !parleyportable

package bench

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A poller watches sockets by an epoll of its own, beside that of the runtime, so
// that a session that is held needs no goroutine. It reads what arrives.
type poller struct {
	// Constant.
	epoll, wake int
	heard       func(id int, data []byte) error
	ended       func(id int, err error)
	done        chan struct{} // closed when run has returned

	mu  sync.Mutex  // guards what follows
	fds map[int]int // descriptors by session. They are open: who closes one has had ended called
}

// newPoller returns nil where there is no descriptor left for it.
func newPoller(heard func(int, []byte) error, ended func(int, error)) *poller {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil
	}
	p := &poller{epoll: epoll, wake: wake, heard: heard, ended: ended, done: make(chan struct{}), fds: make(map[int]int)}
	if err := p.register(wake, -1); err != nil {
		unix.Close(epoll)
		unix.Close(wake)
		return nil
	}
	go p.run() // until stop
	return p
}

// register has events of fd reported with id.
func (p *poller) register(fd, id int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(id)}
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
}

// pollable reports whether what conn reads is what its socket does.
func pollable(conn net.Conn) bool {
	switch conn.(type) {
	case *net.TCPConn, *net.UDPConn, *net.UnixConn:
		return true
	}
	return false
}

// add begins to watch a conn that is pollable.
func (p *poller) add(id int, conn net.Conn) bool {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	added := false
	raw.Control(func(fd uintptr) { added = p.addFD(id, int(fd)) })
	return added
}

func (p *poller) addFD(id, fd int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fds[id] = fd
	if p.register(fd, id) != nil {
		delete(p.fds, id)
		return false
	}
	return true
}

// run waits for what happens to the sockets.
func (p *poller) run() {
	defer close(p.done)
	events := make([]unix.EpollEvent, 128)
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.EpollWait(p.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			panic("bench: epoll_wait: " + err.Error()) // a bug of ours: no such descriptor
		}
		for _, ev := range events[:max(n, 0)] {
			if ev.Fd < 0 {
				return
			}
			p.look(int(ev.Fd), buf)
		}
	}
}

// look reads a socket that something has happened to, once: what is left is
// reported again.
func (p *poller) look(id int, buf []byte) {
	p.mu.Lock()
	fd, ok := p.fds[id]
	p.mu.Unlock()
	if !ok {
		return
	}
	n, err := unix.Read(fd, buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil:
		err = os.NewSyscallError("read", err)
	case n == 0 && !p.datagrams(fd):
		err = io.EOF
	default:
		err = p.heard(id, buf[:n])
	}
	if err == nil {
		return
	}
	p.mu.Lock()
	delete(p.fds, id)
	p.mu.Unlock()
	unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	p.ended(id, err)
}

// datagrams reports whether nothing that is read is an empty datagram and no end.
func (p *poller) datagrams(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind == unix.SOCK_DGRAM
}

// stop ends run and waits for it.
func (p *poller) stop() {
	unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-p.done
	unix.Close(p.wake)
	unix.Close(p.epoll)
}
