package probe

import (
	"net/netip"
	"time"
)

// State is what was found.
type State string

const (
	Open        State = "open"        // connected (and shaken hands, where there is a handshake)
	Answered    State = "answered"    // a datagram was answered; a host answered a ping
	Refused     State = "refused"     // a port is closed, and the system or the host said so
	TimedOut    State = "timed out"   // nothing came back: filtered, or the host is down
	Unreachable State = "unreachable" // a router or the system said that there is no way
	NoAnswer    State = "no answer"   // a datagram was sent and nothing came back: open or filtered
	Failed      State = "failed"      // anything else: a handshake, a name, a right that is missing
)

// A Result is what was found at one target.
type Result struct {
	Target  Target
	Round   int       // of Options.Watch, from 0
	At      time.Time // when it began
	Address string    // the numeric address that was tried, with its port; "" where none was

	State State
	Up    bool // Open or Answered, and with a certificate that verifies

	Err    error  // why it is not up, or nil
	Errno  string // the system's name for that, ECONNREFUSED, or ""
	Number int    // and its number, or 0

	// Time is how long it took to connect, to be refused, or to be answered.
	Time time.Duration

	Banner []byte // what the peer said first, at most 512 bytes
	Answer string // what a datagram's answer says, in words: "ntp: version 4, stratum 2"
	Asked  string // what was asked, in words: "an NTP request", "an empty datagram"

	TLS  *TLS  // of tls and wss, also when verification failed
	Ping *Ping // of icmp

	// Changed is whether State, or what is known of the certificate, differs
	// from the round before.
	Changed bool
	Before  State // of the round before, if it changed
}

// Ping is what a series of echo requests found.
type Ping struct {
	Sent, Received, Duplicates int
	Loss                       float64 // 0 to 1
	Min, Mean, Max, StdDev     time.Duration
	P50, P90, P99              time.Duration
	TTL                        int    // of the answers; 0 not known
	Method                     string // "unprivileged" or "raw"
	From                       netip.Addr
}
