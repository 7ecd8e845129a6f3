package service

import (
	"time"

	"parley"
)

// Stamp answers every message with itself after the time: "[Fri Nov 20
// 20:14:03 2026] DATA", in the layout of C's ctime and local time, until the peer
// ends.
type Stamp struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Framing is parley.Text.
func (Stamp) Framing() parley.Framing { return parley.Text }

// Serve sends msg back, stamped.
func (s Stamp) Serve(c *parley.Conn, msg []byte) error {
	const stampSize = len("[" + time.ANSIC + "] ")
	b := make([]byte, 0, stampSize+len(msg))
	b = now(s.Now).AppendFormat(append(b, '['), time.ANSIC)
	b = append(b, "] "...)
	return c.Send(append(b, msg...))
}

func (Stamp) String() string { return "stamp" }
