// Package timestamp has the system's timestamps of datagrams (SO_TIMESTAMPING;
// timestamping.rst in Linux's documentation): of arrival, when the driver handed a
// datagram on, in a control message with it; of departure, when the driver got it, on the
// socket's error queue, for those that ask for it by a control message (Linux 4.6).
package timestamp

import "time"

// A Stamp is what a control message says.
type Stamp struct {
	At       time.Time // zero: not told
	ID       uint32    // of a datagram that left: they are numbered from 0 as they ask
	Departed bool      // it is of the error queue, and about the datagram ID
}

// ControlRoom is how many bytes the control messages with one datagram take: three
// timestamps, and on the error queue a report and an address.
const ControlRoom = 192
