package probe

import (
	"encoding/binary"
	"errors"
	"syscall"
)

// A message is an ICMP message, as far as it is about echo requests.
type message struct {
	kind    messageKind
	id, seq uint16
	data    []byte // of a reply
	report  error  // of a report: what it says
}

type messageKind uint8

const (
	echoReply  messageKind = iota + 1
	echoReport             // a router, or the host, says what became of a request
)

// The types of ICMP (RFC 792) and of ICMP for IPv6 (RFC 4443).
const (
	reply4, request4             = 0, 8
	unreachable4, exceeded4      = 3, 11
	parameter4, parameter6       = 12, 4
	reply6, request6             = 129, 128
	unreachable6, exceeded6      = 1, 3
	icmpHeader                   = 8
	ipv6Header                   = 40
	protocolICMP, protocolICMPv6 = 1, 58
)

// parseICMP reads an ICMP message; ok is false for one that is not about an echo
// request. The result's data is part of b.
func parseICMP(b []byte, six bool) (m message, ok bool) {
	if len(b) < icmpHeader {
		return m, false
	}
	kind, code, rest := int(b[0]), int(b[1]), b[icmpHeader:]
	if kind == reply4 && !six || kind == reply6 && six {
		return message{kind: echoReply, id: binary.BigEndian.Uint16(b[4:]), seq: binary.BigEndian.Uint16(b[6:]), data: rest}, true
	}
	report := reportOf(kind, code, six)
	switch {
	case report == nil:
		return m, false
	case six:
		m, ok = quoted6(rest)
	default:
		m, ok = quoted4(rest)
	}
	m.report = report
	return m, ok
}

// quoted4 reads the request that a report is about: the IPv4 packet that it quotes.
func quoted4(b []byte) (m message, ok bool) {
	rest, _, ok := stripIPv4(b)
	if !ok || b[9] != protocolICMP {
		return m, false
	}
	return quotedEcho(rest, request4)
}

// quoted6 reads the IPv6 packet, which has no extension headers: we send none.
func quoted6(b []byte) (m message, ok bool) {
	if len(b) < ipv6Header || b[0]>>4 != 6 || b[6] != protocolICMPv6 {
		return m, false
	}
	return quotedEcho(b[ipv6Header:], request6)
}

func quotedEcho(b []byte, kind byte) (m message, ok bool) {
	if len(b) < icmpHeader || b[0] != kind {
		return m, false
	}
	return message{kind: echoReport, id: binary.BigEndian.Uint16(b[4:]), seq: binary.BigEndian.Uint16(b[6:])}, true
}

var (
	errExceeded  = errors.New("time to live exceeded: the way is too long, or a circle")
	errParameter = errors.New("parameter problem: it does not understand the packet")
	errForbidden = worded(syscall.EHOSTUNREACH, "forbidden by an administrator")
)

// reportOf is what a message of that type and code says, as the system says it of
// connections; nil if it is no report that an answer will not come.
func reportOf(kind, code int, six bool) error {
	if six {
		return reportOf6(kind, code)
	}
	switch kind {
	case exceeded4:
		return errExceeded
	case parameter4:
		return errParameter
	case unreachable4:
		switch code {
		case 0, 6, 8, 11:
			return syscall.ENETUNREACH
		case 2:
			return syscall.ENOPROTOOPT
		case 4:
			return syscall.EMSGSIZE
		case 9, 10, 13:
			return errForbidden
		}
		return syscall.EHOSTUNREACH
	}
	return nil
}

func reportOf6(kind, code int) error {
	switch kind {
	case exceeded6:
		return errExceeded
	case parameter6:
		return errParameter
	case unreachable6:
		switch code {
		case 0:
			return syscall.ENETUNREACH
		case 1, 5, 6:
			return errForbidden
		}
		return syscall.EHOSTUNREACH
	}
	return nil
}

// appendEcho appends an echo request to b. The checksum of IPv6 is the system's to fill in
// (RFC 3542 section 3.1), as is that of unprivileged sockets.
func appendEcho(b []byte, e echoRequest, six bool) []byte {
	kind := byte(request4)
	if six {
		kind = request6
	}
	start := len(b)
	b = append(b, kind, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, e.id)
	b = binary.BigEndian.AppendUint16(b, e.seq)
	b = append(b, e.data...)
	if !six {
		binary.BigEndian.PutUint16(b[start+2:], checksum(b[start:]))
	}
	return b
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// stripIPv4 takes the header off a packet, as a raw socket has it.
func stripIPv4(b []byte) (payload []byte, ttl int, ok bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil, 0, false
	}
	header := int(b[0]&15) * 4
	if header < 20 || len(b) < header {
		return nil, 0, false
	}
	return b[header:], int(b[8]), true
}
