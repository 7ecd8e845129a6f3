package text

import "bytes"

// The bytes of telnet's commands, RFC 854.
const (
	telnetEOF  = 236 // the first command, RFC 1184
	telnetSE   = 240 // the end of a subnegotiation
	telnetSB   = 250 // and its start
	telnetWill = 251 // the first of WILL, WONT, DO and DONT, which an option follows
	telnetIAC  = 255
)

// StripTelnet takes the commands of telnet out of b, in place, and returns what
// is left. A command that b ends in the middle of is dropped, a subnegotiation up to its
// end; so is IAC IAC, which stands for a byte that no UTF-8 has.
func StripTelnet(b []byte) []byte {
	i := bytes.IndexByte(b, telnetIAC)
	if i < 0 {
		return b
	}
	out := b[:i]
	for i < len(b) {
		if b[i] == telnetIAC {
			i += commandSize(b[i:])
			continue
		}
		out = append(out, b[i])
		i++
	}
	return out
}

// commandSize returns how many bytes of b, which begins with IAC, are a
// command.
func commandSize(b []byte) int {
	switch {
	case len(b) == 1:
		return 1
	case b[1] == telnetIAC:
		return 2
	case b[1] >= telnetWill:
		return min(3, len(b))
	case b[1] == telnetSB:
		return subnegotiationSize(b)
	case b[1] >= telnetEOF:
		return 2
	}
	return 1 // no command: the byte after IAC is text
}

// subnegotiationSize returns how many bytes IAC SB ... IAC SE has; IAC IAC in it is
// a byte of its data.
func subnegotiationSize(b []byte) int {
	for i := 2; i+1 < len(b); i++ {
		if b[i] != telnetIAC {
			continue
		}
		if b[i+1] == telnetSE {
			return i + 2
		}
		i++
	}
	return len(b)
}
