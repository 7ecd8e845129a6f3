package main

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
	"parley/probe"
)

func at(text string) probe.Target {
	return probe.Target{Endpoint: endpoint.MustParse(text)}
}

func TestProbeLine(t *testing.T) {
	const ms = time.Millisecond
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	icmp := probe.Target{Endpoint: endpoint.Endpoint{Scheme: "icmp", Host: "::1"}}
	for _, tt := range []struct {
		r    probe.Result
		want string
	}{
		{probe.Result{Target: at("tcp://h:1"), State: probe.Open, Up: true, Time: 120 * time.Microsecond, Address: "10.0.0.1:1"},
			"tcp://h:1       open         0.12 ms  at 10.0.0.1"},
		{probe.Result{Target: at("tcp://10.0.0.1:1"), State: probe.Open, Up: true, Time: 3 * ms, Address: "10.0.0.1:1", Banner: []byte("SSH-2.0-x\r\nmore")},
			`tcp://10.0.0.1:1  open          3.0 ms  says "SSH-2.0-x"...`},
		{probe.Result{Target: at("tcp://127.0.0.1:1"), State: probe.Refused, Time: 100 * time.Microsecond, Err: refused, Errno: "ECONNREFUSED", Number: 111, Address: "127.0.0.1:1"},
			"tcp://127.0.0.1:1  refused      0.10 ms  ECONNREFUSED (111)"},
		{probe.Result{Target: at("tcp://h:2"), State: probe.TimedOut, Time: 2000 * ms, Err: os.ErrDeadlineExceeded},
			"tcp://h:2       timed out    2000 ms"},
		{probe.Result{Target: at("unix:/run/x?connect=1s"), State: probe.Failed, Err: refused, Errno: "ENOENT", Number: 2},
			"unix:/run/x     failed                connection refused, ENOENT (2)"},
		{probe.Result{Target: at("tcp://no.such:2"), State: probe.Failed, Err: opFailed("dial", "tcp://no.such:2", &net.DNSError{Err: "no such host", Name: "no.such", Server: "10.0.0.1:53"})},
			"tcp://no.such:2  failed                no such host"},
		{probe.Result{Target: probe.Target{Endpoint: endpoint.MustParse("udp://h:123"), Service: "ntp"}, State: probe.NoAnswer, Asked: "an NTP request"},
			"ntp@udp://h:123  no answer             open or filtered; sent an NTP request"},
		{probe.Result{Target: at("udp://h:9"), State: probe.NoAnswer}, "udp://h:9       no answer             open or filtered"},
		{probe.Result{Target: at("udp://h:53"), State: probe.Answered, Up: true, Time: 12 * time.Second, Answer: "dns: \x1b[31mevil\u202e"},
			`udp://h:53      answered      12.0 s  dns: \x1b[31mevil\u202e`},
		{probe.Result{Target: at("tls://h:443"), State: probe.Open, Time: 20 * ms, TLS: &probe.TLS{Version: "TLS 1.3", Verified: true, Days: 63}},
			"tls://h:443     open         20.0 ms  TLS 1.3, 63 days left"},
		{probe.Result{Target: at("tls://h:443"), State: probe.Open, Time: 20 * ms, TLS: &probe.TLS{Version: "TLS 1.2", VerifyError: "unknown authority"}, Changed: true, Before: probe.Refused},
			"tls://h:443     open         20.0 ms  was refused, TLS 1.2, not verified: unknown authority"},
		{probe.Result{Target: icmp, State: probe.Answered, Up: true, Time: ms, Address: "::1", Ping: &probe.Ping{Sent: 4, Received: 3}},
			"icmp://[::1]    answered      1.0 ms  3 of 4 came back"},
	} {
		if got := probeLine(tt.r, 14); got != tt.want {
			t.Errorf("probeLine:\n%s\nwant:\n%s", got, tt.want)
		}
	}
}

func TestFirstLine(t *testing.T) {
	for in, want := range map[string]string{
		"220 ready\r\n":                     `"220 ready"`,
		"a\nb":                              `"a"...`,
		"\x00\x1b[2J":                       `"\x00\x1b[2J"`,
		strings.Repeat("ä", 40):             `"` + strings.Repeat("ä", 30) + `"...`,
		"x" + strings.Repeat("ä", 40):       `"x` + strings.Repeat("ä", 29) + `"...`,
		strings.Repeat("a", 60):             `"` + strings.Repeat("a", 60) + `"`,
		"\x80" + strings.Repeat("\x80", 90): `"` + strings.Repeat(`\x80`, 56) + `"...`,
	} {
		if got := firstLine([]byte(in)); got != want {
			t.Errorf("firstLine(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain ä \"x\" \\": "plain ä \"x\" \\", "\x1b[0m": `\x1b[0m`, "a\nb": `a\nb`, "\xff": `\xff`, "\u202e": `\u202e`, "\ufffd": "\ufffd",
	} {
		if got := visible(in); got != want && in != "\ufffd" {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShortTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.00 ms", 80 * time.Microsecond: "0.08 ms", 1234 * time.Microsecond: "1.2 ms", 99940 * time.Microsecond: "99.9 ms",
		123 * time.Millisecond: "123 ms", 9999 * time.Millisecond: "9999 ms", 10 * time.Second: "10.0 s", 300 * time.Second: "300 s",
	} {
		if got := shortTime(d); got != want {
			t.Errorf("shortTime(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, tt := range []struct {
		ports []int
		most  int
		want  string
	}{
		{nil, 3, ""},
		{[]int{5}, 3, "5"},
		{[]int{3, 1, 2, 2, 9, 7, 8}, 3, "1-3,7-9"},
		{[]int{1, 3, 5, 6, 8, 9, 10, 12}, 3, "1,3,5-6 and 4 more"},
		{[]int{1, 3, 5}, 3, "1,3,5"},
		{[]int{65534, 65535}, 1, "65534-65535"},
	} {
		if got := ranges(tt.ports, tt.most); got != tt.want {
			t.Errorf("ranges(%v, %d) = %q, want %q", tt.ports, tt.most, got, tt.want)
		}
	}
}

// The facts of a TLS server are those that a certificate's owner needs.
func TestTLSFacts(t *testing.T) {
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 12, 0, 0, 0, time.UTC) }
	r := probe.Result{TLS: &probe.TLS{
		Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", KeyExchange: "X25519MLKEM768", ALPN: "h2", ServerName: "example.org",
		VerifyError: "expired\x07", Names: []string{"example.org", "10.0.0.1"},
		Chain: []probe.Certificate{
			{Subject: "CN=example.org", Issuer: "CN=inter", NotBefore: day(1, 2), NotAfter: day(6, 3), Key: "ECDSA P-256", Signature: "ECDSA-SHA256"},
			{Subject: "CN=inter", Issuer: "CN=root", NotBefore: day(1, 1), NotAfter: day(5, 1), Key: "RSA 2048", CA: true},
		},
		Days: -3, Pin: "sha256:00", Handshake: 12 * time.Millisecond, OCSP: true,
	}}
	const want = `    protocol      TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768
    alpn          h2
    asked for     example.org
    verification  failed: expired\a
    names         example.org 10.0.0.1
    certificate   CN=example.org
                  ECDSA P-256, ECDSA-SHA256, 2026-01-02 to 2026-06-03
    signed by     CN=inter
                  RSA 2048, 2026-01-01 to 2026-05-01
    issuer        CN=root
    expiry        2026-05-01 12:00 UTC, 2 days ago
    pin           sha256:00
    ocsp          a response is stapled
    handshake     12.0 ms
`
	if got := strings.Join(facts(r), ""); got != want {
		t.Errorf("facts:\n%s\nwant:\n%s", got, want)
	}
}

func TestPingFacts(t *testing.T) {
	const ms = time.Millisecond
	r := probe.Result{Ping: &probe.Ping{
		Sent: 3, Received: 2, Duplicates: 1, Loss: 1.0 / 3, Min: ms, Mean: 2 * ms, Max: 3 * ms, StdDev: ms / 2,
		P50: ms, P90: 3 * ms, P99: 3 * ms, TTL: 64, Method: "unprivileged", From: netip.MustParseAddr("127.0.0.1"),
	}}
	const want = `    pings         3 pings sent, 2 received, 33.3 % lost, 1 duplicate
    round trip    min 1.0 ms, avg 2.0 ms, max 3.0 ms, stddev 0.50 ms
                  p50 1.0 ms, p90 3.0 ms, p99 3.0 ms
    from          127.0.0.1, ttl 64
    method        unprivileged
`
	if got := strings.Join(facts(r), ""); got != want {
		t.Errorf("facts:\n%s\nwant:\n%s", got, want)
	}
	none := probe.Result{Ping: &probe.Ping{Sent: 4, Loss: 1, Method: "raw"}}
	if got, want := strings.Join(facts(none), ""), "    pings         4 pings sent, 0 received, 100 % lost\n    method        raw\n"; got != want {
		t.Errorf("facts without an answer:\n%s\nwant:\n%s", got, want)
	}
}

// Results that are alike are one line when there are more than can be read.
func TestGroups(t *testing.T) {
	var g groups
	port := func(n int) probe.Target { return at("tcp://h:" + strconv.Itoa(n)) }
	for n := 20; n < 20+fewTargets+1; n++ {
		g.add(probe.Result{Target: port(n), State: probe.Refused, Err: errors.New("x"), Errno: "ECONNREFUSED", Number: 111})
	}
	for n := 100; n < 100+fewTargets; n++ {
		g.add(probe.Result{Target: port(n), State: probe.TimedOut})
	}
	g.add(probe.Result{Target: at("udp://h:100"), State: probe.NoAnswer})
	all := g.take()
	if len(all) != 3 || len(all[0].results) != fewTargets+1 || len(all[1].results) != fewTargets || len(all[2].results) != 1 {
		t.Fatalf("groups: %+v", all)
	}
	if got, want := all[0].line(12), "tcp://h       refused               21 ports, ECONNREFUSED (111): 20-40"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	if got, want := all[2].line(12), "udp://h       no answer             1 port, open or filtered: 100"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	if left := g.take(); left != nil {
		t.Errorf("taken twice: %v", left)
	}
}
