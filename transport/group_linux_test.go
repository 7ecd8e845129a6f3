package transport

import (
	"fmt"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// optionOf reads an option of a socket.
func optionOf(t *testing.T, c any, level, name int) int {
	t.Helper()
	rc, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	err = onSocket(rc, func(s socket) (err error) {
		value, err = unix.GetsockoptInt(int(s), level, name)
		return err
	})
	if err != nil {
		t.Fatalf("getsockopt(%d, %d): %v", level, name, err)
	}
	return value
}

func TestGroupSocketOptions(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct {
		option string
		hops   int
	}{{"", 1}, {"&ttl=7", 7}} {
		for _, group := range testGroups {
			text := "udp://" + group + ":0?iface=lo" + tt.option
			listener := joinAt(t, text)
			dialled, err := Dial(patient(t), endpoint.MustParse(text).WithAddr(listener.LocalAddr()))
			if err != nil {
				t.Fatal(err)
			}
			defer dialled.Close()
			for _, c := range []any{listener, dialled} {
				checkGroupOptions(t, fmt.Sprintf("%T of %s", c, text), c, group[0] == '[', tt.hops, lo.Index)
			}
		}
	}
}

func checkGroupOptions(t *testing.T, what string, c any, v6 bool, hops, iface int) {
	t.Helper()
	level, hopsName, loopName := unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, unix.IP_MULTICAST_LOOP
	if v6 {
		level, hopsName, loopName = unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, unix.IPV6_MULTICAST_LOOP
		if got := optionOf(t, c, level, unix.IPV6_MULTICAST_IF); got != iface {
			t.Errorf("%s: outgoing interface %d, want %d", what, got, iface)
		}
	}
	if got := optionOf(t, c, level, hopsName); got != hops {
		t.Errorf("%s: hops of multicast %d, want %d", what, got, hops)
	}
	if got := optionOf(t, c, level, loopName); got != 1 {
		t.Errorf("%s: loopback of multicast %d, want 1", what, got)
	}
}

func TestGroupHearsItsOwnInterfaceOnly(t *testing.T) {
	v4 := joinAt(t, "udp://239.77.1.6:0?iface=lo")
	if got := optionOf(t, v4, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL); got != 0 {
		t.Errorf("IP_MULTICAST_ALL = %d, want 0", got)
	}
	v6 := joinAt(t, "udp://[ff01::7706]:0?iface=lo")
	if got := optionOf(t, v6, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL); got != 0 {
		t.Errorf("IPV6_MULTICAST_ALL = %d, want 0", got)
	}
}
