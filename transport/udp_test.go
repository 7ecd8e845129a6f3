package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"parley/endpoint"
)

// needsIPv6 skips a test on a machine without it.
func needsIPv6(t *testing.T) {
	t.Helper()
	pc, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 loopback: %v", err)
	}
	pc.Close()
}

func portText(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

func TestUDPListenerHearsEveryPeer(t *testing.T) {
	pc := packetsAt(t, "udp://127.0.0.1:0")
	if _, ok := pc.(*net.UDPConn); !ok {
		t.Errorf("ListenPacket gave a %T, want a *net.UDPConn", pc)
	}
	a, b := dialAt(t, "udp://127.0.0.1:1", pc.LocalAddr()), dialAt(t, "udp://127.0.0.1:1", pc.LocalAddr())
	send(t, a, "from a")
	toA := expectFrom(t, pc, "from a")
	send(t, b, "from b")
	toB := expectFrom(t, pc, "from b")
	pc.WriteTo([]byte("to b"), toB)
	pc.WriteTo([]byte("to a"), toA)
	expect(t, a, "to a")
	expect(t, b, "to b")
}

func TestUDPDialSeesARefusal(t *testing.T) {
	pc := packetsAt(t, "udp://127.0.0.1:0")
	c := dialAt(t, "udp://127.0.0.1:1", pc.LocalAddr())
	pc.Close()
	send(t, c, "anybody?")
	if _, err := c.Read(make([]byte, 9)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Read from a closed port: %v, want ECONNREFUSED", err)
	}
}

func TestUDPFamilies(t *testing.T) {
	needsIPv6(t)
	for _, tt := range []struct {
		listen string
		v4, v6 bool
	}{
		{"udp://:0", true, true},
		{"udp://[::]:0", true, true},
		{"udp://0.0.0.0:0", true, false},
		{"udp4://:0", true, false},
		{"udp6://:0", false, true},
	} {
		pc := packetsAt(t, tt.listen)
		for _, dial := range []struct {
			host string
			want bool
		}{{"127.0.0.1", tt.v4}, {"[::1]", tt.v6}} {
			if got := udpReaches(t, pc, dial.host); got != dial.want {
				t.Errorf("%s hears what is sent to %s: %v, want %v", tt.listen, dial.host, got, dial.want)
			}
		}
	}
}

// udpReaches sends to pc's port at host and reports whether it arrives; that it
// does not is told by the refusal.
func udpReaches(t *testing.T, pc net.PacketConn, host string) bool {
	t.Helper()
	c := dialAt(t, "udp://"+host+":"+portText(pc.LocalAddr()), nil)
	send(t, c, "ping")
	if errors.Is(refusal(c), syscall.ECONNREFUSED) {
		return false
	}
	expectFrom(t, pc, "ping")
	expectFrom(t, pc, "") // the one that would have been refused
	return true
}

// refusal sends an empty datagram. Its error is the one that the system has noted
// for the datagram before, which over loopback is there when that was sent.
func refusal(c net.Conn) error {
	_, err := c.Write(nil)
	return err
}

// A program that listens on a name is reached by that name, though datagrams
// give no sign of who listens.
func TestUDPByName(t *testing.T) {
	pc := packetsAt(t, "udp://localhost:0")
	c := dialAt(t, "udp://localhost:"+portText(pc.LocalAddr()), nil)
	send(t, c, "hi")
	expectFrom(t, pc, "hi")
	if got := c.RemoteAddr().(*net.UDPAddr).IP; got.To4() == nil {
		t.Errorf("localhost was dialled at %v, want its IPv4 address first, as in listening", got)
	}
}

func TestSortIPv4First(t *testing.T) {
	var addrs []netip.AddrPort
	for _, text := range []string{"[::1]:7", "10.0.0.2:7", "[2001:db8::1]:7", "10.0.0.1:7"} {
		addrs = append(addrs, netip.MustParseAddrPort(text))
	}
	sortIPv4First(addrs)
	if got, want := fmt.Sprint(addrs), "[10.0.0.2:7 10.0.0.1:7 [::1]:7 [2001:db8::1]:7]"; got != want {
		t.Errorf("sortIPv4First gave %s, want %s", got, want)
	}
}

func TestUDPDialWithoutAHostIsThisMachine(t *testing.T) {
	pc := packetsAt(t, "udp://:0")
	c := dialAt(t, "udp://:"+portText(pc.LocalAddr()), nil)
	send(t, c, "hi")
	expectFrom(t, pc, "hi")
}

func TestUDPSharingAPort(t *testing.T) {
	first := packetsAt(t, "udp://127.0.0.1:0")
	taken := endpoint.MustParse("udp://127.0.0.1:1").WithAddr(first.LocalAddr())
	_, err := ListenPacket(patient(t), taken)
	want := "listen " + taken.String() + ": bind: address already in use"
	if !errors.Is(err, syscall.EADDRINUSE) || err.Error() != want {
		t.Errorf("a second listener: %v, want %s", err, want)
	}
	for _, option := range []string{"reuseaddr", "reuseport"} {
		if runtime.GOOS != "linux" && option == "reuseaddr" {
			continue // the others share a unicast port by reuseport alone
		}
		first := packetsAt(t, "udp://127.0.0.1:0?"+option)
		second, err := ListenPacket(patient(t), endpoint.MustParse("udp://127.0.0.1:1?"+option).WithAddr(first.LocalAddr()))
		if err != nil {
			t.Errorf("a second listener with %s: %v", option, err)
			continue
		}
		second.Close()
	}
}

func TestUDPSource(t *testing.T) {
	pc := packetsAt(t, "udp://127.0.0.1:0")
	if runtime.GOOS != "linux" {
		t.Skip("127.0.0.2 is loopback on Linux alone")
	}
	c := dialAt(t, "udp://127.0.0.1:1?source=127.0.0.2", pc.LocalAddr())
	send(t, c, "hi")
	if from := expectFrom(t, pc, "hi"); !strings.HasPrefix(from.String(), "127.0.0.2:") {
		t.Errorf("with source=127.0.0.2 it came from %v", from)
	}
}

// broadcastOfLoopback is lo's on Linux.
const broadcastOfLoopback = "127.255.255.255"

func TestUDPBroadcastIsAskedFor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("loopback has no broadcast address here")
	}
	e := endpoint.MustParse("udp://" + broadcastOfLoopback + ":9")
	c, err := Dial(patient(t), e)
	if err == nil {
		c.Close()
	}
	want := "dial udp://127.255.255.255:9: connect: permission denied: a broadcast address needs broadcast=1"
	if !errors.Is(err, syscall.EACCES) || err.Error() != want {
		t.Errorf("Dial of a broadcast address: %v, want %s", err, want)
	}
}

func TestUDPBroadcastHearsEveryAnswer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("loopback has no broadcast address here")
	}
	first := packetsAt(t, "udp4://:0?reuseaddr")
	second := packetsAt(t, "udp4://:"+portText(first.LocalAddr())+"?reuseaddr")
	c := dialAt(t, "udp://"+broadcastOfLoopback+":"+portText(first.LocalAddr())+"?broadcast&source=127.0.0.1", nil)
	if got, want := c.RemoteAddr().String(), broadcastOfLoopback+":"+portText(first.LocalAddr()); got != want {
		t.Errorf("RemoteAddr() = %s, want %s", got, want)
	}
	send(t, c, "who is there?")
	for _, pc := range []net.PacketConn{first, second} {
		from := expectFrom(t, pc, "who is there?")
		if _, err := pc.WriteTo([]byte("me"), from); err != nil {
			t.Fatal(err)
		}
		expect(t, c, "me")
	}
}

// A listener only answers, and an answer to a broadcast address is one that an
// attacker has forged the question to.
func TestUDPListenerDoesNotBroadcast(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("loopback has no broadcast address here")
	}
	pc := packetsAt(t, "udp4://:0")
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(broadcastOfLoopback + ":9"))
	if _, err := pc.WriteTo([]byte("x"), to); !errors.Is(err, syscall.EACCES) {
		t.Errorf("WriteTo(%v) of a listener: %v, want EACCES", to, err)
	}
}

func TestUDPBroadcastIsIPv4(t *testing.T) {
	needsIPv6(t)
	_, err := Dial(patient(t), endpoint.MustParse("udp://[::1]:9?broadcast"))
	if err == nil || !strings.Contains(err.Error(), "IPv6 has no broadcast") {
		t.Errorf("broadcast to an IPv6 address: %v, want an error that says there is none", err)
	}
}

func TestUDPZone(t *testing.T) {
	host, ok := linkLocal()
	if !ok {
		t.Skip("no interface has a link-local IPv6 address")
	}
	e := endpoint.Endpoint{Scheme: "udp", Host: host, Port: "0"}.String()
	pc := packetsAt(t, e)
	c := dialAt(t, e, pc.LocalAddr())
	send(t, c, "hi")
	from := expectFrom(t, pc, "hi")
	if _, zone, _ := strings.Cut(host, "%"); from.(*net.UDPAddr).Zone != zone {
		t.Errorf("it came from %v, want zone %s", from, zone)
	}
}

func TestUDPDialTriesOneAfterTheOther(t *testing.T) {
	var tried []string
	addrs := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("[::1]:1")}
	c, err := dialFirst(addrs, func(to netip.AddrPort) (net.Conn, error) {
		tried = append(tried, to.String())
		return nil, syscall.ENETUNREACH
	})
	want := "127.0.0.1:1: network is unreachable; [::1]:1: network is unreachable"
	if c != nil || err.Error() != want || !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("dialFirst = %v, %v, want %s", c, err, want)
	}
	if len(tried) != 2 {
		t.Errorf("tried %v, want both", tried)
	}
}

func TestUDPContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Dial(ctx, endpoint.MustParse("udp://localhost:9")); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial of a name with a cancelled context: %v, want context.Canceled", err)
	}
}
