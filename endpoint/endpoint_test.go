package endpoint

import (
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestSchemes(t *testing.T) {
	want := strings.Fields("tcp tcp4 tcp6 udp udp4 udp6 unix unixgram unixpacket tls ws wss ip fd mem")
	got := Schemes()
	if !slices.Equal(got, want) {
		t.Errorf("Schemes() = %q, want %q", got, want)
	}
	got[0] = "changed"
	if again := Schemes(); !slices.Equal(again, want) {
		t.Errorf("Schemes() after a change of its result = %q, want %q", again, want)
	}
}

func TestOptions(t *testing.T) {
	e := MustParse("tcp://:7?idle=5s&cert=/a%20%26b&insecure")
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"cert", "/a &b", true},
		{"idle", "5s", true},
		{"insecure", "", true},
		{"idl", "", false},
		{"", "", false},
	} {
		if value, ok := e.Option(tt.name); value != tt.value || ok != tt.ok {
			t.Errorf("%s: Option(%q) = %q, %v, want %q, %v", e, tt.name, value, ok, tt.value, tt.ok)
		}
	}
	if got, want := list(e), "[cert]=[/a &b] [idle]=[5s] [insecure]=[] "; got != want {
		t.Errorf("%s: Options() = %s, want %s", e, got, want)
	}
	for name := range e.Options() {
		if name != "cert" {
			t.Errorf("%s: Options() went on to %q after break", e, name)
		}
		break
	}
	for name := range (Endpoint{}).Options() {
		t.Errorf("Options() of the zero Endpoint has %q, want none", name)
	}
}

func list(e Endpoint) string {
	var b strings.Builder
	for name, value := range e.Options() {
		b.WriteString("[" + name + "]=[" + value + "] ")
	}
	return b.String()
}

func TestWithAndWithout(t *testing.T) {
	e := MustParse("tcp://:7?b=2&d=4")
	for _, tt := range []struct {
		what string
		got  Endpoint
		want string
	}{
		{`With("c", "3")`, e.With("c", "3"), "tcp://:7?b=2&c=3&d=4"},
		{`With("b", "x")`, e.With("b", "x"), "tcp://:7?b=x&d=4"},
		{`With("b", "")`, e.With("b", ""), "tcp://:7?b&d=4"},
		{`With("a&=", "&=% @")`, e.With("a&=", "&=% @"), "tcp://:7?a%26%3D=%26%3D%25%20%40&b=2&d=4"},
		{`With("", "x")`, e.With("", "x"), "tcp://:7?b=2&d=4"},
		{`Without("b")`, e.Without("b"), "tcp://:7?d=4"},
		{`Without("d", "x", "b")`, e.Without("d", "x", "b"), "tcp://:7"},
		{`Without()`, e.Without(), "tcp://:7?b=2&d=4"},
		{`Bare()`, e.Bare(), "tcp://:7"},
	} {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("%s.%s = %s, want %s", e, tt.what, got, tt.want)
		}
		if again, err := Parse(tt.want); err != nil || again != tt.got {
			t.Errorf("Parse(%q) = %#v, %v, want %#v", tt.want, again, err, tt.got)
		}
	}
	if got, want := e.String(), "tcp://:7?b=2&d=4"; got != want {
		t.Errorf("after With and Without the endpoint is %s, want %s", got, want)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"tcp://:7":             ":7",
		"tcp://[fe80::1%lo]:7": "[fe80::1%lo]:7",
		"wss://h/x?a":          "h:443",
		"ip://[::1]":           "::1",
		"ip://":                "",
		"unix:/run/x":          "/run/x",
		"unixgram:@x":          "@x",
		"fd:3":                 "3",
		"mem:x":                "x",
	} {
		if got := MustParse(in).Address(); got != want {
			t.Errorf("%s: Address() = %q, want %q", in, got, want)
		}
	}
}

func TestKeepsMessages(t *testing.T) {
	for name, want := range map[string]bool{
		"udp": true, "udp6": true, "unixgram": true, "ip": true, "unixpacket": true, "ws": true, "wss": true,
		"tcp": false, "tls": false, "unix": false, "mem": false, "fd": false, "": false,
	} {
		if got := (Endpoint{Scheme: name}).KeepsMessages(); got != want {
			t.Errorf("%s: KeepsMessages() = %v, want %v", name, got, want)
		}
	}
}

func TestDatagram(t *testing.T) {
	for _, name := range Schemes() {
		want := slices.Contains(strings.Fields("udp udp4 udp6 unixgram ip"), name)
		if got := (Endpoint{Scheme: name}).Datagram(); got != want {
			t.Errorf("%s: Datagram() = %v, want %v", name, got, want)
		}
	}
	if (Endpoint{}).Datagram() {
		t.Error("Datagram() of the zero Endpoint = true, want false")
	}
}

// textAddr is an address that only has text.
type textAddr struct{ network, text string }

func (a textAddr) Network() string { return a.network }
func (a textAddr) String() string  { return a.text }

func TestWithAddr(t *testing.T) {
	tcp := net.TCPAddrFromAddrPort
	udp := net.UDPAddrFromAddrPort
	at := netip.MustParseAddrPort
	for _, tt := range []struct {
		in   string
		addr net.Addr
		want string
	}{
		{"tcp://localhost:0?idle=5s", tcp(at("127.0.0.1:4000")), "tcp://127.0.0.1:4000?idle=5s"},
		{"tcp://:echo", tcp(at("[::]:7")), "tcp://[::]:7"},
		{"tls://:0", tcp(at("[fe80::1%lo]:7")), "tls://[fe80::1%lo]:7"},
		{"wss://:0/x", tcp(at("[::1]:7")), "wss://[::1]:7/x"},
		{"udp://:0", udp(at("[::ffff:127.0.0.1]:7")), "udp://127.0.0.1:7"},
		{"udp://:0", &net.UDPAddr{Port: 7}, "udp://:7"},
		{"ip://?proto=253", &net.IPAddr{IP: net.IPv6loopback, Zone: "lo"}, "ip://[::1%lo]?proto=253"},
		{"unix:x?mode=0600", &net.UnixAddr{Net: "unix", Name: "/run/x"}, "unix:/run/x?mode=0600"},
		{"unix:x", &net.UnixAddr{Net: "unix"}, "unix:x"},
		{"unixgram:x", &net.UnixAddr{Net: "unixgram", Name: "@"}, "unixgram:x"},
		{"mem:x", textAddr{"mem", "y"}, "mem:y"},

		// Of another kind.
		{"mem:x", tcp(at("127.0.0.1:7")), "mem:x"},
		{"fd:3", udp(at("127.0.0.1:7")), "fd:3"},
		{"unix:x", &net.IPAddr{IP: net.IPv6loopback}, "unix:x"},
		{"tcp://h:7", &net.UnixAddr{Net: "unix", Name: "/x"}, "tcp://h:7"},
		{"tcp://h:7", &net.IPAddr{IP: net.IPv6loopback}, "tcp://h:7"},
		{"tcp://h:7", textAddr{"tcp", "?"}, "tcp://h:7"},
		{"unixgram:x", &net.UnixAddr{Net: "unix", Name: "/x"}, "unixgram:x"},
		{"mem:x", textAddr{"mem", ""}, "mem:x"},
		{"tcp://h:7", nil, "tcp://h:7"},
		{"tcp://h:7", (*net.TCPAddr)(nil), "tcp://h:7"},
		{"udp://h:7", (*net.UDPAddr)(nil), "udp://h:7"},
		{"ip://h", (*net.IPAddr)(nil), "ip://h"},
		{"unix:x", (*net.UnixAddr)(nil), "unix:x"},
	} {
		e := MustParse(tt.in)
		got := e.WithAddr(tt.addr)
		if got != MustParse(tt.want) {
			t.Errorf("%s: WithAddr(%#v) = %s, want %s", tt.in, tt.addr, got, tt.want)
		}
	}
	if got := (Endpoint{}).WithAddr(tcp(at("127.0.0.1:7"))); !got.IsZero() {
		t.Errorf("WithAddr of the zero Endpoint = %#v, want zero", got)
	}
}

func TestZero(t *testing.T) {
	var e Endpoint
	if !e.IsZero() || e.String() != "" {
		t.Errorf("zero Endpoint: IsZero() = %v, String() = %q, want true, \"\"", e.IsZero(), e)
	}
	if MustParse(":7").IsZero() {
		t.Error("tcp://:7: IsZero() = true, want false")
	}
}

func TestText(t *testing.T) {
	type file struct{ A, B Endpoint }
	in := file{A: MustParse("tcp://:7?b&a=1")}
	data, err := json.Marshal(in)
	if want := `{"A":"tcp://:7?a=1\u0026b","B":""}`; err != nil || string(data) != want {
		t.Errorf("Marshal = %s, %v, want %s", data, err, want)
	}
	out := file{B: MustParse(":9")}
	if err := json.Unmarshal(data, &out); err != nil || out != in {
		t.Errorf("Unmarshal = %v, %v, want %v", out, err, in)
	}
	e := MustParse(":9")
	if err := e.UnmarshalText([]byte("tcp://")); err == nil || e != MustParse(":9") {
		t.Errorf("UnmarshalText of a bad text: error %v, endpoint %s, want an error and tcp://:9", err, e)
	}
}
