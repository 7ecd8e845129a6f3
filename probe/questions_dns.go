package probe

import (
	"encoding/binary"
	"fmt"
)

// askDNS asks for the name servers of the root (RFC 1035 section 4.1), which every
// server that answers anybody knows; with recursion desired, for those that only
// pass on.
func askDNS(number uint64) []byte {
	return appendQuestion(number, 1<<8, "", 2, 1)
}

// askMDNS asks for the types of services (RFC 6763 section 9). From a port other
// than 5353 it is answered by unicast, as RFC 6762 section 6.7 says.
func askMDNS(number uint64) []byte {
	return appendQuestion(number, 0, "\x09_services\x07_dns-sd\x04_udp\x05local", 12, 1)
}

// appendQuestion makes a query of one question. name is labels, each after its
// length.
func appendQuestion(number uint64, flags uint16, name string, qtype, class uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(number))
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0) // one question, nothing else
	b = append(append(b, name...), 0)
	b = binary.BigEndian.AppendUint16(b, qtype)
	return binary.BigEndian.AppendUint16(b, class)
}

// rcodes are the words for how a query ended, RFC 1035 section 4.1.1.
var rcodes = []string{"no error", "a format error", "a server failure", "no such name", "not implemented", "refused"}

// describeDNS reads the header of a response:
//
//	0 identifier (2 bytes)
//	2 response (1 bit), opcode (4), authoritative, truncated, recursion desired
//	3 recursion available, three bits, response code (4 bits)
//	6 answers (2), authorities (2), additional records (2)
func describeDNS(asked, answer []byte) (string, bool) {
	if len(answer) < 12 || len(asked) < 2 || answer[0] != asked[0] || answer[1] != asked[1] || answer[2]&0xf8 != 0x80 {
		return "", false
	}
	rcode := int(answer[3] & 0xf)
	words := fmt.Sprintf("response code %d", rcode)
	if rcode < len(rcodes) {
		words = rcodes[rcode]
	}
	if answers := binary.BigEndian.Uint16(answer[6:]); rcode == 0 {
		words += fmt.Sprintf(", %s", counted(int(answers), "answer"))
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{
		{answer[2]&4 != 0, "authoritative"},
		{answer[2]&2 != 0, "truncated"},
		{answer[3]&0x80 != 0, "recursion available"},
	} {
		if flag.set {
			words += ", " + flag.word
		}
	}
	return words, true
}

// counted is a number of things.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
