package probe

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	pinged = netip.MustParseAddr("192.0.2.1")
	began  = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

// answerTo is the echo reply to e.
func answerTo(e echoRequest, six bool) []byte {
	b := appendEcho(nil, e, six)
	if b[0] = reply4; six {
		b[0] = reply6
	}
	return b
}

// reportOn is an ICMP message about e, as a router sends it.
func reportOn(e echoRequest, kind, code byte, six bool) []byte {
	b := []byte{kind, code, 0, 0, 0, 0, 0, 0}
	header := make([]byte, 20)
	header[0], header[9] = 0x45, protocolICMP
	if six {
		header = make([]byte, ipv6Header)
		header[0], header[6] = 0x60, protocolICMPv6
	}
	return append(append(b, header...), appendEcho(nil, e, six)...)
}

// takePacket has p take in a packet, if it is one that is looked at.
func takePacket(p *pinging, b []byte, from netip.Addr, ttl int, at time.Time) {
	if m, ok := parseICMP(b, p.addr.Is6()); ok {
		p.take(arrival{message: m, from: from, ttl: ttl, at: at})
	}
}

// TestPinging counts answers: late, repeated and damaged ones, others' and forged
// ones.
func TestPinging(t *testing.T) {
	p := newPinging(pinged, 2*time.Second)
	var all []echoRequest
	for i := range 5 {
		all = append(all, p.next(began.Add(time.Duration(i)*time.Second)))
	}
	at := func(i int, d time.Duration) time.Time { return began.Add(time.Duration(i)*time.Second + d) }
	takePacket(p, answerTo(all[1], false), pinged, 61, at(1, 20*time.Millisecond))
	takePacket(p, answerTo(all[0], false), pinged, 60, at(0, 1500*time.Millisecond))
	takePacket(p, answerTo(all[0], false), pinged, 60, at(0, 1600*time.Millisecond))
	takePacket(p, answerTo(all[3], false), netip.MustParseAddr("192.0.2.9"), 64, at(3, time.Millisecond)) // from another
	other := all[3]
	other.data = []byte(strings.Repeat("another program's", 4))
	takePacket(p, answerTo(other, false), pinged, 64, at(3, time.Millisecond))
	foreign := all[3]
	foreign.id++
	takePacket(p, answerTo(foreign, false), pinged, 64, at(3, time.Millisecond))
	takePacket(p, answerTo(echoRequest{p.id, 9, p.data}, false), pinged, 64, at(3, time.Millisecond)) // not sent yet
	takePacket(p, []byte{0}, pinged, 64, began)
	if p.settled() {
		t.Error("settled with two answers of five")
	}
	if f := p.found("raw"); f.Sent != 5 || f.Received != 2 || f.Duplicates != 1 || f.Loss != 0.6 || f.Min != 20*time.Millisecond || f.Max != 1500*time.Millisecond || f.TTL != 61 || f.Method != "raw" {
		t.Errorf("%+v", f)
	}
	if got := p.oddities(); got != "" {
		t.Errorf("oddities %q, want none", got)
	}
	broken := all[2]
	broken.data = slices.Clone(broken.data)
	broken.data[30] ^= 1
	takePacket(p, answerTo(broken, false), pinged, 60, at(2, time.Millisecond))
	broken.data = p.data[:40]
	takePacket(p, answerTo(broken, false), pinged, 60, at(2, time.Millisecond))
	takePacket(p, answerTo(all[2], false), pinged, 60, at(2, 2001*time.Millisecond))
	takePacket(p, answerTo(all[3], false), pinged, 60, at(3, time.Millisecond))
	takePacket(p, reportOn(all[4], unreachable4, 1, false), netip.MustParseAddr("192.0.2.254"), 60, at(4, time.Millisecond))
	if !p.settled() {
		t.Error("not settled when it is known of all")
	}
	if f := p.found("raw"); f.Received != 3 {
		t.Errorf("%+v; a late answer is none", f)
	}
	if got, want := p.oddities(), "1 later than 2s; 2 damaged on the way; 1 not answered: 192.0.2.254 says: "+syscall.EHOSTUNREACH.Error(); got != want {
		t.Errorf("oddities %q, want %q", got, want)
	}
	if got, want := p.lastDue(), at(4, 2*time.Second); !got.Equal(want) {
		t.Errorf("last due %v, want %v", got, want)
	}
}

// Sequence numbers have 16 bits: the newest request is meant.
func TestPingingManyTimes(t *testing.T) {
	p := newPinging(pinged, time.Second)
	var last echoRequest
	for range 1<<16 + 3 {
		last = p.next(began)
	}
	if last.seq != 2 {
		t.Fatalf("sequence number %d, want 2", last.seq)
	}
	takePacket(p, answerTo(last, false), pinged, 64, began.Add(time.Millisecond))
	takePacket(p, answerTo(echoRequest{p.id, 3, p.data}, false), pinged, 64, began.Add(time.Millisecond))
	if p.pings[1<<16+2].is != answered || p.pings[2].is != waiting || p.pings[3].is != answered {
		t.Errorf("answered the wrong ones")
	}
}

// A group is answered by anybody.
func TestPingingAGroup(t *testing.T) {
	p := newPinging(netip.MustParseAddr("ff02::1%eth0"), time.Second)
	e := p.next(began)
	takePacket(p, answerTo(e, true), netip.MustParseAddr("fe80::1"), 64, began.Add(time.Millisecond))
	takePacket(p, answerTo(e, true), netip.MustParseAddr("fe80::2"), 64, began.Add(time.Millisecond))
	if f := p.found("raw"); f.Received != 1 || f.Duplicates != 1 {
		t.Errorf("%+v", f)
	}
}

func TestPingingIsTold(t *testing.T) {
	router := netip.MustParseAddr("192.0.2.254")
	for _, test := range []struct {
		kind, code byte
		six        bool
		want       error
		text       string
	}{
		{unreachable4, 0, false, syscall.ENETUNREACH, "unreachable"},
		{unreachable4, 1, false, syscall.EHOSTUNREACH, "host"},
		{unreachable4, 2, false, syscall.ENOPROTOOPT, ""},
		{unreachable4, 13, false, syscall.EHOSTUNREACH, "forbidden by an administrator"},
		{exceeded4, 0, false, errExceeded, "time to live"},
		{parameter4, 0, false, errParameter, ""},
		{unreachable6, 0, true, syscall.ENETUNREACH, ""},
		{unreachable6, 1, true, syscall.EHOSTUNREACH, "forbidden"},
		{unreachable6, 3, true, syscall.EHOSTUNREACH, ""},
		{exceeded6, 0, true, errExceeded, ""},
		{parameter6, 0, true, errParameter, ""},
	} {
		addr := pinged
		if test.six {
			addr = netip.MustParseAddr("2001:db8::1")
		}
		p := newPinging(addr, time.Second)
		e := p.next(began)
		foreign := e
		foreign.id++
		takePacket(p, reportOn(foreign, test.kind, test.code, test.six), router, 64, began)
		takePacket(p, reportOn(e, 5, 1, test.six), router, 64, began) // a redirect: an answer may come
		if p.report != nil {
			t.Errorf("type %d: taken, and is not about ours, or no end: %v", test.kind, p.report)
		}
		takePacket(p, reportOn(e, test.kind, test.code, test.six), router, 64, began)
		if !errors.Is(p.report, test.want) || !strings.HasPrefix(p.report.Error(), "192.0.2.254 says: ") || !strings.Contains(p.report.Error(), test.text) {
			t.Errorf("type %d code %d: %v, want %v", test.kind, test.code, p.report, test.want)
		}
		if !p.settled() {
			t.Errorf("type %d code %d: not settled", test.kind, test.code)
		}
	}
}

func TestSummarize(t *testing.T) {
	var f Ping
	var round []time.Duration
	for i := 100; i >= 1; i-- {
		round = append(round, time.Duration(i)*time.Millisecond)
	}
	f.summarize(round)
	if f.Min != time.Millisecond || f.Max != 100*time.Millisecond || f.Mean != 50500*time.Microsecond || f.P50 != 50*time.Millisecond || f.P90 != 90*time.Millisecond || f.P99 != 99*time.Millisecond {
		t.Errorf("%+v", f)
	}
	if want := 28866 * time.Microsecond; (f.StdDev - want).Abs() > time.Microsecond {
		t.Errorf("deviation %v, want %v", f.StdDev, want)
	}
	f = Ping{}
	f.summarize([]time.Duration{5})
	if f.P50 != 5 || f.P99 != 5 || f.StdDev != 0 {
		t.Errorf("of one: %+v", f)
	}
}

func TestChecksum(t *testing.T) {
	b := appendEcho(nil, echoRequest{1, 2, []byte("odd")}, false)
	if got := checksum(b); got != 0 {
		t.Errorf("the checksum over a packet with its checksum is %#x, want 0 (RFC 1071)", got)
	}
	if b := appendEcho(nil, echoRequest{1, 2, nil}, true); binary.BigEndian.Uint16(b[2:]) != 0 {
		t.Error("a checksum for IPv6, which is the system's to fill in")
	}
}

// FuzzParseICMP has any packet taken in while requests are under way: what is counted
// stays within what was sent, and only what echoes a request counts.
func FuzzParseICMP(f *testing.F) {
	e := echoRequest{1, 2, []byte("x")}
	f.Add(answerTo(e, false), false)
	f.Add(answerTo(e, true), true)
	f.Add(reportOn(e, unreachable4, 1, false), false)
	f.Add(reportOn(e, exceeded6, 0, true), true)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		m, ok := parseICMP(b, six)
		switch {
		case !ok:
		case m.kind == echoReport && m.report == nil, m.kind != echoReport && m.kind != echoReply:
			t.Errorf("%x is %+v", b, m)
		case m.kind == echoReply && slices.Compare(appendEcho(nil, echoRequest{m.id, m.seq, m.data}, true)[4:], b[4:]) != 0:
			t.Errorf("%x is read as %+v", b, m)
		}
		addr := pinged
		if six {
			addr = netip.IPv6Loopback()
		}
		p := newPinging(addr, time.Second)
		p.id = 1
		for range 3 {
			p.next(began)
		}
		takePacket(p, b, addr, 64, began.Add(time.Millisecond))
		if found := p.found("raw"); found.Received != 0 || p.open < 2 {
			t.Errorf("%x counts: %+v, %d open", b, found, p.open)
		}
		if payload, _, ok := stripIPv4(b); ok && len(payload) > len(b)-20 {
			t.Errorf("%x has a payload of %d bytes", b, len(payload))
		}
	})
}
