//go:build !parleyportable

package bench

import (
	"io"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many messages one system call moves at most.
const batchSize = 32

// A batch are messages of one session that are moved together (sendmmsg, Linux 3.0,
// and recvmmsg, 2.6.33).
type batch struct {
	out, in *mmsgs // nil until they are needed
	ends    [batchSize]int
	arena   []byte // of in
}

// mmsgs are the arguments of one recvmmsg or sendmmsg.
type mmsgs struct {
	hdrs [batchSize]mmsghdr
	iovs [batchSize]unix.Iovec
}

// An mmsghdr is the kernel's struct mmsghdr; see recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

func newMmsgs() *mmsgs {
	m := new(mmsgs)
	for i := range m.hdrs {
		m.hdrs[i].hdr.Iov = &m.iovs[i]
		m.hdrs[i].hdr.SetIovlen(1)
	}
	return m
}

// call makes a raw system call on the first n messages.
func (m *mmsgs) call(trap uintptr, fd int32, n int, flags uintptr) (int, unix.Errno) {
	for {
		done, _, errno := unix.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&m.hdrs)), uintptr(n), flags, 0, 0)
		switch errno {
		case 0:
			return int(done), 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// gather makes the next messages of a session, in l.out, and returns how many.
func (b *batch) gather(l *loop, s batcher) (n int) {
	out := l.out[:0]
	for more := true; n < batchSize; n++ {
		if out, more = s.ahead(out, n); !more {
			break
		}
		b.ends[n] = len(out)
	}
	l.out = out
	return n
}

// start is where message i begins in what was gathered.
func (b *batch) start(i int) int {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

func (b *batch) size(i int) int { return b.ends[i] - b.start(i) }

func (b *batch) hasEmpty(n int) bool {
	for i := range n {
		if b.size(i) == 0 {
			return true
		}
	}
	return false
}

// send sends the n messages that were gathered, and returns how many the socket took.
func (b *batch) send(l *loop, fd int32, n int) (sent int, errno unix.Errno) {
	if n == 1 {
		if _, errno := sendNow(fd, l.out); errno != 0 {
			return 0, errno
		}
		return 1, 0
	}
	if b.out == nil {
		b.out = newMmsgs()
	}
	for i := range n {
		b.out.iovs[i].Base = nil
		if b.size(i) > 0 { // an empty one at the end would be beyond the buffer
			b.out.iovs[i].Base = &l.out[b.start(i)]
		}
		b.out.iovs[i].SetLen(b.size(i))
	}
	return b.out.call(unix.SYS_SENDMMSG, fd, n, unix.MSG_NOSIGNAL)
}

// room makes room for messages that are size bytes long.
func (b *batch) room(size int) {
	b.in = newMmsgs()
	b.arena = make([]byte, batchSize*size)
	for i, chunk := range slices.Collect(slices.Chunk(b.arena, size)) {
		b.in.iovs[i].Base = unsafe.SliceData(chunk)
		b.in.iovs[i].SetLen(size)
	}
}

// readMessages reads several messages.
func (l *loop) readMessages(m *seat) (over int, more bool) {
	if l.batch.in == nil {
		l.batch.room(max(2048, l.p.answer+1))
	}
	in := l.batch.in
	n, errno := in.call(unix.SYS_RECVMMSG, m.fd, batchSize, 0)
	if errno == unix.EAGAIN {
		return 0, false
	}
	l.now = l.p.now()
	if errno != 0 {
		l.unreadable(m, errno)
		return 0, true
	}
	for i := 0; i < n && !m.ended; i++ {
		size := int(in.hdrs[i].n)
		if size == 0 && l.isEnd(m) {
			l.bury(m, l.failure("read", io.EOF), l.now)
			break
		}
		over += l.take(m, unsafe.Slice(in.iovs[i].Base, size))
	}
	return over, true
}
