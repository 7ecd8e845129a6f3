// Package ntp has the packets and timestamps of the network time protocol, version 4
// (RFC 5905) and those before it, and what an exchange of them says of two clocks.
package ntp

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Mode is what the sender of a packet takes part as (RFC 5905 figure 10).
type Mode uint8

const (
	Reserved         Mode = iota // in version 1: not told
	SymmetricActive              // asks a peer
	SymmetricPassive             // answers a peer
	Client                       // asks a server
	Server                       // answers a client
	Broadcast                    // tells everyone
	Control                      // asks or sets what a daemon does (mode 6)
	Private                      // the same, of one implementation (mode 7)
)

// The leap indicator: what happens at the end of the UTC day (RFC 5905 figure 9).
const (
	LeapNone    = 0
	LeapInsert  = 1 // its last minute has 61 seconds
	LeapDelete  = 2 // its last minute has 59 seconds
	LeapUnknown = 3 // the sender's clock is not synchronized
)

// PacketSize is the size of a packet without extension fields and authentication.
const PacketSize = 48

// MaxStratum is the stratum of what is not synchronized; servers have 1 to 15.
const MaxStratum = 16

// A Packet is the header of every NTP packet (RFC 5905 section 7.3). Integers are
// big-endian.
//
//	0  LI(2) VN(3) Mode(3)   16 reference timestamp
//	1  stratum               24 origin timestamp
//	2  poll                  32 receive timestamp
//	3  precision             40 transmit timestamp
//	4  root delay            48 extension fields, key and digest: see Parse
//	8  root dispersion
//	12 reference ID
type Packet struct {
	Leap           uint8 // 0 to 3
	Version        uint8 // 0 to 7
	Mode           Mode
	Stratum        uint8 // 0: see Kiss
	Poll           int8  // log2 of seconds
	Precision      int8  // log2 of seconds
	RootDelay      Short
	RootDispersion Short
	ReferenceID    ReferenceID
	Reference      Timestamp // when the clock was last set
	Origin         Timestamp // of an answer: the request's Transmit
	Receive        Timestamp // when the sender got what it answers
	Transmit       Timestamp // when the sender sent this
}

// ErrShort is what Parse says of fewer than PacketSize bytes.
var ErrShort = errors.New("ntp: a packet has at least 48 bytes")

// Parse reads the header of a packet. What follows it, extension fields and a digest,
// is not looked at.
func Parse(b []byte) (p Packet, err error) {
	if len(b) < PacketSize {
		return p, ErrShort
	}
	return Packet{
		Leap: b[0] >> 6, Version: b[0] >> 3 & 7, Mode: Mode(b[0] & 7),
		Stratum: b[1], Poll: int8(b[2]), Precision: int8(b[3]),
		RootDelay:      Short(binary.BigEndian.Uint32(b[4:])),
		RootDispersion: Short(binary.BigEndian.Uint32(b[8:])),
		ReferenceID:    ReferenceID(b[12:16]),
		Reference:      Timestamp(binary.BigEndian.Uint64(b[16:])),
		Origin:         Timestamp(binary.BigEndian.Uint64(b[24:])),
		Receive:        Timestamp(binary.BigEndian.Uint64(b[32:])),
		Transmit:       Timestamp(binary.BigEndian.Uint64(b[40:])),
	}, nil
}

// Append appends p to b, PacketSize bytes.
func (p *Packet) Append(b []byte) []byte {
	b = append(b, p.Leap<<6|p.Version&7<<3|uint8(p.Mode&7), p.Stratum, byte(p.Poll), byte(p.Precision))
	b = binary.BigEndian.AppendUint32(b, uint32(p.RootDelay))
	b = binary.BigEndian.AppendUint32(b, uint32(p.RootDispersion))
	b = append(b, p.ReferenceID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Reference))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Origin))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Receive))
	return binary.BigEndian.AppendUint64(b, uint64(p.Transmit))
}

// Kiss is the code of a kiss-o'-death (RFC 5905 section 7.4), such as RATE, or "".
func (p *Packet) Kiss() string {
	if p.Mode != Server || p.Stratum != 0 {
		return ""
	}
	return p.ReferenceID.code()
}

// A ReferenceID names what a server takes its time from: at stratum 0 and 1 up to four
// ASCII characters, filled up with zero bytes; above, the IPv4 address of its server,
// or the first four bytes of the MD5 of its IPv6 address.
type ReferenceID [4]byte

// ReferenceIDOf is the reference ID of a clock or a code, such as "LOCL" or "GPS".
func ReferenceIDOf(code string) (id ReferenceID, err error) {
	if len(code) == 0 || len(code) > len(id) {
		return id, fmt.Errorf("reference ID %q: want 1 to 4 characters", code)
	}
	for i := range len(code) {
		if code[i] < ' ' || code[i] > '~' {
			return ReferenceID{}, fmt.Errorf("reference ID %q: want ASCII characters", code)
		}
	}
	copy(id[:], code)
	return id, nil
}

// ReferenceIDOfAddr is the reference ID of those who follow the server at addr.
func ReferenceIDOfAddr(addr netip.Addr) ReferenceID {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.As4()
	}
	b := addr.As16()
	sum := md5.Sum(b[:])
	return ReferenceID(sum[:4])
}

// code is id as characters, what is none of them in hexadecimal.
func (id ReferenceID) code() string {
	n := len(id)
	for n > 0 && id[n-1] == 0 {
		n--
	}
	for _, c := range id[:n] {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("0x%02X%02X%02X%02X", id[0], id[1], id[2], id[3])
		}
	}
	return string(id[:n])
}

// Local is the reference ID of a clock that follows nothing, at any stratum.
var Local = ReferenceID{'L', 'O', 'C', 'L'}

// Text is id as people write it, at a stratum.
func (id ReferenceID) Text(stratum uint8) string {
	if stratum <= 1 || id == Local {
		return id.code()
	}
	return netip.AddrFrom4(id).String()
}

// Slack is by how much the Delay of an honest exchange may be negative, beside the errors of
// reading the clocks: one of them may be slewed meanwhile.
const Slack = 100 * time.Microsecond

// A Measurement is what one exchange says of two clocks (RFC 5905 section 8).
type Measurement struct {
	Offset time.Duration // the server's clock minus ours
	Delay  time.Duration // there and back, without the server's own time; may be negative by what the clocks cannot resolve
}

// Measure computes it of the four moments of an exchange: the request left at t1 and
// arrived at t2, the answer left at t3 and arrived at t4; t1 and t4 by our clock, t2 and
// t3 by the server's.
func Measure(t1, t2, t3, t4 time.Time) Measurement {
	there, back := t2.Sub(t1), t3.Sub(t4)
	return Measurement{
		Offset: there/2 + back/2 + (there%2+back%2)/2, // the sum may not fit
		Delay:  t4.Sub(t1) - t3.Sub(t2),
	}
}
