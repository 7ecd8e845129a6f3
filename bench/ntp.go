package bench

import (
	"errors"
	"fmt"

	"parley/clock/ntp"
)

// NTP is the exchange of service ntp: a request of a client of version 4 (RFC 5905),
// and the server's answer to it, of which the header is checked. The transmit timestamp of a
// request is a number made of session and message, which tells nothing about this
// machine's clock; the answer has it as its origin.
func NTP(c Content) (Exchange, error) {
	if len(c.Messages) > 0 {
		return nil, errors.New("ntp: messages cannot be given: want none")
	}
	if c.Size != 0 && c.Size != ntp.PacketSize {
		return nil, fmt.Errorf("ntp: size %d: a request is %d bytes", c.Size, ntp.PacketSize)
	}
	return ntpExchange{seed: c.Seed}, nil
}

type ntpExchange struct{ seed uint64 }

func (n ntpExchange) Append(dst []byte, session int, seq uint64) []byte {
	p := ntp.Packet{Version: ntpVersion, Mode: ntp.Client, Transmit: n.transmit(session, seq)}
	return p.Append(dst)
}

func (ntpExchange) Size(uint64) int       { return ntp.PacketSize }
func (ntpExchange) AnswerSize(uint64) int { return ntp.PacketSize }

// ntpVersion is that which is asked in, and has to be answered in.
const ntpVersion = 4

// Numbers become timestamps by a multiplication that has an inverse modulo 2^64.
const (
	ntpFactor  = 0x9e3779b97f4a7c15
	ntpInverse = 0xf1de83e19937733d
)

func (n ntpExchange) transmit(session int, seq uint64) ntp.Timestamp {
	return ntp.Timestamp((seq + n.first(session)) * ntpFactor)
}

// first is what is added to the numbers of a session, so that those of different
// sessions are far apart. It is the mixer of SplitMix64.
func (n ntpExchange) first(session int) uint64 {
	x := n.seed + (uint64(session)+1)*ntpFactor
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (n ntpExchange) Check(answer []byte, session int, seq uint64) error {
	p, err := ntp.Parse(answer)
	if err != nil {
		return fmt.Errorf("%d bytes, want at least %d", len(answer), ntp.PacketSize)
	}
	want := n.transmit(session, seq)
	switch {
	case p.Mode != ntp.Server:
		return fmt.Errorf("mode %d, want %d (server)", p.Mode, ntp.Server)
	case p.Version != ntpVersion:
		return fmt.Errorf("version %d, want %d", p.Version, ntpVersion)
	case p.Origin != want:
		return fmt.Errorf("origin timestamp %#016x, want that of the request, %#016x", uint64(p.Origin), uint64(want))
	case p.Stratum == 0:
		return fmt.Errorf("kiss-o'-death %q, want the time", p.Kiss())
	case p.Transmit == 0:
		return errors.New("transmit timestamp 0, want the time")
	}
	return nil
}

func (n ntpExchange) Number(answer []byte, session int, _ uint64) (uint64, bool) {
	p, err := ntp.Parse(answer)
	return uint64(p.Origin)*ntpInverse - n.first(session), err == nil
}

func (ntpExchange) String() string { return "ntp" }
