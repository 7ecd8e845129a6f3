package transport

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/endpoint"
)

// The groups of the tests, one for each family. Nothing sent to ff01:: leaves
// the machine, whatever the interface (RFC 4291, section 2.7).
var testGroups = []string{"239.77.1.2", "[ff01::7701]"}

// interfaceFor is the name of an interface that group can be reached by: the
// loopback one, or for IPv6, to which Linux gives no such route, another.
func interfaceFor(t *testing.T, group string) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Skipf("no list of interfaces: %v", err)
	}
	v6 := strings.HasPrefix(group, "[ff01:")
	err = errors.New("no loopback interface")
	for _, ifi := range all {
		if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagLoopback == 0 && !v6 {
			continue
		}
		var c net.Conn
		if c, err = Dial(patient(t), endpoint.MustParse("udp://"+group+":9?iface="+ifi.Name)); err != nil {
			continue
		}
		_, err = c.Write(nil)
		c.Close()
		if err == nil {
			return ifi.Name
		}
	}
	t.Skipf("the system refuses to send to %s: %v", group, err)
	return ""
}

// joinAt listens on a group, or skips the test where the system refuses.
func joinAt(t *testing.T, text string) net.PacketConn {
	t.Helper()
	pc, err := ListenPacket(patient(t), endpoint.MustParse(text))
	if err != nil {
		t.Skipf("the system refuses %s: %v", text, err)
	}
	pc.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { pc.Close() })
	return pc
}

// askGroup dials a group and sends text, or skips the test where the system
// refuses.
func askGroup(t *testing.T, to, text string) net.Conn {
	t.Helper()
	c, err := Dial(patient(t), endpoint.MustParse(to))
	if err != nil {
		t.Skipf("the system refuses %s: %v", to, err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	if _, err := c.Write([]byte(text)); err != nil {
		t.Skipf("the system refuses to send to %s: %v", to, err)
	}
	return c
}

func TestGroupHeardAndAnsweredByEveryMember(t *testing.T) {
	for _, group := range testGroups {
		t.Run(group, func(t *testing.T) {
			lo := interfaceFor(t, group)
			first := joinAt(t, "udp://"+group+":0?iface="+lo)
			at := group + ":" + portText(first.LocalAddr()) + "?iface=" + lo
			second := joinAt(t, "udp://"+at)
			if got := first.LocalAddr().String(); !strings.HasPrefix(got, strings.TrimSuffix(group, "]")) {
				t.Errorf("LocalAddr() = %s, want the group %s", got, group)
			}
			c := askGroup(t, "udp://"+at, "who is there?")
			for _, pc := range []net.PacketConn{first, second} {
				from := expectFrom(t, pc, "who is there?")
				if _, err := pc.WriteTo([]byte("me"), from); err != nil {
					t.Fatalf("WriteTo(%v): %v", from, err)
				}
				expect(t, c, "me")
			}
		})
	}
}

func TestGroupIsLeftAtClose(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memberships are read from Linux's /proc")
	}
	lo := interfaceFor(t, testGroups[0])
	pc := joinAt(t, "udp://239.77.1.3:0?iface="+lo)
	const inHex = "03014DEF" // 239.77.1.3, as the kernel keeps it
	if !strings.Contains(memberships(t), inHex) {
		t.Errorf("not a member of the group after ListenPacket:\n%s", memberships(t))
	}
	pc.Close()
	if strings.Contains(memberships(t), inHex) {
		t.Errorf("still a member of the group after Close:\n%s", memberships(t))
	}
}

func memberships(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/net/igmp")
	if err != nil {
		t.Skip(err)
	}
	return string(b)
}

// The socket is the group's: what comes to the port otherwise is not for it.
func TestGroupHearsNothingElse(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows binds to no group")
	}
	lo := interfaceFor(t, testGroups[0])
	pc := joinAt(t, "udp://239.77.1.4:0?iface="+lo)
	port := portText(pc.LocalAddr())
	other := joinAt(t, "udp://239.77.1.5:"+port+"?iface="+lo)
	askGroup(t, "udp://239.77.1.5:"+port+"?iface="+lo, "for the other group")
	expectFrom(t, other, "for the other group")
	direct := dialAt(t, "udp://127.0.0.1:"+port, nil)
	direct.Write([]byte("for the port"))
	askGroup(t, "udp://239.77.1.4:"+port+"?iface="+lo, "for the group")
	expectFrom(t, pc, "for the group")
}

func TestGroupErrors(t *testing.T) {
	for _, text := range []string{"udp://239.77.1.2:0?iface=none0", "udp://[ff02::7701%25none0]:0"} {
		e, err := endpoint.Parse(text)
		if err != nil {
			e = endpoint.Endpoint{Scheme: "udp", Host: "ff02::7701%none0", Port: "0"}
		}
		_, err = ListenPacket(patient(t), e)
		if want := "option iface=none0: there is no such interface; there are "; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ListenPacket(%s): %v, want an error with %q", e, err, want)
		}
		if _, err = Dial(patient(t), e); err == nil {
			t.Errorf("Dial(%s): no error, want one", e)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	_, err := ListenPacket(patient(t), endpoint.MustParse("udp://[ff02::7701]:0"))
	if err == nil || !strings.Contains(err.Error(), "a link-local group needs iface=") {
		t.Errorf("a link-local group without an interface: %v, want an error that says what is missing", err)
	}
}
