package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"parley/clock/ntp"
)

// The small services.

func askNothing(uint64) []byte { return nil }

// askText is a line that says who asks.
func askText(number uint64) []byte { return append(word("probe-", number), '\n') }

// word is a prefix and the number in 16 hexadecimal digits.
func word(prefix string, number uint64) []byte {
	return hex.AppendEncode([]byte(prefix), binary.BigEndian.AppendUint64(nil, number))
}

func askEcho(number uint64) []byte { return word("", number) }

func describeEcho(asked, answer []byte) (string, bool) {
	return "the same bytes", bytes.Equal(asked, answer)
}

// describeChargen wants lines of 72 of the 95 printing characters, each going on
// where RFC 864 says: one further than the one before it.
func describeChargen(_, answer []byte) (string, bool) {
	line, _, found := bytes.Cut(answer, []byte("\r\n"))
	if !found || len(line) != 72 {
		return "", false
	}
	for i := range line {
		if line[i] < ' ' || line[i] > '~' || i > 0 && line[i] != ' '+(line[i-1]-' '+1)%95 {
			return "", false
		}
	}
	return "lines of characters, the first begins with " + quoted(line, 8), true
}

// timeOfDay is what every way of writing a daytime has in it.
var timeOfDay = regexp.MustCompile(`\b\d{1,2}:\d\d(:\d\d)?\b`)

// describeDaytime takes a line of text with a time in it: RFC 867 says nothing
// about its form.
func describeDaytime(_, answer []byte) (string, bool) {
	line := bytes.TrimRight(answer, "\r\n")
	return quoted(line, 64), isText(line) && timeOfDay.Match(line)
}

// isText reports whether b is printing ASCII.
func isText(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r > '~' })
}

// describeTime reads 32 bits of seconds since 1900 (RFC 868).
func describeTime(_, answer []byte) (string, bool) {
	if len(answer) != 4 {
		return "", false
	}
	return inWords(ntp.Timestamp(binary.BigEndian.Uint32(answer))<<32 | 1), true // 0 is a moment here
}

// describeAck knows the acknowledgement that is parley's default; one in other
// words could be anything.
func describeAck(_, answer []byte) (string, bool) {
	const reply = "tcpServer has received your message"
	return quoted(answer, 64), string(bytes.TrimRight(answer, "\r\n")) == reply
}

// describeStamp wants "[Fri Nov 20 20:14:03 2026] " and what was asked.
func describeStamp(asked, answer []byte) (string, bool) {
	stamp, rest, found := bytes.Cut(answer, []byte("] "))
	stamp, open := bytes.CutPrefix(stamp, []byte("["))
	if !found || !open || !bytes.Equal(bytes.TrimRight(rest, "\r\n"), bytes.TrimRight(asked, "\r\n")) {
		return "", false
	}
	_, err := time.Parse(time.ANSIC, string(stamp))
	return string(stamp), err == nil
}

// askTimesync asks for the number and the time.
func askTimesync(number uint64) []byte { return append(word("", number), " %Y-%m-%d %H:%M:%S"...) }

func describeTimesync(asked, answer []byte) (string, bool) {
	number, _, _ := bytes.Cut(asked, []byte(" "))
	back, when, found := bytes.Cut(bytes.TrimRight(answer, "\r\n"), []byte(" "))
	if !found || !bytes.Equal(number, back) {
		return "", false
	}
	_, err := time.Parse(time.DateTime, string(when))
	return string(when), err == nil && len(when) == len(time.DateTime)
}

// askChat is a line of a session that does not exist, which the server says: nobody
// has joined anything. Without the number, as the protocol has no room for it here.
func askChat(uint64) []byte { return []byte("QUIT\n") }

func describeChat(_, answer []byte) (string, bool) {
	line := string(bytes.TrimRight(answer, "\r\n"))
	return "parley's, without a session", strings.HasPrefix(line, "ERR - unproved :") && isText([]byte(line))
}
