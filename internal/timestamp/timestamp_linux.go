package timestamp

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const flags = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY

// Start makes the system stamp the datagrams of a socket, and number those that ask from 0
// on, also when it did before.
func Start(fd uintptr) error {
	for _, f := range []int{flags, flags | unix.SOF_TIMESTAMPING_OPT_ID} {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, f); err != nil {
			return err
		}
	}
	return nil
}

// An Ask is the control message that asks when its datagram departs. It is laid out for
// the system.
type Ask struct {
	hdr   unix.Cmsghdr
	flags uint32
	_     uint32 // control messages are aligned to a word
}

// Control fills a and returns it as bytes.
func (a *Ask) Control() []byte {
	a.hdr.Level, a.hdr.Type = unix.SOL_SOCKET, unix.SO_TIMESTAMPING
	a.hdr.SetLen(unix.CmsgLen(4))
	a.flags = unix.SOF_TIMESTAMPING_TX_SOFTWARE
	return unsafe.Slice((*byte)(unsafe.Pointer(a)), unix.CmsgSpace(4))
}

// Read reads the control messages of a datagram, which are aligned as the system wrote
// them.
func Read(control []byte) (s Stamp) {
	for len(control) >= unix.SizeofCmsghdr {
		c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		size := int(c.Len)
		if size < unix.CmsgLen(0) || size > len(control) {
			break
		}
		s.read(c, control[unix.CmsgLen(0):size])
		control = control[min(unix.CmsgSpace(size-unix.CmsgLen(0)), len(control)):]
	}
	return s
}

func (s *Stamp) read(c *unix.Cmsghdr, data []byte) {
	switch {
	case c.Level == unix.SOL_SOCKET && c.Type == unix.SO_TIMESTAMPING && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
		if ts := (*unix.Timespec)(unsafe.Pointer(&data[0])); ts.Sec != 0 || ts.Nsec != 0 {
			s.At = time.Unix(ts.Unix())
		}
	case (c.Level == unix.SOL_IP && c.Type == unix.IP_RECVERR || c.Level == unix.SOL_IPV6 && c.Type == unix.IPV6_RECVERR) &&
		len(data) >= int(unsafe.Sizeof(unix.SockExtendedErr{})):
		if e := (*unix.SockExtendedErr)(unsafe.Pointer(&data[0])); e.Origin == unix.SO_EE_ORIGIN_TIMESTAMPING {
			s.ID, s.Departed = e.Data, true
		}
	}
}
