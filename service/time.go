package service

import (
	"encoding/binary"
	"time"

	"parley"
)

// Time tells the time as 32 bits, big-endian: the seconds since 1900 UTC
// (RFC 868), modulo 2^32, so that it starts again in February 2036. It speaks as
// [Daytime] does.
type Time struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// unixEpoch is 1970 in seconds since 1900 (RFC 868).
const unixEpoch = 2208988800

// Open speaks first.
func (t Time) Open(c *parley.Conn) error {
	seconds := uint32(now(t.Now).Unix() + unixEpoch)
	if err := c.Send(binary.BigEndian.AppendUint32(nil, seconds)); err != nil {
		return err
	}
	c.End()
	return nil
}

// Serve does nothing: Open has answered.
func (Time) Serve(*parley.Conn, []byte) error { return nil }

func (Time) String() string { return "time" }
