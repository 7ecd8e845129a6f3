//go:build linux && !parleyportable

package bench

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A poller watches sockets by an epoll of its own, beside that of the runtime, so
// that a session that is held needs no goroutine. It reads what arrives.
type poller struct {
	// Constant.
	epoll *epoll
	heard func(id int, data []byte) error
	ended func(id int, err error)
	done  chan struct{} // closed when run has returned

	mu  sync.Mutex  // guards what follows
	fds map[int]int // descriptors by session. They are open: who closes one has had ended called
}

// newPoller returns nil where there is no descriptor left for it.
func newPoller(heard func(int, []byte) error, ended func(int, error)) *poller {
	epoll, err := newEpoll()
	if err != nil {
		return nil
	}
	p := &poller{epoll: epoll, heard: heard, ended: ended, done: make(chan struct{}), fds: make(map[int]int)}
	go p.run() // until stop
	return p
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
	if p.epoll.control(unix.EPOLL_CTL_ADD, fd, int32(id), unix.EPOLLIN|unix.EPOLLRDHUP) != nil {
		delete(p.fds, id)
		return false
	}
	return true
}

// run waits for what happens to the sockets.
func (p *poller) run() {
	defer close(p.done)
	buf := make([]byte, 64<<10)
	for {
		for _, ev := range p.epoll.wait(int64(time.Hour)) {
			if ev.Fd == wakeSlot {
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
	p.epoll.control(unix.EPOLL_CTL_DEL, fd, 0, 0)
	p.ended(id, err)
}

// datagrams reports whether nothing that is read is an empty datagram and no end.
func (p *poller) datagrams(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind == unix.SOCK_DGRAM
}

// stop ends run and waits for it.
func (p *poller) stop() {
	p.epoll.wakeUp()
	<-p.done
	p.epoll.close()
}
