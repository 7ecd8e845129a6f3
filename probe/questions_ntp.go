package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// askNTP is a client's request of NTP version 4, RFC 5905 section 7.3. The
// transmit time is a number: only the server's echo of it counts.
func askNTP(number uint64) []byte {
	b := make([]byte, 48)
	b[0] = 4<<3 | 3 // version 4, mode 3: client
	binary.BigEndian.PutUint64(b[40:], number)
	return b
}

// describeNTP reads an answer of NTP:
//
//	 0 leap indicator (2 bits), version (3), mode (3)
//	 1 stratum
//	12 reference identifier (4 bytes)
//	24 origin timestamp (8)
//	40 transmit timestamp (8)
func describeNTP(asked, answer []byte) (string, bool) {
	if len(answer) < 48 || len(asked) < 48 || answer[0]&7 != 4 || string(answer[24:32]) != string(asked[40:48]) {
		return "", false
	}
	leap, version, stratum, id := answer[0]>>6, answer[0]>>3&7, answer[1], answer[12:16]
	words := fmt.Sprintf("version %d, ", version)
	switch {
	case stratum == 0:
		return words + "refuses to serve: " + quoted(trimZeros(id), 4), true
	case stratum >= 16 || leap == 3:
		return words + fmt.Sprintf("stratum %d, not synchronized", stratum), true
	case stratum == 1:
		words += "stratum 1, of " + quoted(trimZeros(id), 4)
	default:
		// For IPv6 the identifier is a hash; nothing tells it from an address.
		words += fmt.Sprintf("stratum %d, reference %s", stratum, netip.AddrFrom4([4]byte(id)))
	}
	seconds := binary.BigEndian.Uint32(answer[40:])
	return words + ", " + since1900(seconds).Format("2006-01-02 15:04:05 UTC"), true
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
