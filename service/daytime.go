package service

import (
	"time"

	"parley"
)

// Daytime tells the date and time in words (RFC 867) and ends: on a stream at
// once, without waiting for a message; to a datagram, whatever is in it.
type Daytime struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// daytimeLayout is RFC 867's first suggested syntax, weekday, month day, year,
// time-zone, in the order of its example.
const daytimeLayout = "Monday, January 2, 2006 15:04:05-MST"

// Open speaks first.
func (d Daytime) Open(c *parley.Conn) error {
	if err := c.Send(d.line()); err != nil {
		return err
	}
	c.End()
	return nil
}

// Serve does nothing: Open has answered.
func (Daytime) Serve(*parley.Conn, []byte) error { return nil }

func (Daytime) String() string { return "daytime" }

func (d Daytime) line() []byte {
	return append(now(d.Now).AppendFormat(nil, daytimeLayout), "\r\n"...)
}
