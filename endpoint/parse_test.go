package endpoint

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want Endpoint
		text string // canonical
	}{
		// The short forms.
		{":7", Endpoint{Scheme: "tcp", Port: "7"}, "tcp://:7"},
		{"localhost:7", Endpoint{Scheme: "tcp", Host: "localhost", Port: "7"}, "tcp://localhost:7"},
		{"[::1]:7", Endpoint{Scheme: "tcp", Host: "::1", Port: "7"}, "tcp://[::1]:7"},
		{"/run/x", Endpoint{Scheme: "unix", Path: "/run/x"}, "unix:/run/x"},
		{"./x", Endpoint{Scheme: "unix", Path: "./x"}, "unix:./x"},
		{"../x", Endpoint{Scheme: "unix", Path: "../x"}, "unix:../x"},
		{":7?idle=5s", Endpoint{Scheme: "tcp", Port: "7", query: "idle=5s"}, "tcp://:7?idle=5s"},
		{"/run/x?mode=0600", Endpoint{Scheme: "unix", Path: "/run/x", query: "mode=0600"}, "unix:/run/x?mode=0600"},

		// Hosts and ports.
		{"tcp://127.0.0.1:0", Endpoint{Scheme: "tcp", Host: "127.0.0.1", Port: "0"}, "tcp://127.0.0.1:0"},
		{"tcp4://:daytime", Endpoint{Scheme: "tcp4", Port: "daytime"}, "tcp4://:daytime"},
		{"udp6://[FE80:0::1%eth0]:0007", Endpoint{Scheme: "udp6", Host: "fe80::1%eth0", Port: "7"}, "udp6://[fe80::1%eth0]:7"},
		{"tcp://[fe80::1%25eth0]:7", Endpoint{Scheme: "tcp", Host: "fe80::1%eth0", Port: "7"}, "tcp://[fe80::1%eth0]:7"},
		{"tcp://[fe80::1%25]:7", Endpoint{Scheme: "tcp", Host: "fe80::1%25", Port: "7"}, "tcp://[fe80::1%25]:7"},
		{"tcp://[fe80::1%253]:7", Endpoint{Scheme: "tcp", Host: "fe80::1%253", Port: "7"}, "tcp://[fe80::1%253]:7"},
		{"TLS://Example.ORG.:HTTPS", Endpoint{Scheme: "tls", Host: "example.org.", Port: "https"}, "tls://example.org.:https"},
		{"udp://_a-b.c_d:z39.50", Endpoint{Scheme: "udp", Host: "_a-b.c_d", Port: "z39.50"}, "udp://_a-b.c_d:z39.50"},
		{"tcp://4f00d1e2:65535", Endpoint{Scheme: "tcp", Host: "4f00d1e2", Port: "65535"}, "tcp://4f00d1e2:65535"},
		{"tcp://tcp:7", Endpoint{Scheme: "tcp", Host: "tcp", Port: "7"}, "tcp://tcp:7"},
		{"tcp4://[::ffff:127.0.0.1]:7", Endpoint{Scheme: "tcp4", Host: "::ffff:127.0.0.1", Port: "7"}, "tcp4://[::ffff:127.0.0.1]:7"},

		// WebSocket: a default port and a resource.
		{"ws://:8080/echo", Endpoint{Scheme: "ws", Port: "8080", Path: "/echo"}, "ws://:8080/echo"},
		{"ws://h", Endpoint{Scheme: "ws", Host: "h", Port: "80", Path: "/"}, "ws://h:80/"},
		{"wss://h/a%3Fb//c", Endpoint{Scheme: "wss", Host: "h", Port: "443", Path: "/a?b//c"}, "wss://h:443/a%3Fb//c"},
		{"wss://[::1]/a:7", Endpoint{Scheme: "wss", Host: "::1", Port: "443", Path: "/a:7"}, "wss://[::1]:443/a:7"},
		{"ws://h//x?a", Endpoint{Scheme: "ws", Host: "h", Port: "80", Path: "//x", query: "a"}, "ws://h:80//x?a"},

		// A host alone.
		{"ip://127.0.0.1?proto=253", Endpoint{Scheme: "ip", Host: "127.0.0.1", query: "proto=253"}, "ip://127.0.0.1?proto=253"},
		{"ip://[::1]", Endpoint{Scheme: "ip", Host: "::1"}, "ip://[::1]"},
		{"ip://?proto=1", Endpoint{Scheme: "ip", query: "proto=1"}, "ip://?proto=1"},

		// Paths.
		{"unix:/run/x", Endpoint{Scheme: "unix", Path: "/run/x"}, "unix:/run/x"},
		{"unix:///run/x", Endpoint{Scheme: "unix", Path: "/run/x"}, "unix:/run/x"},
		{"unix://run/x", Endpoint{Scheme: "unix", Path: "run/x"}, "unix:run/x"},
		{"unix:run/x", Endpoint{Scheme: "unix", Path: "run/x"}, "unix:run/x"},
		{"unix:////run/x", Endpoint{Scheme: "unix", Path: "//run/x"}, "unix:////run/x"},
		{"unixgram:@a%00b", Endpoint{Scheme: "unixgram", Path: "@a\x00b"}, "unixgram:@a%00b"},
		{"unixpacket:/a b%3f#%C3%A4ä", Endpoint{Scheme: "unixpacket", Path: "/a b?#ää"}, "unixpacket:/a%20b%3F%23%C3%A4%C3%A4"},
		{"fd:3", Endpoint{Scheme: "fd", Path: "3"}, "fd:3"},
		{"fd://web", Endpoint{Scheme: "fd", Path: "web"}, "fd:web"},
		{"mem:a:7", Endpoint{Scheme: "mem", Path: "a:7"}, "mem:a:7"},

		// Options.
		{"mem:x?", Endpoint{Scheme: "mem", Path: "x"}, "mem:x"},
		{"mem:x?b=2&a=1", Endpoint{Scheme: "mem", Path: "x", query: "a=1&b=2"}, "mem:x?a=1&b=2"},
		{"mem:x?a-b&a=", Endpoint{Scheme: "mem", Path: "x", query: "a&a-b"}, "mem:x?a&a-b"},
		{"mem:x?a=b c+d=e?f@g%26%25", Endpoint{Scheme: "mem", Path: "x", query: "a=b%20c%2Bd%3De%3Ff%40g%26%25"}, "mem:x?a=b%20c%2Bd%3De%3Ff%40g%26%25"},
		{"mem:x?source=[::1]:0&cert=/a/b.pem&origin=*.c,d", Endpoint{Scheme: "mem", Path: "x", query: "cert=/a/b.pem&origin=*.c,d&source=[::1]:0"}, "mem:x?cert=/a/b.pem&origin=*.c,d&source=[::1]:0"},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("Parse(%q) = %#v, %v, want %#v", tt.in, got, err, tt.want)
			continue
		}
		if text := got.String(); text != tt.text {
			t.Errorf("Parse(%q).String() = %q, want %q", tt.in, text, tt.text)
		}
		if again, err := Parse(tt.text); err != nil || again != got {
			t.Errorf("Parse(%q) = %#v, %v, want %#v", tt.text, again, err, got)
		}
	}
}

// badText is a text that is refused: what is said, and, between « and », the
// part pointed at.
type badText struct{ marked, want string }

// check compares the error of a parse of b without its marks.
func (b badText) check(t *testing.T, parse func(string) error) {
	t.Helper()
	before, rest, _ := strings.Cut(b.marked, "«")
	part, after, found := strings.Cut(rest, "»")
	if !found {
		t.Fatalf("%q has no marks", b.marked)
	}
	in := before + part + after
	err := parse(in)
	bad, ok := err.(*ParseError)
	if !ok {
		t.Errorf("parse of %q: got error %v, want a *ParseError", in, err)
		return
	}
	if bad.Error() != b.want {
		t.Errorf("parse of %q: got error\n%s\nwant\n%s", in, bad, b.want)
	}
	if bad.Input != in || bad.Offset != len(before) || bad.Length != len(part) {
		t.Errorf("parse of %q: got Input %q, Offset %d, Length %d, want %d, %d (%q)",
			in, bad.Input, bad.Offset, bad.Length, len(before), len(part), part)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []badText{
		// Schemes.
		{"«tcpp»://:7", `endpoint "tcpp://:7": unknown scheme "tcpp"; nearest is "tcp"`},
		{"«unx»:/run/x", `endpoint "unx:/run/x": unknown scheme "unx"; nearest is "unix"`},
		{"«abs»:@x", `endpoint "abs:@x": unknown scheme "abs"; expected one of tcp tcp4 tcp6 udp udp4 udp6 unix unixgram unixpacket tls ws wss ip fd mem`},
		{"«»://:7", `endpoint "://:7": expected a scheme before ":"`},
		{"«@x»", `endpoint "@x": expected a scheme before "@x"; an abstract socket is written "unix:@x"`},
		{"tcp:«7»", `endpoint "tcp:7": expected "//host:port" after "tcp:"`},
		{"TCP:«»", `endpoint "TCP:": expected "//host:port" after "TCP:"`},
		{"wss:«h/x»?a", `endpoint "wss:h/x?a": expected "//host:port/path" after "wss:"`},
		{"ip:«127.0.0.1»", `endpoint "ip:127.0.0.1": expected "//host" after "ip:"`},

		// Ports.
		{"«»", `endpoint "": expected host:port`},
		{"tcp://«»", `endpoint "tcp://": expected host:port`},
		{"ws://«»/x", `endpoint "ws:///x": expected host:port`},
		{"localhost«»", `endpoint "localhost": expected host:port; the port is missing`},
		{"tcp://[::1]«»?a", `endpoint "tcp://[::1]?a": expected host:port; the port is missing`},
		{"«7»", `endpoint "7": expected host:port, not "7"; a port alone is written ":7"`},
		{"h:«»", `endpoint "h:": expected a port after ":"`},
		{"ws://h:«»/", `endpoint "ws://h:/": expected a port after ":"`},
		{"tcp://:«99999»", `endpoint "tcp://:99999": port "99999" is not in 0 to 65535`},
		{"tcp://:«65536»?a", `endpoint "tcp://:65536?a": port "65536" is not in 0 to 65535`},
		{":«-1»", `endpoint ":-1": port "-1" is not in 0 to 65535`},
		{":«+7»", `endpoint ":+7": port "+7" is not in 0 to 65535`},
		{":«-x»", `endpoint ":-x": port "-x" is neither a number nor the name of a service`},
		{":«ä»", `endpoint ":ä": port "ä" is neither a number nor the name of a service`},
		{"ip://h«:7»", `endpoint "ip://h:7": expected nothing after host, not ":7"; ip has no port`},
		{"tcp://h:7«/»", `endpoint "tcp://h:7/": expected nothing after host:port, not "/"; tcp has no path`},
		{"[::1]:7«/x»", `endpoint "[::1]:7/x": expected nothing after host:port, not "/x"; tcp has no path`},
		{"ip://h«/x»", `endpoint "ip://h/x": expected nothing after host, not "/x"; ip has no path`},

		// Addresses.
		{"«::1:7»", `endpoint "::1:7": IPv6 address without brackets in "::1:7"; expected "[::1]:7"`},
		{"tcp://«fe80::1%eth0:echo»", `endpoint "tcp://fe80::1%eth0:echo": IPv6 address without brackets in "fe80::1%eth0:echo"; expected "[fe80::1%eth0]:echo"`},
		{"ws://«::1»/x", `endpoint "ws://::1/x": IPv6 address without brackets in "::1"; expected "[::1]:port"`},
		{"ip://«fe80::1:2»", `endpoint "ip://fe80::1:2": IPv6 address without brackets in "fe80::1:2"; expected "[fe80::1:2]"`},
		{"«a:b:c»", `endpoint "a:b:c": too many colons in "a:b:c"; expected host:port`},
		{"tcp://«[::1:7»", `endpoint "tcp://[::1:7": expected "]" after the address in "[::1:7"`},
		{"[::1]«7»", `endpoint "[::1]7": expected ":" and a port after "]", not "7"`},
		{"[«»]:7", `endpoint "[]:7": "" is not an IPv6 address`},
		{"[«127.0.0.1»]:7", `endpoint "[127.0.0.1]:7": "127.0.0.1" is not an IPv6 address`},
		{"[«::g»]:7", `endpoint "[::g]:7": "::g" is not an IPv6 address`},
		{"[«::1%»]:7", `endpoint "[::1%]:7": "::1%" is not an IPv6 address`},
		{"[::1%a« »b]:7", `endpoint "[::1%a b]:7": " " in the zone of an IPv6 address`},
		{"«127.0.0.256»:7", `endpoint "127.0.0.256:7": "127.0.0.256" is not an IPv4 address`},
		{"«127.1»:7", `endpoint "127.1:7": "127.1" is not an IPv4 address`},
		{"tcp4://[«::1»]:7", `endpoint "tcp4://[::1]:7": "::1" is not an IPv4 address; tcp4 takes no other`},
		{"udp6://«127.0.0.1»:7", `endpoint "udp6://127.0.0.1:7": "127.0.0.1" is not an IPv6 address; udp6 takes no other`},

		// Names.
		{"«*»:7", `endpoint "*:7": "*" is not a host; every interface is an empty host, as in ":7"`},
		{"tcp://h«ö»st:7", `endpoint "tcp://höst:7": "ö" in the host; expected punycode ("xn--...")`},
		{"h«\xff»:7", `endpoint "h\xff:7": "\xff" in the host; expected punycode ("xn--...")`},
		{"a«@»b:7", `endpoint "a@b:7": "@" in the host; expected letters, digits, "-", "_" and "."`},
		{"a.«.»b:7", `endpoint "a..b:7": expected a name before "." in the host`},
		{"«.»:7", `endpoint ".:7": expected a name before "." in the host`},

		// Paths.
		{"unix:«»", `endpoint "unix:": expected a socket path`},
		{"unix://«»?mode=0600", `endpoint "unix://?mode=0600": expected a socket path`},
		{"fd:«»", `endpoint "fd:": expected the number or name of a descriptor`},
		{"mem:«»", `endpoint "mem:": expected a name`},
		{"unix:@«»", `endpoint "unix:@": expected the name of an abstract socket after "@"`},
		{"/a%2F«%00»b", `endpoint "/a%2F%00b": "%00" in a socket path; only an abstract name ("@name") can hold a zero byte`},
		{"/a«%zz»b", `endpoint "/a%zzb": "%zz" is not percent-encoded; a percent sign is "%25"`},
		{"/a%20«%2»", `endpoint "/a%20%2": "%2" is not percent-encoded; a percent sign is "%25"`},
		{"ws://h/«%»", `endpoint "ws://h/%": "%" is not percent-encoded; a percent sign is "%25"`},

		// Options.
		{"mem:x?a=1&«a=2»", `endpoint "mem:x?a=1&a=2": option "a" is given twice`},
		{"mem:x?a&b&«%61»&c", `endpoint "mem:x?a&b&%61&c": option "a" is given twice`},
		{"mem:x?a&«»", `endpoint "mem:x?a&": expected the name of an option`},
		{"mem:x?«»&a", `endpoint "mem:x?&a": expected the name of an option`},
		{"mem:x?«=1»&a", `endpoint "mem:x?=1&a": expected the name of an option before "=1"`},
		{"mem:x?a=b«%4»&c", `endpoint "mem:x?a=b%4&c": "%4" is not percent-encoded; a percent sign is "%25"`},
		{"mem:x?«%»=b", `endpoint "mem:x?%=b": "%" is not percent-encoded; a percent sign is "%25"`},

		// Accidents.
		{":7«\n»", `endpoint ":7\n": control character '\n'; a path or an option has it as "%0A"`},
		{"/a«\x7f»", `endpoint "/a\x7f": control character '\x7f'; a path or an option has it as "%7F"`},
		{"« »:7", `endpoint " :7": " " at the edge; a path or an option has it as "%20"`},
		{"/run/x« »", `endpoint "/run/x ": " " at the edge; a path or an option has it as "%20"`},
	}
	for _, tt := range tests {
		tt.check(t, func(s string) error { e, err := Parse(s); return errorAndZero(t, s, e, err) })
	}
}

// errorAndZero returns err, after checking that what came with it is zero.
func errorAndZero[T comparable](t *testing.T, in string, got T, err error) error {
	t.Helper()
	var zero T
	if err != nil && got != zero {
		t.Errorf("parse of %q: got %#v with the error, want the zero value", in, got)
	}
	return err
}

func TestMustParse(t *testing.T) {
	if got, want := MustParse(":7"), (Endpoint{Scheme: "tcp", Port: "7"}); got != want {
		t.Errorf("MustParse(%q) = %#v, want %#v", ":7", got, want)
	}
	defer func() {
		if err, ok := recover().(*ParseError); !ok || err.Input != "tcp://" {
			t.Errorf("MustParse(%q) panicked with %v, want the *ParseError", "tcp://", err)
		}
	}()
	MustParse("tcp://")
	t.Errorf("MustParse(%q) returned, want a panic", "tcp://")
}
