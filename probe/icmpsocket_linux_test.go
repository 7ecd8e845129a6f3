//go:build !parleyportable

package probe

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlOf is a control message as the kernel writes it.
func controlOf(level, kind int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = int32(level), int32(kind)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func TestReadControl(t *testing.T) {
	now := time.Now()
	stamp := func(at time.Time) []byte {
		ts := unix.NsecToTimespec(at.UnixNano())
		return controlOf(unix.SOL_SOCKET, unix.SCM_TIMESTAMPNS, (*[unsafe.Sizeof(ts)]byte)(unsafe.Pointer(&ts))[:])
	}
	ttl := controlOf(unix.SOL_IP, unix.IP_TTL, binary.NativeEndian.AppendUint32(nil, 57))
	if c := readControl(append(stamp(now.Add(-3*time.Millisecond)), ttl...), now); now.Sub(c.at) != 3*time.Millisecond || c.ttl != 57 || c.failed {
		t.Errorf("%+v, want 3 ms ago and TTL 57", c)
	}
	// A clock that was set in between is not believed.
	for _, at := range []time.Time{now.Add(time.Hour), now.Add(-time.Hour)} {
		if c := readControl(stamp(at), now); c.at != now {
			t.Errorf("a stamp of %v: %v", at, c.at)
		}
	}
	failure := append(binary.NativeEndian.AppendUint32(nil, uint32(unix.EHOSTUNREACH)), unix.SO_EE_ORIGIN_ICMP, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	offender := append(binary.NativeEndian.AppendUint16(nil, unix.AF_INET), 0, 0, 10, 9, 0, 254, 0, 0, 0, 0, 0, 0, 0, 0)
	c := readControl(controlOf(unix.SOL_IP, unix.IP_RECVERR, append(failure, offender...)), now)
	if !c.failed || c.errno != unix.EHOSTUNREACH || c.kind != 3 || c.code != 1 || c.from != netip.MustParseAddr("10.9.0.254") {
		t.Errorf("%+v", c)
	}
	for n := range failure { // cut anywhere
		if c := readControl(controlOf(unix.SOL_IP, unix.IP_RECVERR, failure[:n]), now); c.failed {
			t.Errorf("%d bytes of an error: %+v", n, c)
		}
	}
}
