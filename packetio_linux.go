//go:build !parleyportable

package parley

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many datagrams one system call moves.
const batchSize = 32

// newPacketIO moves datagrams in batches on UDP (recvmmsg, Linux 2.6.33, and
// sendmmsg, 3.0), and one at a time on everything else. stamped asks for the system's
// timestamps. report gets the loss of what makes it fast.
func newPacketIO(pc net.PacketConn, max int, stamped bool, report func(string, error)) (packetIO, error) {
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		return newSingleIO(pc, max), nil
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	b, err := newBatchIO(raw, min(max, maxDatagram), report)
	if err == nil && stamped {
		b.startStamps()
	}
	return b, err
}

// An mmsghdr is the kernel's struct mmsghdr; see recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// A batchIO moves up to batchSize datagrams in a system call. Its memory is laid
// out once; the kernel backs the buffers as datagrams of their size arrive.
type batchIO struct {
	raw   syscall.RawConn
	inet6 bool // the socket is AF_INET6, and IPv4 peers have mapped addresses
	zones map[uint32]string

	gso    bool // the system cuts a run of datagrams itself; see segment_linux.go
	report func(string, error)

	in     mmsgs
	nowait bool
	got    int
	gotErr error
	readFn func(fd uintptr) bool

	stamping *stamping // nil: without timestamps; see stamp_linux.go

	out     mmsgs
	runs    [batchSize]int // datagrams in each message
	pending *packets
	next    int // of pending.list
	sent    int // bytes
	sendErr error
	sendFn  func(fd uintptr) bool
}

// mmsgs are the arguments of one recvmmsg or sendmmsg.
type mmsgs struct {
	hdrs  [batchSize]mmsghdr
	iovs  [batchSize]unix.Iovec
	names [batchSize]unix.RawSockaddrInet6 // large enough for both families
	segs  [batchSize]segmentSize
}

// call makes a system call on the first n messages; it never waits.
//
// It is a raw one: the scheduler is not told. A batch is bounded, but takes longer
// than the 20 µs after which the runtime would give the processor to another
// thread, which costs more than the batch gains.
func (m *mmsgs) call(trap, fd uintptr, n int) (int, unix.Errno) {
	for {
		done, _, errno := unix.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(&m.hdrs[0])), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			return int(done), errno
		}
	}
}

func (m *mmsgs) init() {
	for i := range m.hdrs {
		h := &m.hdrs[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
		h.Iov = &m.iovs[i]
		h.SetIovlen(1)
	}
}

func newBatchIO(raw syscall.RawConn, max int, report func(string, error)) (*batchIO, error) {
	b := &batchIO{raw: raw, zones: make(map[uint32]string), report: report}
	var domain int
	var err error
	if cerr := raw.Control(func(fd uintptr) {
		domain, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		_, gsoErr := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
		b.gso = gsoErr == nil
	}); cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	b.inet6 = domain == unix.AF_INET6
	b.in.init()
	b.out.init()
	arena := make([]byte, batchSize*max+batchSize)
	for i := range b.in.iovs {
		b.in.iovs[i].Base = &arena[i*max]
		b.in.iovs[i].SetLen(max)
	}
	b.readFn, b.sendFn = b.readReady, b.sendReady
	return b, nil
}

func (b *batchIO) receive(nowait bool) (int, error) {
	b.got, b.gotErr, b.nowait = 0, nil, nowait
	if err := b.raw.Read(b.readFn); err != nil {
		return 0, err
	}
	return b.got, b.gotErr
}

// readReady is called by the runtime when the socket may be readable; false
// means wait.
func (b *batchIO) readReady(fd uintptr) bool {
	for i := range b.in.hdrs {
		b.in.hdrs[i].hdr.Namelen = unix.SizeofSockaddrInet6
	}
	if b.stamping != nil {
		b.stamping.prepare(&b.in)
	}
	n, errno := b.in.call(unix.SYS_RECVMMSG, fd, batchSize)
	switch errno {
	case 0:
		b.got = n
	case unix.EAGAIN:
		return b.nowait
	default:
		b.gotErr = os.NewSyscallError("recvmmsg", errno)
	}
	return true
}

func (b *batchIO) datagram(i int, from *peer) ([]byte, bool) {
	h := &b.in.hdrs[i]
	b.peerOf(&b.in.names[i], from)
	msg := unsafe.Slice(b.in.iovs[i].Base, h.n)
	return msg, h.hdr.Flags&unix.MSG_TRUNC == 0
}

// peerOf reads a socket address, laid out by the kernel.
func (b *batchIO) peerOf(name *unix.RawSockaddrInet6, p *peer) {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	*p = peer{}
	if name.Family == unix.AF_INET {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		p.udp = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), port)
		return
	}
	addr := netip.AddrFrom16(name.Addr).Unmap()
	if name.Scope_id != 0 {
		p.scope = name.Scope_id
		addr = addr.WithZone(b.zone(name.Scope_id))
	}
	p.udp = netip.AddrPortFrom(addr, port)
}

// zone is the name of an interface, asked once.
func (b *batchIO) zone(scope uint32) string {
	name, ok := b.zones[scope]
	if !ok {
		name = strconv.FormatUint(uint64(scope), 10)
		if ifi, err := net.InterfaceByIndex(int(scope)); err == nil {
			name = ifi.Name
		}
		b.zones[scope] = name
	}
	return name
}

func (b *batchIO) send(p *packets) (int, error) {
	b.pending, b.next, b.sent, b.sendErr = p, 0, 0, nil
	err := b.raw.Write(b.sendFn)
	b.pending = nil
	if err == nil {
		err = b.sendErr
	}
	return b.sent, err
}

// sendReady is called by the runtime when the socket may be writable; false
// means wait. A datagram that the system refuses is skipped: it concerns one
// peer only. A run that it refuses to cut is sent again as single datagrams.
func (b *batchIO) sendReady(fd uintptr) bool {
	for b.next < len(b.pending.list) {
		n := b.load()
		done, errno := b.out.call(unix.SYS_SENDMMSG, fd, n)
		switch {
		case errno == 0:
			for i := range done {
				b.stamping.left(&b.pending.list[b.next])
				b.skip(b.runs[i])
			}
		case errno == unix.EAGAIN:
			return false
		case b.runs[0] > 1:
			b.gso = false
			b.report("datagrams are sent one by one from now on", os.NewSyscallError("sendmmsg", errno))
		default:
			b.sendErr = os.NewSyscallError("sendmmsg", errno)
			b.stamping.refused(&b.pending.list[b.next])
			b.next++
		}
	}
	return true
}

// skip steps over n datagrams that were sent.
func (b *batchIO) skip(n int) {
	list := b.pending.list[b.next : b.next+n]
	b.sent += list[n-1].end - list[0].start
	b.next += n
}

// load fills the arguments with the next datagrams, a run of them to the same
// peer in one message where the system can cut it, and returns how many messages
// that makes.
func (b *batchIO) load() (n int) {
	list := b.pending.list[b.next:]
	for ; n < batchSize && len(list) > 0; n++ {
		run := 1
		if b.gso && !list[0].stamp.wanted {
			run = runLength(list)
		}
		first, last := &list[0], &list[run-1]
		if last.end > first.start {
			b.out.iovs[n].Base = &b.pending.data[first.start]
		}
		b.out.iovs[n].SetLen(last.end - first.start)
		b.out.hdrs[n].hdr.Namelen = b.nameOf(&first.to, &b.out.names[n])
		b.out.segment(n, run, first.end-first.start)
		b.stamping.ask(n, &b.out.hdrs[n].hdr, first)
		b.runs[n] = run
		list = list[run:]
	}
	return n
}

// nameOf writes p's socket address and returns its length.
func (b *batchIO) nameOf(p *peer, name *unix.RawSockaddrInet6) uint32 {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], p.udp.Port())
	if !b.inet6 {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		sa.Family, sa.Addr = unix.AF_INET, p.udp.Addr().As4()
		return unix.SizeofSockaddrInet4
	}
	name.Family, name.Flowinfo, name.Scope_id = unix.AF_INET6, 0, p.scope
	name.Addr = p.udp.Addr().As16() // maps IPv4
	return unix.SizeofSockaddrInet6
}
