package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// askQUIC is a packet with a long header of a version that nobody speaks, one of
// those that RFC 9000 section 15 keeps for this: a server answers with the versions
// it does speak. It is as long as a first packet has to be (section 14.1).
func askQUIC(number uint64) []byte {
	b := []byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a}
	b = append(b, 8) // the destination's connection ID
	b = binary.BigEndian.AppendUint64(b, number)
	b = append(b, 8) // and ours
	b = binary.BigEndian.AppendUint64(b, ^number)
	return append(b, make([]byte, 1200-len(b))...)
}

// describeQUIC reads a Version Negotiation packet, RFC 9000 section 17.2.1:
//
//	0 the highest bit is set
//	1 version 0 (4 bytes)
//	5 length and bytes of the destination's connection ID, which is our own
//	  length and bytes of the source's, which is what we sent to
//	  versions (4 bytes each)
func describeQUIC(asked, answer []byte) (string, bool) {
	if len(asked) < 23 || len(answer) < 23+4 || answer[0]&0x80 == 0 || !bytes.Equal(answer[1:5], make([]byte, 4)) {
		return "", false
	}
	ids, versions := answer[5:23], answer[23:]
	if !bytes.Equal(ids[:9], asked[14:23]) || !bytes.Equal(ids[9:], asked[5:14]) || len(versions)%4 != 0 {
		return "", false
	}
	var names []string
	for ; len(versions) > 0 && len(names) < 16; versions = versions[4:] {
		names = append(names, quicVersion(binary.BigEndian.Uint32(versions)))
	}
	return "versions " + strings.Join(names, ", "), true
}

func quicVersion(v uint32) string {
	switch {
	case v == 1:
		return "1"
	case v == 0x6b3343cf: // RFC 9369
		return "2"
	case v>>8 == 0xff0000:
		return fmt.Sprintf("draft %d", v&0xff)
	}
	return fmt.Sprintf("0x%08x", v)
}
