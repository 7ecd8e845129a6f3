//go:build !parleyportable

package parley

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// UDP segmentation (Linux 4.18, udp(7)): one message holds several datagrams to
// the same peer, all of one size but the last, which may be shorter, and the
// system, or the network card, cuts them apart at the end of the way.

// A segmentSize is the control message UDP_SEGMENT.
type segmentSize struct {
	hdr  unix.Cmsghdr
	size uint16
	_    [6]byte // the kernel aligns control messages to a word
}

const (
	segmentsMost = 64    // UDP_MAX_SEGMENTS of every kernel that has it
	segmentRoom  = 65000 // bytes of a run: what IPv4 and IPv6 carry, headers included

	// segmentMost is the largest datagram that may be in a run: the system
	// does not fragment what it cuts, and every path carries 1280 bytes (RFC 8200
	// section 5).
	segmentMost = 1280 - 48
)

// runLength is how many datagrams at the front of list make one run. They lie
// side by side in memory, in the order in which they were sent.
func runLength(list []packet) int {
	first := &list[0]
	size := first.end - first.start
	if size == 0 || size > segmentMost {
		return 1
	}
	n := 1
	for most := min(len(list), segmentsMost, segmentRoom/size); n < most; n++ {
		p := &list[n]
		got := p.end - p.start
		if p.to.udp != first.to.udp || p.to.scope != first.to.scope || got == 0 || got > size || p.stamp.wanted {
			break
		}
		if got < size {
			return n + 1
		}
	}
	return n
}

// segment says of the i'th message that it is a run of datagrams of size bytes.
func (m *mmsgs) segment(i, run, size int) {
	h := &m.hdrs[i].hdr
	if run == 1 {
		h.Control = nil
		h.SetControllen(0)
		return
	}
	s := &m.segs[i]
	s.hdr.Level, s.hdr.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	s.hdr.SetLen(unix.CmsgLen(2))
	s.size = uint16(size)
	h.Control = (*byte)(unsafe.Pointer(s))
	h.SetControllen(unix.CmsgSpace(2))
}
