package probe

import (
	"fmt"
	"time"

	"parley/clock/ntp"
)

// askNTP is a client's request of NTP version 4, RFC 5905 section 7.3. The
// transmit time is a number: only the server's echo of it counts.
func askNTP(number uint64) []byte {
	p := ntp.Packet{Version: 4, Mode: ntp.Client, Transmit: ntp.Timestamp(number)}
	return p.Append(nil)
}

// describeNTP reads an answer of NTP.
func describeNTP(asked, answer []byte) (string, bool) {
	request, err := ntp.Parse(asked)
	if err != nil {
		return "", false
	}
	p, err := ntp.Parse(answer)
	if err != nil || p.Mode != ntp.Server || p.Origin != request.Transmit {
		return "", false
	}
	words := fmt.Sprintf("version %d, ", p.Version)
	switch {
	case p.Stratum == 0:
		return words + fmt.Sprintf("refuses to serve: %q", p.Kiss()), true
	case p.Stratum >= ntp.MaxStratum || p.Leap == ntp.LeapUnknown:
		return words + fmt.Sprintf("stratum %d, not synchronized", p.Stratum), true
	case p.Stratum == 1:
		words += fmt.Sprintf("stratum 1, of %q", p.ReferenceID.Text(1))
	default:
		words += fmt.Sprintf("stratum %d, reference %s", p.Stratum, p.ReferenceID.Text(p.Stratum))
	}
	return words + ", " + inWords(p.Transmit), true
}

// inWords takes the time nearest to 2036, where the seconds begin anew: from 1968 to
// 2104, as RFC 4330 section 3 has it.
func inWords(t ntp.Timestamp) string {
	return t.Time(time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC)).Format("2006-01-02 15:04:05 UTC")
}
