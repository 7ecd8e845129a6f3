package transport

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// sockopt reads an option of the socket behind c.
func sockopt(t *testing.T, c any, level, opt int) int {
	t.Helper()
	rc, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var failed error
	if err := rc.Control(func(fd uintptr) { value, failed = unix.GetsockoptInt(int(fd), level, opt) }); err != nil {
		t.Fatal(err)
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return value
}

func TestListenOptions(t *testing.T) {
	tests := []struct {
		in         string
		level, opt int
		want       int
	}{
		{"tcp://127.0.0.1:0", unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP}, // and not MPTCP
		{"tcp://127.0.0.1:0", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{"tcp://127.0.0.1:0?reuseaddr=0", unix.SOL_SOCKET, unix.SO_REUSEADDR, 0},
		{"tcp://127.0.0.1:0", unix.SOL_SOCKET, unix.SO_REUSEPORT, 0},
		{"tcp://127.0.0.1:0?reuseport", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{"tcp://127.0.0.1:0?ttl=9", unix.IPPROTO_IP, unix.IP_TTL, 9},
		{"tcp://[::1]:0?ttl=9", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 9},
		{"tcp://:0?ttl=9", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 9},
		{"tcp://:0?ttl=9", unix.IPPROTO_IP, unix.IP_TTL, 9},
		{"tcp://127.0.0.1:0?iface=lo", unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, 1},
		{"udp://127.0.0.1:0", unix.SOL_SOCKET, unix.SO_REUSEADDR, 0},
		{"udp://127.0.0.1:0?reuseaddr", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{"udp://127.0.0.1:0?reuseport", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{"udp://127.0.0.1:0?ttl=9", unix.IPPROTO_IP, unix.IP_TTL, 9},
		{"udp://127.0.0.1:0", unix.SOL_SOCKET, unix.SO_BROADCAST, 0},
	}
	for _, tt := range tests {
		ln, pc, err := Open(t.Context(), endpoint.MustParse(tt.in))
		if err != nil {
			t.Errorf("Open(%s): %v", tt.in, err)
			continue
		}
		if ln != nil {
			defer ln.Close()
			if got := sockopt(t, ln, tt.level, tt.opt); got != tt.want {
				t.Errorf("%s, option %d/%d: got %d, want %d", tt.in, tt.level, tt.opt, got, tt.want)
			}
			continue
		}
		defer pc.Close()
		if got := sockopt(t, pc, tt.level, tt.opt); got != tt.want {
			t.Errorf("%s, option %d/%d: got %d, want %d", tt.in, tt.level, tt.opt, got, tt.want)
		}
	}
}

func TestBacklog(t *testing.T) {
	ln, _ := mustListen(t, "tcp://127.0.0.1:0?backlog=3")
	rc, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	rc.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil {
		t.Fatal(err)
	}
	if info.Sacked != 3 { // which is the backlog, on a listening socket
		t.Errorf("backlog: got %d, want 3", info.Sacked)
	}
}

func TestReusePort(t *testing.T) {
	_, e := mustListen(t, "tcp://127.0.0.1:0?reuseport")
	if ln, err := Listen(t.Context(), e.With("reuseport", "1")); err != nil {
		t.Errorf("second listener with reuseport: %v", err)
	} else {
		ln.Close()
	}
	if ln, err := Listen(t.Context(), e); err == nil {
		ln.Close()
		t.Error("second listener without reuseport: no error")
	}
}

func TestDialOptions(t *testing.T) {
	_, e := mustListen(t, "tcp://:0")
	e.Host = "127.0.0.1"
	tests := []struct {
		name, value string
		level, opt  int
		want        int
	}{
		{"connect", "5s", unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP},
		{"nodelay", "1", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"nodelay", "0", unix.IPPROTO_TCP, unix.TCP_NODELAY, 0},
		{"connect", "5s", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"keepalive", "0", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
		{"keepalive", "40s", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"keepalive", "40s", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 40},
		{"keepalive", "40s", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 40},
		{"ttl", "9", unix.IPPROTO_IP, unix.IP_TTL, 9},
		{"iface", "lo", unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, 1},
	}
	for _, tt := range tests {
		c := mustDial(t, e.With(tt.name, tt.value))
		if got := sockopt(t, c, tt.level, tt.opt); got != tt.want {
			t.Errorf("%s=%s, option %d/%d: got %d, want %d", tt.name, tt.value, tt.level, tt.opt, got, tt.want)
		}
	}
}

// What a listener is told, the connections that it accepts inherit.
func TestAcceptedInherit(t *testing.T) {
	ln, e := mustListen(t, "tcp://127.0.0.1:0?ttl=9")
	_, c, stop, err := pair(ln, e)()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if got := sockopt(t, c, unix.IPPROTO_IP, unix.IP_TTL); got != 9 {
		t.Errorf("ttl of an accepted connection: got %d, want 9", got)
	}
}
