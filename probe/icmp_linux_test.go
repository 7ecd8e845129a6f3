package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A far host is one behind the tunnel of TestPingTunnel, which answers in its own way.
type farHost struct {
	delay  time.Duration
	ttl    byte
	twice  bool
	only   func(seq uint16) bool // which it answers
	change func(data []byte)     // of the answer
	report [2]byte               // type and code that the router answers instead
}

var farHosts = map[string]farHost{
	"10.9.0.2":  {delay: 5 * time.Millisecond, ttl: 57},
	"10.9.0.3":  {ttl: 64, twice: true},
	"10.9.0.4":  {ttl: 64, only: func(seq uint16) bool { return seq%2 == 0 }},
	"10.9.0.5":  {ttl: 64, change: func(data []byte) { data[len(data)-1] ^= 0xff }},
	"10.9.0.6":  {report: [2]byte{exceeded4, 0}},
	"10.9.0.7":  {report: [2]byte{unreachable4, 1}},
	"10.9.0.8":  {report: [2]byte{unreachable4, 13}},
	"10.9.0.9":  {ttl: 64, delay: 150 * time.Millisecond, only: func(seq uint16) bool { return seq == 0 }},
	"10.9.0.10": {only: func(uint16) bool { return false }},
	"fd09::2":   {ttl: 58},
	"fd09::6":   {report: [2]byte{exceeded6, 0}},
	"fd09::7":   {report: [2]byte{unreachable6, 0}},
}

// router4 and router6 send the reports.
var (
	router4 = netip.MustParseAddr("10.9.0.254")
	router6 = netip.MustParseAddr("fd09::254")
)

// pingsOfTunnel is what is to be found of the far hosts.
var pingsOfTunnel = []struct {
	host  string
	state State
	errno string
	words string // of the error or the oddities
	check func(*Ping) bool
}{
	{"10.9.0.2", Answered, "", "", func(p *Ping) bool {
		return p.Received == 4 && p.TTL == 57 && p.Min >= 5*time.Millisecond && p.Loss == 0
	}},
	{"10.9.0.3", Answered, "", "", func(p *Ping) bool { return p.Received == 4 && p.Duplicates >= 3 }},
	{"10.9.0.4", Answered, "", "", func(p *Ping) bool { return p.Received == 2 && p.Loss == 0.5 }},
	{"10.9.0.5", TimedOut, "", "4 damaged on the way", func(p *Ping) bool { return p.Received == 0 && p.Loss == 1 }},
	{"10.9.0.6", Unreachable, "", "10.9.0.254 says: time to live exceeded", nil},
	{"10.9.0.7", Unreachable, "EHOSTUNREACH", "10.9.0.254 says: ", nil},
	{"10.9.0.8", Unreachable, "EHOSTUNREACH", "10.9.0.254 says: forbidden by an administrator", nil},
	{"10.9.0.9", TimedOut, "", "1 later than 100ms", nil},
	{"10.9.0.10", TimedOut, "", "no answer within 100ms", nil},
	{"10.8.0.1", Unreachable, "ENETUNREACH", "", func(p *Ping) bool { return p.Sent == 1 }},
	{"fd09::2", Answered, "", "", func(p *Ping) bool { return p.Received == 4 && p.TTL == 58 }},
	{"fd09::6", Unreachable, "", "fd09::254 says: time to live exceeded", nil},
	{"fd09::7", Unreachable, "ENETUNREACH", "fd09::254 says: ", nil},
}

// TestPingTunnel pings through a tunnel, in a network of the test's own, whose other
// end delays, loses, repeats and damages answers: by raw sockets, and by unprivileged
// ones.
func TestPingTunnel(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		inNetwork(t, nil)
		return
	}
	run(t, "ip link set lo up")
	tunnel := openTunnel(t)
	run(t, "ip addr add 10.9.0.1/24 dev tun9", "ip addr add fd09::1/64 dev tun9 nodad", "ip link set tun9 up")
	done := make(chan struct{})
	go serveTunnel(tunnel, done) // ends when tunnel is closed
	defer func() { tunnel.Close(); <-done }()
	for _, method := range []string{"raw", "unprivileged"} {
		groups := "1 0"
		if method == "unprivileged" {
			groups = "0 2147483647"
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte(groups), 0o644); err != nil {
			t.Skip(err)
		}
		for _, want := range pingsOfTunnel {
			o := Options{Count: 4, Interval: 10 * time.Millisecond, Timeout: 100 * time.Millisecond}
			if farHosts[want.host].delay > o.Timeout {
				o.Interval = 60 * time.Millisecond // so that it is still listened to
			}
			r := lookPing(t.Context(), "icmp", want.host, o)
			said := r.Answer
			if r.Err != nil {
				said += " " + r.Err.Error()
			}
			if strings.Contains(want.words, " says: ") && !heardByUnprivileged && method == "unprivileged" {
				continue
			}
			if r.State != want.state || r.Errno != want.errno || !strings.Contains(said, want.words) || r.Ping == nil || r.Ping.Method != method {
				t.Errorf("%s, %s: %s %s, %q, want %s %s, %q", method, want.host, r.State, r.Errno, said, want.state, want.errno, want.words)
				continue
			}
			if want.check != nil && !want.check(r.Ping) {
				t.Errorf("%s, %s: %+v", method, want.host, r.Ping)
			}
		}
		besidePing(t, method)
	}
}

// besidePing compares our times over the tunnel with those of ping(8).
func besidePing(t *testing.T, method string) {
	out, err := exec.CommandContext(t.Context(), "ping", "-c", "10", "-i", "0.02", "10.9.0.2").Output()
	if err != nil {
		return // there is none
	}
	_, times, _ := strings.Cut(string(out), "mdev = ")
	var low, mean float64
	if _, err := fmt.Sscanf(times, "%f/%f/", &low, &mean); err != nil {
		return
	}
	r := lookPing(t.Context(), "icmp", "10.9.0.2", Options{Count: 10, Interval: 20 * time.Millisecond})
	t.Logf("%s: ours: min %v mean %v; ping's: min %v ms mean %v ms", method, r.Ping.Min, r.Ping.Mean, low, mean)
	if apart := r.Ping.Min - time.Duration(low*float64(time.Millisecond)); apart.Abs() > 2*time.Millisecond {
		t.Errorf("%s: the shortest round trip is %v, and ping(8) has %v ms", method, r.Ping.Min, low)
	}
}

// TestPingLinkLocal pings the other end of a cable by its address of the link.
func TestPingLinkLocal(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		inNetwork(t, nil)
		return
	}
	run(t, "ip link add va type veth peer name vb", "ip link set va addrgenmode none", "ip link set vb addrgenmode none",
		"ip link set va up", "ip link set vb up", "ip addr add fe80::a/64 dev va nodad", "ip addr add fe80::b/64 dev vb nodad", "ip link set lo up")
	r := lookPing(t.Context(), "icmp6", "fe80::b%vb", Options{Count: 2, Interval: time.Millisecond})
	if !r.Up || r.Ping.Received != 2 || r.Address != "fe80::b%vb" {
		t.Errorf("%+v, %+v", r, r.Ping)
	}
}

// TestPingWithoutRight is a process that has neither the group nor the capability.
func TestPingWithoutRight(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		inNetwork(t, &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true})
		return
	}
	r := lookPing(t.Context(), "icmp", "127.0.0.1", Options{})
	if r.State != Failed || r.Ping != nil || !errors.Is(r.Err, os.ErrPermission) || r.Errno != "EPERM" || !strings.Contains(r.Err.Error(), "net.ipv4.ping_group_range") {
		t.Errorf("%+v", r)
	}
}

// openTunnel makes the interface tun9, whose packets are read and written here.
func openTunnel(t *testing.T) *os.File {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("no tunnel: ", err)
	}
	var request struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "tun9")
	request.flags = unix.IFF_TUN | unix.IFF_NO_PI
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&request))); e != 0 {
		unix.Close(fd)
		t.Skip("no tunnel: ", e)
	}
	return os.NewFile(uintptr(fd), "tun9")
}

// serveTunnel answers for every far host.
func serveTunnel(tunnel *os.File, done chan<- struct{}) {
	defer close(done)
	for b := make([]byte, 2000); ; {
		n, err := tunnel.Read(b)
		if err != nil {
			return
		}
		packet := bytes.Clone(b[:n])
		switch {
		case n >= 28 && packet[0] == 0x45 && packet[9] == protocolICMP && packet[20] == request4:
			answerTunnel(tunnel, packet, netip.AddrFrom4([4]byte(packet[16:20])), false)
		case n >= 48 && packet[0]>>4 == 6 && packet[6] == protocolICMPv6 && packet[40] == request6:
			answerTunnel(tunnel, packet, netip.AddrFrom16([16]byte(packet[24:40])), true)
		}
	}
}

// answerTunnel answers one request as its host does.
func answerTunnel(tunnel io.Writer, request []byte, to netip.Addr, six bool) {
	header := 20
	if six {
		header = ipv6Header
	}
	h, ok := farHosts[to.String()]
	echo := request[header:]
	if !ok || h.only != nil && !h.only(binary.BigEndian.Uint16(echo[6:])) {
		return
	}
	from, body, ttl := to, bytes.Clone(echo), h.ttl
	if h.report != [2]byte{} {
		from, body, ttl = router4, append([]byte{h.report[0], h.report[1], 0, 0, 0, 0, 0, 0}, request...), 64
		if six {
			from = router6
		}
	} else {
		if body[0] = reply4; six {
			body[0] = reply6
		}
		if h.change != nil {
			h.change(body[icmpHeader:])
		}
	}
	packet := packetOf(from, request, body, ttl, six)
	send := func() {
		tunnel.Write(packet)
		if h.twice {
			tunnel.Write(packet)
		}
	}
	if h.delay == 0 {
		send()
		return
	}
	time.AfterFunc(h.delay, send) // at the end of the test it finds the tunnel closed
}

// packetOf is a packet with an ICMP message to who sent request.
func packetOf(from netip.Addr, request, body []byte, ttl byte, six bool) []byte {
	body[2], body[3] = 0, 0
	if six {
		source := request[8:24]
		pseudo := append(append(append([]byte(nil), from.AsSlice()...), source...), 0, 0, byte(len(body)>>8), byte(len(body)), 0, 0, 0, protocolICMPv6)
		binary.BigEndian.PutUint16(body[2:], checksum(append(pseudo, body...)))
		b := []byte{0x60, 0, 0, 0, byte(len(body) >> 8), byte(len(body)), protocolICMPv6, ttl}
		return append(append(append(b, from.AsSlice()...), source...), body...)
	}
	binary.BigEndian.PutUint16(body[2:], checksum(body))
	length := 20 + len(body)
	b := []byte{0x45, 0, byte(length >> 8), byte(length), 0, 0, 0, 0, ttl, protocolICMP, 0, 0}
	b = append(append(b, from.AsSlice()...), request[12:16]...)
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return append(b, body...)
}
