package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// NTP is the exchange of service ntp: a request of a client of version 4 (RFC 5905),
// and the server's answer to it, of which the header is checked. The transmit timestamp of a
// request is a number made of session and message, which tells nothing about this
// machine's clock; the answer has it as its origin.
func NTP(c Content) (Exchange, error) {
	if len(c.Messages) > 0 {
		return nil, errors.New("ntp: messages cannot be given: want none")
	}
	if c.Size != 0 && c.Size != ntpSize {
		return nil, fmt.Errorf("ntp: size %d: a request is %d bytes", c.Size, ntpSize)
	}
	return ntp{seed: c.Seed}, nil
}

// The NTP header (RFC 5905, section 7.3), big-endian. ntpSize is its length in bytes.
//
//	offset  bytes
//	     0      1  leap indicator (2 bits), version (3), mode (3)
//	     1      1  stratum; 0 is a kiss-o'-death, which the reference ID names
//	    12      4  reference ID
//	    24      8  origin timestamp: the request's transmit timestamp
//	    40      8  transmit timestamp
const (
	ntpStratum   = 1
	ntpReference = 12
	ntpOrigin    = 24
	ntpTransmit  = 40
	ntpSize      = 48

	ntpVersion = 4
	ntpClient  = 3
	ntpServer  = 4
)

type ntp struct{ seed uint64 }

func (n ntp) Append(dst []byte, session int, seq uint64) []byte {
	dst = append(dst, make([]byte, ntpTransmit)...)
	dst[len(dst)-ntpTransmit] = ntpVersion<<3 | ntpClient
	return binary.BigEndian.AppendUint64(dst, n.transmit(session, seq))
}

func (ntp) Size(uint64) int       { return ntpSize }
func (ntp) AnswerSize(uint64) int { return ntpSize }

// Numbers become timestamps by a multiplication that has an inverse modulo 2^64.
const (
	ntpFactor  = 0x9e3779b97f4a7c15
	ntpInverse = 0xf1de83e19937733d
)

func (n ntp) transmit(session int, seq uint64) uint64 {
	return (seq + n.first(session)) * ntpFactor
}

// first is what is added to the numbers of a session, so that those of different
// sessions are far apart. It is the mixer of SplitMix64.
func (n ntp) first(session int) uint64 {
	x := n.seed + (uint64(session)+1)*ntpFactor
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (n ntp) Check(answer []byte, session int, seq uint64) error {
	if len(answer) < ntpSize {
		return fmt.Errorf("%d bytes, want at least %d", len(answer), ntpSize)
	}
	version, mode := answer[0]>>3&7, answer[0]&7
	origin, want := binary.BigEndian.Uint64(answer[ntpOrigin:]), n.transmit(session, seq)
	switch {
	case mode != ntpServer:
		return fmt.Errorf("mode %d, want %d (server)", mode, ntpServer)
	case version != ntpVersion:
		return fmt.Errorf("version %d, want %d", version, ntpVersion)
	case origin != want:
		return fmt.Errorf("origin timestamp %#016x, want that of the request, %#016x", origin, want)
	case answer[ntpStratum] == 0:
		return fmt.Errorf("kiss-o'-death %q, want the time", answer[ntpReference:ntpReference+4])
	case binary.BigEndian.Uint64(answer[ntpTransmit:]) == 0:
		return errors.New("transmit timestamp 0, want the time")
	}
	return nil
}

func (n ntp) Number(answer []byte, session int, _ uint64) (uint64, bool) {
	if len(answer) < ntpSize {
		return 0, false
	}
	return binary.BigEndian.Uint64(answer[ntpOrigin:])*ntpInverse - n.first(session), true
}

func (ntp) String() string { return "ntp" }
