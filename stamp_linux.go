//go:build !parleyportable

package parley

import (
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"parley/internal/timestamp"
)

// stampsWaiting is how many datagrams may have asked for a stamp that has not come. The
// system drops stamps when the error queue is full; older ones are given up.
const stampsWaiting = 256

// A stamping is what a batchIO has for timestamps. The receiving half belongs to the
// loop, asks to the owner of the write side.
type stamping struct {
	raw      syscall.RawConn
	controls [batchSize][timestamp.ControlRoom]byte

	reports     [batchSize]mmsghdr // of the error queue
	reported    [batchSize][timestamp.ControlRoom]byte
	reportCount int
	readFn      func(fd uintptr)

	asks [batchSize]timestamp.Ask

	mu      sync.Mutex // guards what follows
	next    uint32     // the system's number of the next datagram that asks
	waiting int        // of keys
	keys    [stampsWaiting]waitingStamp
}

type waitingStamp struct {
	id    uint32
	key   uint64
	valid bool
}

// startStamps makes the system stamp. Without it the loop's own clock has to do, which
// is one status.
func (b *batchIO) startStamps() {
	s := &stamping{raw: b.raw}
	s.readFn = s.readReports
	if err := s.start(); err != nil {
		b.report("datagrams are stamped by our own clock", err)
		return
	}
	b.stamping = s
}

// start sets the socket's flags, and its numbering of datagrams to 0.
func (s *stamping) start() (err error) {
	if cerr := s.raw.Control(func(fd uintptr) { err = timestamp.Start(fd) }); cerr != nil {
		return cerr
	}
	return err
}

// prepare makes room for the control messages of a batch that is to be received.
func (s *stamping) prepare(in *mmsgs) {
	for i := range in.hdrs {
		h := &in.hdrs[i].hdr
		h.Control = &s.controls[i][0]
		h.SetControllen(timestamp.ControlRoom)
	}
}

func (b *batchIO) received(i int) time.Time {
	if b.stamping == nil {
		return time.Time{}
	}
	return readStamp(&b.in.hdrs[i].hdr).At
}

// ask makes the message h ask for p's stamp, if p wants one.
func (s *stamping) ask(n int, h *unix.Msghdr, p *packet) {
	if s == nil || !p.stamp.wanted {
		return
	}
	control := s.asks[n].Control()
	h.Control = &control[0]
	h.SetControllen(len(control))
}

// left notes that p was taken by the system.
func (s *stamping) left(p *packet) {
	if s == nil || !p.stamp.wanted {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.keys[s.next%stampsWaiting]
	if !w.valid {
		s.waiting++
	}
	*w = waitingStamp{s.next, p.stamp.key, true}
	s.next++
}

// refused notes that the system did not take p. Kernels differ in whether they
// numbered it, and a stamp of the wrong datagram is worse than none: begin anew.
func (s *stamping) refused(p *packet) {
	if s == nil || !p.stamp.wanted {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	s.next, s.waiting = 0, 0
	clear(s.keys[:])
}

// stamps reads the error queue.
func (b *batchIO) stamps(f func(key uint64, at time.Time)) {
	s := b.stamping
	for s != nil && s.expecting() {
		if err := s.raw.Control(s.readFn); err != nil || s.reportCount == 0 {
			return
		}
		for i := range s.reportCount {
			left := readStamp(&s.reports[i].hdr)
			if !left.Departed || left.At.IsZero() {
				continue
			}
			if key, ok := s.take(left.ID); ok {
				f(key, left.At)
			}
		}
	}
}

func (s *stamping) expecting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting > 0
}

// take returns the key of the datagram that the system numbered id.
func (s *stamping) take(id uint32) (key uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.keys[id%stampsWaiting]
	if !w.valid || w.id != id {
		return 0, false
	}
	w.valid = false
	s.waiting--
	return w.key, true
}

// readReports receives what is on the error queue. See mmsgs.call for why the call is
// raw.
func (s *stamping) readReports(fd uintptr) {
	for i := range s.reports {
		h := &s.reports[i].hdr
		h.Control = &s.reported[i][0]
		h.SetControllen(timestamp.ControlRoom)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&s.reports[0])), batchSize, unix.MSG_DONTWAIT|unix.MSG_ERRQUEUE, 0, 0)
	s.reportCount = int(n)
	if errno != 0 {
		s.reportCount = 0
	}
}

func readStamp(h *unix.Msghdr) timestamp.Stamp {
	return timestamp.Read(unsafe.Slice(h.Control, h.Controllen))
}
