package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parley/endpoint"
	"parley/transport"
)

// all is the text of every target.
func all(t Targets) []string {
	var texts []string
	for one := range t.All() {
		texts = append(texts, one.String())
	}
	return texts
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string // the targets, with spaces between them
	}{
		{"tcp://127.0.0.1:1", "tcp://127.0.0.1:1"},
		{"host:22", "tcp://host:22"},
		{":7", "tcp://:7"},
		{"[::1]:7-8", "tcp://[::1]:7 tcp://[::1]:8"},
		{"tcp6://[fe80::1%eth0]:7,9", "tcp6://[fe80::1%eth0]:7 tcp6://[fe80::1%eth0]:9"},
		{"tcp://HOST:20-22,80,21-23,22", "tcp://host:20 tcp://host:21 tcp://host:22 tcp://host:80 tcp://host:23"},
		{"tcp://h:https,http,443", "tcp://h:443 tcp://h:80"},
		{"tcp://h:007", "tcp://h:7"},
		{"tcp://h:65535-65535", "tcp://h:65535"},
		{"tcp://h:1,2?source=127.0.0.1&connect=1s", "tcp://h:1?connect=1s&source=127.0.0.1 tcp://h:2?connect=1s&source=127.0.0.1"},
		{"UDP://h:53", "udp://h:53"},
		{"dns@udp://h:53,5300", "dns@udp://h:53 dns@udp://h:5300"},
		{"echo@unixgram:/run/g", "echo@unixgram:/run/g"},
		{"unix:/run/x.sock", "unix:/run/x.sock"},
		{"unix:@a:1,2", "unix:@a:1,2"},
		{"/run/a@b:1-2", "unix:/run/a@b:1-2"},
		{"./x:1,2", "unix:./x:1,2"},
		{"tls://h:443,8443?servername=a@b", "tls://h:443?servername=a%40b tls://h:8443?servername=a%40b"},
		{"ws://h/chat", "ws://h:80/chat"},
		{"wss://h:443-444/a,b:1-2", "wss://h:443/a,b:1-2 wss://h:444/a,b:1-2"},
		{"icmp://host", "icmp://host"},
		{"icmp://::1", "icmp://[::1]"},
		{"icmp6://[::1]", "icmp6://[::1]"},
		{"ICMP6://fe80::1%eth0", "icmp6://[fe80::1%eth0]"},
		{"icmp4://192.0.2.1", "icmp4://192.0.2.1"},
	} {
		got, err := Parse(tt.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.text, err)
			continue
		}
		want := strings.Fields(tt.want)
		if texts := all(got); !slices.Equal(texts, want) {
			t.Errorf("Parse(%q) = %q, want %q", tt.text, texts, want)
		}
		if got.Len() != len(want) || got.String() != tt.text {
			t.Errorf("Parse(%q) has length %d and text %q, want %d", tt.text, got.Len(), got, len(want))
		}
	}
}

// The part of the text that an error points at is marked with | around it.
func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"tcp://h:|0|", `port "0" is not in 1 to 65535`},
		{"tcp://h:1-|70000|", `port "70000" is not in 1 to 65535`},
		{"tcp://h:1,|99999999999999999999|,3", "is not in 1 to 65535"},
		{"tcp://h:|22-20|?connect=1s", `range "22-20" ends before it begins; expected "20-22"`},
		{"tcp://h:1,||", "expected a port, 1 to 65535, or a name"},
		{"tcp://h:||,1", "expected a port"},
		{"tcp://h:1,||,2", "expected a port"},
		{"tcp://h:||-7", `expected the first port before "-7"`},
		{"tcp://h:7-||", `expected the last port after "7-"; the last of all is 65535`},
		{"tcp://h:|1-2-3|", "is not a range"},
		{"tcp://h:80,|no-such-name|", `no service is called "no-such-name"`},
		{"tcp://h:80,|htps|", `nearest is "https"`},
		{"tcp://h:80,| 81|", "neither a number"},
		{"tcp://h|/x|", "expected nothing after host:port"},
		{"tcp://h:1-9|/x|", "expected nothing after host:port"},
		{"tcp://h:1-9?connect=1s&|connect=2s|", "given twice"},
		{"tcp://h||", "the port is missing"},
		{"tcp://h:||", "expected a port"},
		{"tcp://|::1:20-30|", "IPv6 address without brackets"},
		{"tcp4://|[::1]|:1-9", ""},
		{"|tcpp|://h:1-9", `nearest is "tcp"`},
		{"|ech|@udp://h:7", `unknown service "ech"; nearest is "echo"`},
		{"|zebra|@udp://h:7", "known are echo discard"},
		{"ack|?reply=x|@udp://h:7", "takes none"},
		{"echo@||", `expected an endpoint after "@"`},
		{"echo@udp://h:7,|x y|", "neither a number"},
		{"|echo@|tcp://h:7", "tcp only connects"},
		{"|echo@|icmp://h", "icmp only connects"},
		{"|ip://h?proto=1|", `"icmp://h"`},
		{"|fd:3|", "a descriptor is no place"},
		{"icmp://||", "expected a host"},
		{"icmp://h|:80|", "icmp has no port"},
		{"icmp://[::1]|:80|", "icmp has no port"},
		{"icmp6://h|/x|", "icmp6 has no port and no path"},
		{"icmp://h|?ttl=3|", "icmp takes no options"},
		{"icmp4://|::1|", "is not an IPv4 address"},
		{"icmp6://|192.0.2.1|", "is not an IPv6 address"},
		{"icmp://a|!|b", `"!" in the host`},
		{"|icmpp|://h", "unknown scheme"},
		{"||", ""},
	} {
		text := strings.ReplaceAll(tt.text, "|", "")
		_, err := Parse(text)
		var bad *endpoint.ParseError
		if !errors.As(err, &bad) {
			t.Errorf("Parse(%q) = %v, want a ParseError", text, err)
			continue
		}
		if !strings.Contains(bad.Reason, tt.want) || bad.Input != text {
			t.Errorf("Parse(%q): %v, want %q of the whole text", text, bad, tt.want)
		}
		marked := text[:bad.Offset] + "|" + text[bad.Offset:bad.Offset+bad.Length] + "|" + text[bad.Offset+bad.Length:]
		if tt.want != "" && marked != tt.text {
			t.Errorf("Parse(%q) points at %q, want %q: %v", text, marked, tt.text, bad)
		}
	}
}

func TestParseOptionErrors(t *testing.T) {
	var bad *transport.OptionError
	for _, text := range []string{"tcp://h:1-3?no=1", "udp://h:1?ttl=300", "unix:/x?ttl=3", "tls://h:1?pin=x"} {
		if _, err := Parse(text); !errors.As(err, &bad) {
			t.Errorf("Parse(%q) = %v, want an OptionError", text, err)
		}
	}
}

// A range of every port is a few bytes, and a breath to go through.
func TestEveryPort(t *testing.T) {
	list, err := Parse("tcp://h:1-65535")
	if err != nil || list.Len() != 65535 || len(list.ports) != 1 {
		t.Fatalf("%d targets in %d spans, %v", list.Len(), len(list.ports), err)
	}
	n := 0
	for range list.All() {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("went on to %d after a break", n)
	}
	if (Targets{}).Len() != 0 || len(all(Targets{})) != 0 {
		t.Error("the zero Targets has targets")
	}
}

// slowPorts is the oracle: every port is tried by itself.
func slowPorts(text string) (ports []int, ok bool) {
	for _, part := range strings.Split(text, ",") {
		var first, last int
		for port := 1; port <= 65535; port++ {
			digits := strconv.Itoa(port)
			if sameNumber(part, digits) {
				first, last = port, port
			}
			if a, b, dash := strings.Cut(part, "-"); dash {
				if sameNumber(a, digits) {
					first = port
				}
				if sameNumber(b, digits) {
					last = port
				}
			}
		}
		if first == 0 || last < first {
			if first, ok = slowName(part); !ok {
				return nil, false
			}
			last = first
		}
		for port := first; port <= last; port++ {
			if !slices.Contains(ports, port) {
				ports = append(ports, port)
			}
		}
	}
	return ports, true
}

func sameNumber(text, digits string) bool {
	return strings.HasSuffix(text, digits) && strings.Trim(text[:len(text)-len(digits)], "0") == ""
}

func slowName(part string) (int, bool) {
	if part == "" || strings.Trim(part, "0123456789-") == "" {
		return 0, false
	}
	e, err := endpoint.Parse("tcp://h:" + part)
	if err != nil {
		return 0, false
	}
	n, err := e.ResolvePort(context.Background(), nil)
	return n, err == nil && n > 0
}

// FuzzPorts holds the list against the oracle.
func FuzzPorts(f *testing.F) {
	for _, seed := range []string{"1", "20-30,25,http", "5-3", "1-9,3-12,0007", "", ",", "65535,65536", "7-", "80,https,80-81", "iso-tsap", "30-40,10-20,5-50", "+7", "1-2-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, ":/?@[]%") || len(text) > 40 {
			t.Skip()
		}
		want, ok := slowPorts(text)
		if len(want) > 5000 {
			t.Skip("the oracle is slow")
		}
		list, err := Parse("tcp://h:" + text)
		if (err == nil) != ok {
			t.Fatalf("Parse of ports %q: %v, want it to be read: %t", text, err, ok)
		}
		if err != nil {
			var bad *endpoint.ParseError
			if !errors.As(err, &bad) || bad.Input != "tcp://h:"+text || bad.Offset+bad.Length > len(bad.Input) {
				t.Fatalf("ports %q: %#v", text, err)
			}
			return
		}
		var got []int
		for one := range list.All() {
			n, _ := strconv.Atoi(one.Endpoint.Port)
			got = append(got, n)
		}
		if !slices.Equal(got, want) || list.Len() != len(want) {
			t.Fatalf("ports %q = %v, want %v", text, got, want)
		}
	})
}

// FuzzParse takes any text: what is read is read again from its own text, and
// errors point into it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"tcp://h:1-3", "dns@udp://h:53,54", "icmp://::1", "unix:@x", "wss://h/a?pin=x", "ws://h:1,2/a", "echo@", "icmp6://[::1%lo]", ":7", "a@b@c", "mem:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		var bad *endpoint.ParseError
		if errors.As(err, &bad) && (bad.Input != text || bad.Offset < 0 || bad.Length < 0 || bad.Offset+bad.Length > len(text)) {
			t.Fatalf("Parse(%q): error points outside: %#v", text, bad)
		}
		if err != nil || list.Len() > 100 {
			return
		}
		n := 0
		for one := range list.All() {
			n++
			again, err := Parse(one.String())
			if err != nil {
				t.Fatalf("Parse(%q) has %q, which is not read: %v", text, one, err)
			}
			if texts := fmt.Sprint(all(again)); texts != fmt.Sprint([]string{one.String()}) || again.target != one {
				t.Fatalf("Parse(%q) has %q, which is read as %s", text, one, texts)
			}
		}
		if n != list.Len() || n == 0 {
			t.Fatalf("Parse(%q) has %d targets, and Len %d", text, n, list.Len())
		}
	})
}
