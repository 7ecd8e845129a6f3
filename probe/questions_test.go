package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/endpoint"
)

// number is what questions are told apart by in these tests.
const number = 0x0123456789abcdef

// ofService is the question for a service.
func ofService(t testing.TB, name string) question {
	t.Helper()
	i := slices.IndexFunc(questions, func(q question) bool { return q.service == name })
	if i < 0 {
		t.Fatalf("no question for %q", name)
	}
	return questions[i]
}

// fromHex reads bytes in hexadecimal, with spaces.
func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chargenLine begins n characters into the pattern.
func chargenLine(n int) string {
	b := make([]byte, 72)
	for i := range b {
		b[i] = ' ' + byte((n+i)%95)
	}
	return string(b) + "\r\n"
}

// An exchange is what a service says to its question.
type exchange struct {
	service string
	answer  []byte
	want    string // of inWords
}

// exchanges are answers in order, made by hand from the protocols.
func exchanges(t testing.TB) []exchange {
	ntp := fromHex(t, "24 0a 00 e9 00000000 00000000 7f7f0101 eeab28a000000000 0123456789abcdef eeab28a100000000 eeab28a200000000")
	kiss := slices.Concat([]byte{0xe4, 0}, ntp[2:12], []byte("RATE"), ntp[16:])
	primary := slices.Concat([]byte{0x24, 1}, ntp[2:12], []byte("GPS\x00"), ntp[16:])
	local := slices.Concat(ntp[:12], []byte("LOCL"), ntp[16:])
	lost := slices.Concat([]byte{0xe4, 16}, ntp[2:])
	dns := fromHex(t, "cdef 8180 0001 000d 0000 0001 00 0002 0001")
	refusedDNS := fromHex(t, "cdef 8105 0001 0000 0000 0000 00 0002 0001")
	snmp := fromHex(t, "30 32 020101 04 06 7075626c6963 a2 25 0204"+hex.EncodeToString(snmpID(t))+"020100 020100 30 17 30 15 06 08 2b06010201010100 04 09 4c696e757820360a21")
	snmpError := fromHex(t, "30 1d 020101 04 06 7075626c6963 a2 10 0204"+hex.EncodeToString(snmpID(t))+"020105 020101 30 02 3000")
	quicIDs := "08 fedcba9876543210 08 0123456789abcdef"
	stun := fromHex(t, "0101 000c 2112a442 70726c79 0123456789abcdef 0020 0008 0001 e56a e112a646")
	stun6 := fromHex(t, "0101 0020 2112a442 70726c79 0123456789abcdef 8022 0003 61626300 0020 0014 0002 e56a 0113a9fa 70726c79 0123456789abcdee")
	return []exchange{
		{"echo", []byte("0123456789abcdef"), "echo: the same bytes"},
		{"chargen", []byte(chargenLine(0)), `chargen: lines of characters, the first begins with " !\"#$%&'"...`},
		{"chargen", []byte(chargenLine(90) + chargenLine(91)), `chargen: lines of characters, the first begins with "z{|}~ !\""...`},
		{"daytime", []byte("Friday, November 20, 2026 20:14:03-CET\r\n"), `daytime: "Friday, November 20, 2026 20:14:03-CET"`},
		{"time", fromHex(t, "eeab28a0"), "time: 2026-11-20 20:14:24 UTC"},
		{"time", fromHex(t, "00000000"), "time: 2036-02-07 06:28:16 UTC"},
		{"time", fromHex(t, "7fffffff"), "time: 2104-02-26 09:42:23 UTC"},
		{"time", fromHex(t, "80000000"), "time: 1968-01-20 03:14:08 UTC"},
		{"ack", []byte("tcpServer has received your message"), `ack: "tcpServer has received your message"`},
		{"stamp", []byte("[Fri Nov 20 20:14:03 2026] probe-0123456789abcdef\n"), "stamp: Fri Nov 20 20:14:03 2026"},
		{"timesync", []byte("0123456789abcdef 2026-11-20 20:14:03"), "timesync: 2026-11-20 20:14:03"},
		{"chat", []byte("ERR - unproved :PARLEY comes first\n"), "chat: parley's, without a session"},
		{"ntp", ntp, "ntp: version 4, stratum 10, reference 127.127.1.1, 2026-11-20 20:14:26 UTC"},
		{"ntp", local, "ntp: version 4, stratum 10, reference LOCL, 2026-11-20 20:14:26 UTC"},
		{"ntp", primary, `ntp: version 4, stratum 1, of "GPS", 2026-11-20 20:14:26 UTC`},
		{"ntp", kiss, `ntp: version 4, refuses to serve: "RATE"`},
		{"ntp", lost, "ntp: version 4, stratum 16, not synchronized"},
		{"dns", dns, "dns: no error, 13 answers, recursion available"},
		{"dns", refusedDNS, "dns: refused"},
		{"dns", fromHex(t, "cdef 8006 0001 0000 0000 0000"), "dns: response code 6"},
		{"mdns", fromHex(t, "cdef 8400 0001 0001 0000 0000"), "mdns: no error, 1 answer, authoritative"},
		{"snmp", snmp, `snmp: v2c, sysDescr "Linux 6\n!"`},
		{"snmp", snmpError, "snmp: v2c, error status 5"},
		{"tftp", []byte("\x00\x05\x00\x01File not found\x00"), `tftp: error 1, "File not found"`},
		{"tftp", []byte("\x00\x03\x00\x01x"), "tftp: the file is there after all, 1 byte of it"},
		{"quic", fromHex(t, "ca 00000000"+quicIDs+"00000001 6b3343cf ff00001d 0a1a2a3a"), "quic: versions 1, 2, draft 29, 0x0a1a2a3a"},
		{"quic", fromHex(t, "ca 00000000"+quicIDs+strings.Repeat("00000001", 20)), "quic: versions 1" + strings.Repeat(", 1", 15)},
		{"stun", stun, "stun: sees this machine as 192.0.2.4:50296"},
		{"stun", stun6, "stun: sees this machine as [2001:db8::1]:50296"},
		{"stun", fromHex(t, "0111 0000 2112a442 70726c79 0123456789abcdef"), "stun: an error response"},
		{"memcached", fromHex(t, "cdef 0000 0001 0000 56455253494f4e20312e362e31380d0a"), `memcached: version "1.6.18"`},
		{"ssdp", []byte("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\nSERVER: Linux/6 UPnP/1.1 x/1\r\nEXT:\r\n\r\n"), `ssdp: "Linux/6 UPnP/1.1 x/1"`},
	}
}

// Of a list without end a few elements are read.
func TestElementsAreFew(t *testing.T) {
	if list, ok := elements(bytes.Repeat([]byte{5, 0}, 1000)); !ok || len(list) != 16 {
		t.Errorf("%d elements, %t; want 16", len(list), ok)
	}
}

// snmpID is the request-id of the question.
func snmpID(t testing.TB) []byte {
	asked := ofService(t, "snmp").ask(number)
	i := bytes.Index(asked, []byte{0xa0})
	return asked[i+4 : i+8]
}

func TestAnswers(t *testing.T) {
	for _, x := range exchanges(t) {
		q := ofService(t, x.service)
		if got, _ := q.inWords(q.ask(number), x.answer); got != x.want {
			t.Errorf("%s answered %q: %s, want %s", x.service, x.answer, got, x.want)
		}
	}
}

// What has not the shape of the service, or answers another question, is bytes and
// nothing else.
func TestAnswersOfUnknownShape(t *testing.T) {
	const otherNumber = number ^ 0x0101010101010101
	for _, x := range exchanges(t) {
		q := ofService(t, x.service)
		asked := q.ask(number)
		wrong := map[string][]byte{
			"cut":      x.answer[:min(3, len(x.answer))],
			"empty":    {},
			"echoed":   asked,
			"of http":  []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
			"zeros":    make([]byte, 64),
			"all ones": bytes.Repeat([]byte{0xff}, 64),
		}
		if x.service == "echo" || len(asked) == 0 {
			delete(wrong, "echoed")
		}
		for what, answer := range wrong {
			if got, _ := q.inWords(asked, answer); got != bytesInWords(answer) {
				t.Errorf("%s answered with what is %s: %s, want %s", x.service, what, got, bytesInWords(answer))
			}
		}
		if bytes.Equal(q.ask(otherNumber), asked) || x.service == "ack" || x.service == "tftp" {
			continue // there is nothing to tell questions apart by
		}
		if got, _ := q.inWords(q.ask(otherNumber), x.answer); got != bytesInWords(x.answer) {
			t.Errorf("%s answered another question: %s", x.service, got)
		}
	}
}

// Both connection IDs have to be those of the question, each in its place.
func TestQUICOfOthers(t *testing.T) {
	q := ofService(t, "quic")
	for _, ids := range []string{
		"08 fedcba9876543210 08 0123456789abcdee",
		"08 fedcba9876543211 08 0123456789abcdef",
		"08 0123456789abcdef 08 fedcba9876543210",
	} {
		answer := fromHex(t, "ca 00000000"+ids+"00000001")
		if words, ok := q.describe(q.ask(number), answer); ok {
			t.Errorf("with the IDs %s: %s", ids, words)
		}
	}
}

func TestBytesInWords(t *testing.T) {
	for _, tt := range []struct {
		b    string
		want string
	}{
		{"", "an empty datagram"},
		{"x", `1 byte: "x"`},
		{"\x1b]0;evil\a", `9 bytes: "\x1b]0;evil\a"`},
		{"é\xff\u202e", `6 bytes: "\u00e9\xff\u202e"`},
		{strings.Repeat("a", 100), `100 bytes: "` + strings.Repeat("a", 32) + `"...`},
	} {
		if got := bytesInWords([]byte(tt.b)); got != tt.want {
			t.Errorf("bytesInWords(%q) = %s, want %s", tt.b, got, tt.want)
		}
	}
}

// FuzzAnswers gives every parser any bytes, with the question itself and what
// follows from good answers among them.
func FuzzAnswers(f *testing.F) {
	for _, x := range exchanges(f) {
		i := slices.IndexFunc(questions, func(q question) bool { return q.service == x.service })
		f.Add(uint8(i), uint64(number), x.answer)
	}
	f.Fuzz(func(t *testing.T, i uint8, n uint64, answer []byte) {
		q := questions[int(i)%len(questions)]
		asked := q.ask(n)
		kept := bytes.Clone(answer)
		words, _ := q.inWords(asked, answer)
		if !bytes.Equal(answer, kept) || !bytes.Equal(asked, q.ask(n)) {
			t.Fatalf("%s: the parser wrote into what it was given", q.service)
		}
		if words == "" || len(words) > 1000 || !utf8.ValidString(words) || !isText([]byte(words)) {
			t.Fatalf("%s answered %q: %q, which no terminal should be given", q.service, answer, words)
		}
		if len(asked) > 0 && len(answer) < 3 && words != bytesInWords(answer) {
			t.Fatalf("%s answered %q: %q, which is more than is proved", q.service, answer, words)
		}
	})
}

// The questions are themselves as the protocols say.
func TestQuestions(t *testing.T) {
	if b := ofService(t, "ntp").ask(number); len(b) != 48 || b[0] != 0x23 {
		t.Errorf("ntp asks % x", b)
	}
	if b := ofService(t, "dns").ask(number); !bytes.Equal(b, fromHex(t, "cdef 0100 0001 0000 0000 0000 00 0002 0001")) {
		t.Errorf("dns asks % x", b)
	}
	if b := ofService(t, "quic").ask(number); len(b) != 1200 || binary.BigEndian.Uint32(b[1:])&0x0f0f0f0f != 0x0a0a0a0a {
		t.Errorf("quic asks % x", b)
	}
	if b := ofService(t, "memcached").ask(number); !bytes.Equal(b, []byte("\xcd\xef\x00\x00\x00\x01\x00\x00version\r\n")) {
		t.Errorf("memcached asks %q", b)
	}
	// The outermost length, and a request-id in its shortest form, for any number.
	for _, n := range []uint64{0, 1, number, ^uint64(0)} {
		b := ofService(t, "snmp").ask(n)
		message, ok := inside(b, 0, 16)
		if !ok || int(b[1]) != len(b)-2 || len(message) != 3 {
			t.Errorf("snmp asks % x", b)
		}
	}
}

// Every service is one of its own, and no two are customary at one port.
func TestQuestionTable(t *testing.T) {
	seen := make(map[int]string)
	for _, q := range questions {
		if !isServiceName(q.service) || q.asked == "" || q.ask == nil || len(q.ports) == 0 {
			t.Errorf("question %q is not whole", q.service)
		}
		for _, port := range q.ports {
			if other, twice := seen[port]; twice {
				t.Errorf("port %d is %s's and %s's", port, other, q.service)
			}
			seen[port] = q.service
			e := endpoint.MustParse("udp://h:" + strconv.Itoa(port))
			if got := questionFor(Target{Endpoint: e}); got.service != q.service {
				t.Errorf("at port %d %q is asked, want %q", port, got.service, q.service)
			}
			if got := questionFor(Target{Endpoint: e, Service: "echo"}); got.service != "echo" {
				t.Errorf("echo@ at port %d asks %q", port, got.service)
			}
		}
	}
	if got := questionFor(Target{Endpoint: endpoint.MustParse("udp://h:6")}); got.service != "" || len(got.ask(number)) != 0 {
		t.Errorf("at a port of nobody %q is asked", got.service)
	}
}
