package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
)

var pinged = netip.MustParseAddr("192.0.2.1")

// answerTo is the echo reply to e.
func answerTo(e echoRequest, six bool) []byte {
	b := appendEcho(nil, e, six)
	if b[0] = reply4; six {
		b[0] = reply6
	}
	return b
}

// reportOn is an ICMP message about e, as a router sends it.
func reportOn(e echoRequest, kind, code byte) []byte {
	b := []byte{kind, code, 0, 0, 0, 0, 0, 0}
	header := make([]byte, 20)
	header[0], header[9] = 0x45, protocolICMP
	return append(append(b, header...), appendEcho(nil, e, false)...)
}

var began = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// TestPinging counts answers: late ones, repeated ones, others' and forged ones.
func TestPinging(t *testing.T) {
	p := newPinging(pinged)
	var all []echoRequest
	for i := range 4 {
		all = append(all, p.next(began.Add(time.Duration(i)*time.Second)))
	}
	at := func(i int, d time.Duration) time.Time { return began.Add(time.Duration(i)*time.Second + d) }
	p.take(answerTo(all[1], false), pinged, 60, at(1, 20*time.Millisecond))
	p.take(answerTo(all[0], false), pinged, 61, at(0, 1500*time.Millisecond))
	p.take(answerTo(all[0], false), pinged, 61, at(0, 1600*time.Millisecond))
	p.take(answerTo(all[3], false), netip.MustParseAddr("192.0.2.9"), 64, at(3, time.Millisecond)) // from another
	other := all[3]
	other.data = []byte("another program's")
	p.take(answerTo(other, false), pinged, 64, at(3, time.Millisecond))
	p.take(answerTo(echoRequest{p.id, 9, p.token[:]}, false), pinged, 64, at(3, time.Millisecond)) // not sent yet
	p.take([]byte{0}, pinged, 64, began)
	if p.complete() {
		t.Error("complete with two answers of four")
	}
	f := p.found("raw")
	if f.Sent != 4 || f.Received != 2 || f.Duplicates != 1 || f.Loss != 0.5 || f.Min != 20*time.Millisecond || f.Max != 1500*time.Millisecond || f.TTL != 61 || f.Method != "raw" {
		t.Errorf("%+v", f)
	}
	p.take(answerTo(all[2], false), pinged, 60, at(2, time.Millisecond))
	p.take(answerTo(all[3], false), pinged, 60, at(3, time.Millisecond))
	if !p.complete() {
		t.Error("not complete with four answers of four")
	}
}

func TestPingingIsTold(t *testing.T) {
	router := netip.MustParseAddr("192.0.2.254")
	for _, test := range []struct {
		kind, code byte
		want       error
	}{{unreachable4, 0, syscall.ENETUNREACH}, {unreachable4, 1, syscall.EHOSTUNREACH}, {unreachable4, 13, syscall.EHOSTUNREACH}, {exceeded4, 0, errExceeded}} {
		p := newPinging(pinged)
		e := p.next(began)
		foreign := e
		foreign.id++
		p.take(reportOn(foreign, test.kind, test.code), router, 64, began)
		if p.report != nil {
			t.Errorf("a report about another program's request was taken: %v", p.report)
		}
		p.take(reportOn(e, test.kind, test.code), router, 64, began)
		if !errors.Is(p.report, test.want) || !strings.HasPrefix(p.report.Error(), "192.0.2.254 says: ") {
			t.Errorf("type %d code %d: %v, want %v", test.kind, test.code, p.report, test.want)
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

// TestPingLoopback pings this machine, where this process may.
func TestPingLoopback(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		r := newLooker(Options{Count: 3, Interval: time.Millisecond}).look(context.Background(), Target{Endpoint: endpoint.Endpoint{Scheme: "icmp", Host: host}})
		if errors.Is(r.Err, os.ErrPermission) {
			t.Skip(r.Err)
		}
		if errors.Is(r.Err, syscall.EADDRNOTAVAIL) || errors.Is(r.Err, syscall.EAFNOSUPPORT) {
			continue // no IPv6 here
		}
		if !r.Up || r.State != Answered || r.Ping == nil || r.Ping.Received != 3 || r.Ping.TTL == 0 || r.Time <= 0 || r.Address != host {
			t.Errorf("%s: %+v, ping %+v", host, r, r.Ping)
		}
	}
}

func TestPingEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := newLooker(Options{Count: 100, Interval: time.Minute}).look(ctx, Target{Endpoint: endpoint.Endpoint{Scheme: "icmp4", Host: "127.0.0.1"}})
	if r.Up && r.Ping.Sent == 100 {
		t.Errorf("%+v", r)
	}
}

func FuzzParseICMP(f *testing.F) {
	e := echoRequest{1, 2, []byte("x")}
	f.Add(answerTo(e, false), false)
	f.Add(answerTo(e, true), true)
	f.Add(reportOn(e, unreachable4, 1), false)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		m, ok := parseICMP(b, six)
		if ok && m.kind == echoReport && m.report == nil {
			t.Errorf("%x reports nothing", b)
		}
	})
}
