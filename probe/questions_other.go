package probe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
)

// askTFTP is a read request (RFC 1350 section 5) for a file that nobody has.
func askTFTP(number uint64) []byte {
	b := append([]byte{0, 1}, word("parley-probe-", number)...)
	return append(b, "\x00octet\x00"...)
}

func describeTFTP(_, answer []byte) (string, bool) {
	if len(answer) < 4 || answer[0] != 0 {
		return "", false
	}
	switch code, rest := answer[1], answer[4:]; {
	case code == 5 && bytes.IndexByte(rest, 0) >= 0:
		text, _, _ := bytes.Cut(rest, []byte{0})
		return fmt.Sprintf("error %d, %s", binary.BigEndian.Uint16(answer[2:]), quoted(text, 64)), true
	case code == 3 && answer[2] == 0 && answer[3] == 1 && len(rest) <= 512:
		return "the file is there after all, " + counted(len(rest), "byte") + " of it", true
	}
	return "", false
}

// stunCookie is in every message of STUN, RFC 8489 section 5.
const stunCookie = 0x2112a442

// askSTUN is a binding request. The transaction identifier has 12 bytes.
func askSTUN(number uint64) []byte {
	b := []byte{0, 1, 0, 0}
	b = binary.BigEndian.AppendUint32(b, stunCookie)
	b = append(b, "prly"...)
	return binary.BigEndian.AppendUint64(b, number)
}

// describeSTUN reads a response: type and length (2 bytes each), the cookie, the
// identifier (12), and attributes, each of type and length (2 each) and a value
// filled up to 4 bytes.
func describeSTUN(asked, answer []byte) (string, bool) {
	if len(answer) < 20 || len(asked) < 20 || !bytes.Equal(answer[4:20], asked[4:20]) {
		return "", false
	}
	switch binary.BigEndian.Uint16(answer) {
	case 0x0111:
		return "an error response", true
	case 0x0101:
	default:
		return "", false
	}
	for rest := answer[20:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if size > len(rest)-4 {
			break
		}
		if seen, ok := xorMapped(rest[4:4+size], answer[4:20]); ok && kind == 0x0020 {
			return "sees this machine as " + seen.String(), true
		}
		rest = rest[min(len(rest), 4+(size+3)&^3):]
	}
	return "a binding response without an address", true
}

// xorMapped reads XOR-MAPPED-ADDRESS, RFC 8489 section 14.2: a zero, the family,
// port and address, both of which mask is laid over.
func xorMapped(b, mask []byte) (netip.AddrPort, bool) {
	if len(b) != 8 && len(b) != 20 {
		return netip.AddrPort{}, false
	}
	raw := bytes.Clone(b[4:])
	for i := range raw {
		raw[i] ^= mask[i]
	}
	addr, _ := netip.AddrFromSlice(raw)
	if family := b[1]; (family == 1) != addr.Is4() || (family == 2) != addr.Is6() {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(b[2:]) ^ binary.BigEndian.Uint16(mask)
	return netip.AddrPortFrom(addr, port), true
}

// askMemcached asks for the version, after the header of datagrams: request
// identifier, number of this one, how many there are, and a zero, 2 bytes each.
func askMemcached(number uint64) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(number))
	return append(b, "\x00\x00\x00\x01\x00\x00version\r\n"...)
}

func describeMemcached(asked, answer []byte) (string, bool) {
	if len(answer) < 8 || len(asked) < 2 || !bytes.Equal(answer[:2], asked[:2]) {
		return "", false
	}
	version, ok := bytes.CutPrefix(bytes.TrimSuffix(answer[8:], []byte("\r\n")), []byte("VERSION "))
	return "version " + quoted(version, 32), ok
}

// askSSDP is a search to one host, UPnP Device Architecture 2.0 section 1.3.2.
func askSSDP(uint64) []byte {
	return []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nST: upnp:rootdevice\r\n\r\n")
}

func describeSSDP(_, answer []byte) (string, bool) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", false
	}
	resp.Body.Close()
	if resp.Header.Get("St") == "" && resp.Header.Get("Usn") == "" {
		return "", false
	}
	if server := resp.Header.Get("Server"); server != "" {
		return quoted([]byte(server), 80), true
	}
	return "a device", true
}
