// Package probe looks at endpoints and says exactly what is there: whether a port
// is open, what the system says if it is not, how long it took to connect, what the
// peer says first, what a datagram service answers, what a TLS server presents, and
// how far a host is.
//
// A [Target] is one place to look at; [Parse] reads one text into as many as it
// names, since a port may be a list of ranges. [Run] looks at them, several at
// once, and gives a [Result] for each as it comes.
//
// Nothing is claimed without proof. A UDP port that does not answer is "no answer",
// which may be an open port, a filtered one, or a lost datagram; it is never "open".
// Many systems send few ICMP messages (Linux about one a second to each host), so
// that in a range of closed UDP ports most do not answer unless Options.Rate is low.
// A TCP port that a filter refuses with a reset, or with ICMP's port unreachable,
// cannot be told from one that is closed.
package probe
