package transport

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/endpoint"
)

func TestCheckErrors(t *testing.T) {
	tests := []struct {
		dir  direction
		in   string
		want string // error text
	}{
		// unknown
		{listening, "tcp://:7?backlg=1", `listen tcp://:7: unknown option "backlg"; nearest is "backlog"`},
		{dialling, "tcp://:7?conect=1s", `dial tcp://:7: unknown option "conect"; nearest is "connect"`},
		{dialling, "mem:a?zzzzzzzz=1", `dial mem:a: unknown option "zzzzzzzz"; mem takes connect when dialling`},

		// another scheme's
		{listening, "tcp://:7?clientca=x", `listen tcp://:7: option clientca belongs to tls wss, not to tcp`},
		{listening, "wss://:7/?alpn=x", `listen wss://:7/: option alpn belongs to tls, not to wss`},
		{listening, "udp://:7?backlog=5", `listen udp://:7: option backlog belongs to tcp tcp4 tcp6 tls ws wss, not to udp`},
		{listening, "udp://:7?frame=line", `listen udp://:7: option frame belongs to tcp tcp4 tcp6 unix tls fd mem, not to udp`},
		{listening, "unixpacket:/run/x?frame=line", `listen unixpacket:/run/x: option frame belongs to tcp tcp4 tcp6 unix tls fd mem, not to unixpacket`},
		{listening, "unix:/run/x?allow=10.0.0.1", `listen unix:/run/x: option allow belongs to tcp tcp4 tcp6 tls ws wss udp udp4 udp6 ip, not to unix`},
		{dialling, "tcp://:7?maxmessage=5", `dial tcp://:7: option maxmessage belongs to unixpacket ws wss, not to tcp`},
		{dialling, "udp6://:7?broadcast=1", `dial udp6://:7: option broadcast belongs to udp udp4, not to udp6`},

		// the other direction's
		{dialling, "tcp://:7?backlog=5", `dial tcp://:7: option backlog belongs to listening, not to dialling`},
		{dialling, "unix:/run/x?mode=600", `dial unix:/run/x: option mode belongs to listening, not to dialling`},
		{listening, "tcp://:7?nodelay=1", `listen tcp://:7: option nodelay belongs to dialling, not to listening`},
		{listening, "tls://:7?pin=x", `listen tls://:7: option pin belongs to dialling, not to listening`},

		// values
		{listening, "tcp://:7?backlog=0", `listen tcp://:7: option backlog=0: want a number from 1 to 65536`},
		{listening, "tcp://:7?backlog=x", `listen tcp://:7: option backlog=x: want a number from 1 to 65536`},
		{listening, "tcp://:7?ttl=256", `listen tcp://:7: option ttl=256: want a number from 1 to 255`},
		{listening, "unix:/run/x?mode=800", `listen unix:/run/x: option mode=800: want permission bits in octal, as in 660`},
		{listening, "unix:/run/x?mode=7777", `listen unix:/run/x: option mode=7777: want permission bits in octal, as in 660`},
		{listening, "unix:@x?mode=600", `listen unix:@x: option mode=600: an abstract socket has no file`},
		{listening, "tcp://:7?frame=lines", `listen tcp://:7: option frame=lines: want raw, line, text, len32, nul or fixed:N`},
		{listening, "tcp://:7?frame=fixed:0", `listen tcp://:7: option frame=fixed:0: want raw, line, text, len32, nul or fixed:N`},
		{listening, "tcp://:7?deny=10.0.0.1,10.0.0.0/33", `listen tcp://:7: option deny=10.0.0.1,10.0.0.0/33: "10.0.0.0/33" is no address and no prefix like 10.0.0.0/8`},
		{listening, "ws://:7/?origin=[", `listen ws://:7/: option origin=[: "[" is no host pattern`},
		{listening, "tls://:7?cert=", `listen tls://:7: option cert=: want a value`},
		{listening, "tls://:7?key=k.pem", `listen tls://:7: option key=k.pem: there is no cert= that it is the key of`},
		{listening, "tcp://[fe80::1%25eth0]:7?iface=lo", `listen tcp://[fe80::1%25eth0]:7: option iface=lo: the address is in zone eth0`},
		{dialling, "tcp://:7?source=lo", `dial tcp://:7: option source=lo: want ADDRESS, ADDRESS:PORT or :PORT, in numbers`},
		{dialling, "tcp4://:7?source=::1", `dial tcp4://:7: option source=::1: tcp4 is IPv4 only`},
		{dialling, "tcp6://a.test:7?source=127.0.0.1", `dial tcp6://a.test:7: option source=127.0.0.1: tcp6 is IPv6 only`},
		{dialling, "udp://127.0.0.1:7?source=::1", `dial udp://127.0.0.1:7: option source=::1: not of the same family as 127.0.0.1`},
		{dialling, "ip://127.0.0.1?proto=253&source=127.0.0.1:7", `dial ip://127.0.0.1: option source=127.0.0.1:7: ip has no ports`},
		{dialling, "tls://:7?pin=sha256:12", `dial tls://:7: option pin=sha256:12: want sha256: and 64 hex digits, or the same 32 bytes in base64`},
		{dialling, "ip://127.0.0.1", `dial ip://127.0.0.1: option proto is missing: which protocol, as in proto=253`},
		{dialling, "ip://127.0.0.1?proto=256", `dial ip://127.0.0.1: option proto=256: want a protocol's number, 0 to 255, or its name`},
	}
	for _, tt := range tests {
		e, err := endpoint.Parse(strings.ReplaceAll(tt.in, "%25", "%"))
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		check := CheckListen
		if tt.dir == dialling {
			check = CheckDial
		}
		err = check(e)
		if err == nil || err.Error() != strings.ReplaceAll(tt.want, "%25", "%") {
			t.Errorf("%v %s:\ngot  %v\nwant %s", tt.dir, tt.in, err, tt.want)
		}
		var bad *OptionError
		if !errors.As(err, &bad) {
			t.Errorf("%v %s: %v is not an *OptionError", tt.dir, tt.in, err)
		}
	}
}

func TestCheckPasses(t *testing.T) {
	tests := []struct {
		dir direction
		in  string
	}{
		{listening, "tcp://:7?backlog=5&reuseaddr=1&reuseport=1&iface=lo&ttl=3&maxsessions=5&peraddr=0&idle=5m&total=1h&maxmessage=64k&frame=fixed:5&allow=10.0.0.0/8,::1&deny=10.0.0.1"},
		{listening, "udp://:7?reuseaddr=0&reuseport=1&iface=lo&ttl=3&idle=5s"},
		{listening, "unix:/run/x?mode=660&frame=line"},
		{listening, "tls://:7?cert=a.pem&key=b.pem&clientca=c.pem&alpn=a,b"},
		{listening, "tls://:7?cert=both.pem"},
		{listening, "wss://:7/?origin=*.example.org,example.com&cert=a.pem"},
		{listening, "fd:3?frame=nul&maxsessions=1"},
		{listening, "mem:a?frame=len32"},
		{listening, "ip://127.0.0.1?proto=icmp&iface=lo&ttl=5"},
		{dialling, "tcp://:7?connect=5s&source=127.0.0.1&nodelay=0&keepalive=0&iface=lo&ttl=9"},
		{dialling, "tcp://:7?source=:5000"},
		{dialling, "tcp://:7?source=[::1]:5000"},
		{dialling, "udp4://255.255.255.255:7?broadcast&source=127.0.0.1:0"},
		{dialling, "tls://:7?ca=a&servername=b&alpn=c&insecure&pin=sha256:" + strings.Repeat("0a", 32)},
		{dialling, "unixpacket:/run/x?maxmessage=5&connect=1"},
		{dialling, "ip://127.0.0.1?proto=0"},
	}
	for _, tt := range tests {
		check := CheckListen
		if tt.dir == dialling {
			check = CheckDial
		}
		if err := check(endpoint.MustParse(tt.in)); err != nil {
			t.Errorf("%v %s: %v", tt.dir, tt.in, err)
		}
	}
}

// An Endpoint that Parse did not make is an error, not a panic.
func TestCheckScheme(t *testing.T) {
	for _, e := range []endpoint.Endpoint{{}, {Scheme: "gopher"}} {
		if CheckListen(e) == nil || CheckDial(e) == nil {
			t.Errorf("check of %+v: no error", e)
		}
		if _, _, err := Open(t.Context(), e); err == nil {
			t.Errorf("Open(%+v): no error", e)
		}
		if _, err := Dial(t.Context(), e); err == nil {
			t.Errorf("Dial(%+v): no error", e)
		}
	}
}

// Options are checked before anything is opened or looked up.
func TestOptionsBeforeOpening(t *testing.T) {
	e := endpoint.MustParse("tcp://no-such-host.invalid:0?backlog=x")
	var bad *OptionError
	if _, err := Listen(t.Context(), e); !errors.As(err, &bad) {
		t.Errorf("Listen(%v): got %v, want an *OptionError", e, err)
	}
	e = endpoint.MustParse("tcp://no-such-host.invalid:0?connect=x")
	if _, err := Dial(t.Context(), e); !errors.As(err, &bad) || bad.Name != "connect" || bad.Value != "x" {
		t.Errorf("Dial(%v): got %v, want an *OptionError for connect=x", e, err)
	}
}

// Every scheme of package endpoint is in the dispatch table and the other way
// round, and no row of the option table names a scheme that is not.
func TestTables(t *testing.T) {
	all := endpoint.Schemes()
	for _, name := range all {
		if _, ok := schemes[name]; !ok {
			t.Errorf("scheme %s is not in the table", name)
		}
	}
	if len(schemes) != len(all) {
		t.Errorf("got %d schemes in the table, want %d", len(schemes), len(all))
	}
	for _, o := range options {
		for _, s := range o.schemes {
			if !slices.Contains(all, s) {
				t.Errorf("option %s names the scheme %s, which there is not", o.name, s)
			}
		}
		if o.kind == integer && o.max <= o.min {
			t.Errorf("option %s takes no number", o.name)
		}
	}
}

func TestAccessors(t *testing.T) {
	e := endpoint.MustParse("tcp://:7?nodelay=no&ttl=9&connect=2s&source=::1")
	if boolOption(e, "nodelay", true) || !boolOption(e, "absent", true) {
		t.Error("boolOption: got nodelay on or the default lost")
	}
	if got := intOption(e, "ttl", 1); got != 9 {
		t.Errorf("intOption: got %d, want 9", got)
	}
	if got := durationOption(e, "connect", 0); got != 2*time.Second {
		t.Errorf("durationOption: got %v, want 2s", got)
	}
	if got := durationOption(e, "keepalive", -1); got != -1 {
		t.Errorf("durationOption without the option: got %v, want -1ns", got)
	}
	if got := textOption(e, "source"); got != "::1" {
		t.Errorf("textOption: got %q, want ::1", got)
	}
}

func TestParseSource(t *testing.T) {
	tests := []struct{ in, want string }{
		{"127.0.0.1", "127.0.0.1:0"},
		{"127.0.0.1:5", "127.0.0.1:5"},
		{"::1", "[::1]:0"},
		{"[::1]", "[::1]:0"},
		{"[::1]:5", "[::1]:5"},
		{"[fe80::1%lo]:5", "[fe80::1%lo]:5"},
		{"::ffff:10.0.0.1", "10.0.0.1:0"},
		{":5", "invalid AddrPort"},
		{"", "error"}, {":", "error"}, {"host:5", "error"}, {":65536", "error"}, {"1.2.3.4:x", "error"}, {"1.2.3", "error"},
	}
	for _, tt := range tests {
		ap, err := parseSource(tt.in)
		got := ap.String()
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("parseSource(%q): got %s, want %s", tt.in, got, tt.want)
		}
	}
	if ap, _ := parseSource(":5"); ap.Port() != 5 {
		t.Errorf("parseSource(:5): got port %d, want 5", ap.Port())
	}
}
