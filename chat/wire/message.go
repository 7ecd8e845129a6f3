package wire

import "time"

// A Message is what somebody said in a room, as it is stored and shown.
type Message struct {
	Room   string
	Seq    uint64    // its place in the log, larger is later; 0 is not stored yet
	Time   time.Time // when it was stored, to the millisecond
	Name   string    // who said it, as they were called then
	Author string    // their public half, 12 hexadecimal digits
	ID     uint64    // their own number of it; Author and ID together are unique
	Kind   Kind
	Text   string // without control characters other than tab, valid UTF-8, at most MaxText bytes
}

// Kind says how a message was meant.
type Kind string

// The kinds. One that is not known is shown as Say.
const (
	Say Kind = "say"
	Me  Kind = "me" // /me: what somebody does
)

const (
	// MaxText is the length of the longest text of a message, in bytes.
	MaxText = 4096

	// MaxLine is the length of the longest line of the protocol, in bytes, its
	// end included.
	MaxLine = 8192

	// Window is how many posts a client may have sent and not acknowledged.
	Window = 256
)
