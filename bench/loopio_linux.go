//go:build !parleyportable

package bench

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// writeRoom is how many bytes of messages are given to a stream at once.
const writeRoom = 64 << 10

var errEmptyPacket = errors.New("a message without bytes would be the end on a unixpacket socket")

// handle takes an event.
func (l *loop) handle(ev unix.EpollEvent) {
	if ev.Fd == wakeSlot {
		l.woken = true
		return
	}
	m := l.slots[ev.Fd]
	if m == nil {
		return // ended by an event before this one
	}
	if ev.Events&^unix.EPOLLOUT != 0 {
		l.receive(m, ev.Events&^(unix.EPOLLOUT|unix.EPOLLIN) != 0)
	}
	if ev.Events&unix.EPOLLOUT != 0 && m.blocked && !m.ended {
		l.unblock(m)
	}
}

// mostReads is how often a socket is read before others have their turn.
const mostReads = 16

// receive reads a socket that something has happened to: until nothing is left, for
// it is not told again. Of one that has nothing more to say it stops before: what then
// is left answers nothing, and is found by the next read. ending is whether there is
// an error or an end to be found, behind what is left.
func (l *loop) receive(m *seat, ending bool) {
	over := 0
	for range mostReads {
		n, more := l.read(m)
		if m.ended {
			return
		}
		over += n
		if more && !ending {
			unsent, unanswered := m.s.pending()
			more = unsent+unanswered > 0
		}
		if !more {
			l.more(m, over, l.now)
			return
		}
	}
	l.more(m, over, l.now)
	if m.ended {
		return
	}
	if err := l.poll.again(int(m.fd), m.slot, m.blocked); err != nil {
		l.bury(m, err, l.now)
	}
}

// read reads a socket once. over is how many messages are over by it, and more
// whether there may be more.
func (l *loop) read(m *seat) (over int, more bool) {
	if l.kind == streams {
		return l.readBytes(m)
	}
	if _, unanswered := m.s.pending(); unanswered > 1 {
		return l.readMessages(m)
	}
	return l.readMessage(m)
}

// readBytes reads a stream.
func (l *loop) readBytes(m *seat) (over int, more bool) {
	n, errno := receiveNow(m.fd, l.in, 0)
	if errno == unix.EAGAIN {
		return 0, false
	}
	l.now = l.p.now()
	switch {
	case errno != 0:
		l.bury(m, l.failure("read", errno), l.now)
	case n == 0:
		l.bury(m, l.failure("read", io.EOF), l.now)
	default:
		over = l.take(m, l.in[:n])
	}
	return over, true
}

// readMessage reads one message.
func (l *loop) readMessage(m *seat) (over int, more bool) {
	n, errno := receiveNow(m.fd, l.in, unix.MSG_TRUNC)
	if errno == unix.EAGAIN {
		return 0, false
	}
	l.now = l.p.now()
	switch {
	case errno != 0:
		l.unreadable(m, errno)
	case n == 0 && l.isEnd(m):
		l.bury(m, l.failure("read", io.EOF), l.now)
	default:
		over = l.take(m, l.in[:min(n, len(l.in))]) // one that is longer is wrong, and seen to be
	}
	return over, true
}

// isEnd reports whether a message without bytes is the end of the session.
func (l *loop) isEnd(m *seat) bool { return l.kind == seqpackets && hungUp(m.fd) }

// take gives a session what has arrived now, and returns how many messages are over
// by it.
func (l *loop) take(m *seat, data []byte) (over int) {
	m.refusedSince = 0
	over, err := m.s.received(data, l.now)
	if err != nil {
		l.bury(m, err, l.now)
	}
	return over
}

// unreadable takes an error of reading messages.
func (l *loop) unreadable(m *seat, errno unix.Errno) {
	if l.kind == udp && passing(errno) {
		l.refused(m, "read", errno, l.now)
		return
	}
	l.bury(m, l.failure("read", errno), l.now)
}

// refused counts what the network said of a datagram. The session goes on, unless it
// hears nothing else for long: see expire.
func (l *loop) refused(m *seat, op string, errno unix.Errno, now int64) {
	err := l.failure(op, errno)
	l.w.tally.fail(kindOf(err), err)
	m.refusedLast = max(now, 1)
	if m.refusedSince == 0 {
		m.refusedSince, m.refusal = max(now, 1), errno
	}
}

func (l *loop) failure(op string, err error) error {
	return fmt.Errorf("%s %v: %w", op, l.p.load.Endpoint.Bare(), err)
}

// flush sends what is due on a session, as far as the socket takes it.
func (l *loop) flush(m *seat, now int64) {
	if m.blocked || m.later || m.ended {
		return
	}
	if l.kind == streams {
		l.sendBytes(m, now)
	} else {
		l.sendMessages(m, now)
	}
}

// sendBytes sends on a stream.
func (l *loop) sendBytes(m *seat, now int64) {
	for {
		b, more := m.s.next(l.out[:0], writeRoom)
		l.out = b
		if !more {
			return
		}
		n, errno := sendNow(m.fd, b)
		if errno == unix.EAGAIN {
			l.block(m, now)
			return
		}
		if errno != 0 {
			l.buryUnsent(m, errno, now)
			return
		}
		m.s.sent(n, now)
		if n == len(b) && n < writeRoom {
			return // that was all
		}
	}
}

// buryUnsent ends a session that could not send. What the peer sent before it was gone
// is still an answer.
func (l *loop) buryUnsent(m *seat, errno unix.Errno, now int64) {
	err := l.failure("write", errno)
	for {
		n, errno := receiveNow(m.fd, l.in, 0)
		if errno != 0 && errno != unix.EAGAIN {
			err = l.failure("read", errno)
		}
		if errno != 0 || n == 0 {
			break
		}
		if _, wrong := m.s.received(l.in[:n], now); wrong != nil {
			err = wrong
			break
		}
	}
	l.bury(m, err, now)
}

// sendMessages sends on a message transport.
func (l *loop) sendMessages(m *seat, now int64) {
	for passed := 0; ; {
		n := l.batch.gather(l, m.b)
		if n == 0 {
			return
		}
		if l.kind == seqpackets && l.batch.hasEmpty(n) {
			l.bury(m, fmt.Errorf("%w: %w", errUnsendable, errEmptyPacket), now)
			return
		}
		sent, errno := l.batch.send(l, m.fd, n)
		for i := range sent {
			m.s.sent(l.batch.size(i), now)
		}
		switch {
		case errno == 0 && n < batchSize && sent == n:
			return // that was all
		case errno == 0:
			passed = 0
		case l.kind == udp && passing(errno):
			l.refused(m, "write", errno, now)
			if passed++; passed == mostPassing {
				l.tryLater(m, now)
				return
			}
		case !l.unsendable(m, errno, now):
			return
		}
	}
}

// unsendable takes an error of sending messages. It reports whether to try again at
// once.
func (l *loop) unsendable(m *seat, errno unix.Errno, now int64) bool {
	switch {
	case errno == unix.EAGAIN:
		l.block(m, now)
	case errno == unix.ENOBUFS && l.p.lossy:
		l.w.tally.refused++
		l.tryLater(m, now)
	default:
		l.bury(m, l.failure("write", errno), now)
	}
	return false
}

// block waits until the socket of m takes more.
func (l *loop) block(m *seat, now int64) {
	m.blocked = true
	if err := l.poll.again(int(m.fd), m.slot, true); err != nil {
		l.bury(m, err, now)
	}
}

// unblock goes on with a socket that takes more.
func (l *loop) unblock(m *seat) {
	now := l.p.now()
	m.blocked = false
	if err := l.poll.again(int(m.fd), m.slot, false); err != nil {
		l.bury(m, err, now)
		return
	}
	l.flush(m, now)
}

// tryLater waits for a moment: of a buffer that the system has again epoll does not
// tell.
func (l *loop) tryLater(m *seat, now int64) {
	if len(l.later) == 0 {
		l.resendAt = now + int64(resend)
		l.lookAt = min(l.lookAt, l.resendAt)
	}
	m.later = true
	l.later = append(l.later, m)
}
