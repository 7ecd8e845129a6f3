// Package bench puts load on an endpoint and measures it.
//
// A [Load] says what to do: how many sessions, what each says (an [Exchange],
// whose answers are checked), and when. [Run] does it and returns a [Report].
//
// There are two kinds of load. In a closed loop each session has Depth messages
// under way, and an answer lets the next one go: it measures what the endpoint can
// do. In an open loop messages are intended for moments that a schedule names,
// Rate in a second, whether the endpoint keeps up or not: it measures what users
// would see. There the latency of a message is counted from the moment it was
// intended for, not from when it could be sent, so that a server that stalls is
// charged for every message that it kept waiting.
//
// Two further modes measure sessions instead of messages: [Connects] opens and
// closes them as fast as it can, [Holds] opens many and keeps them.
//
// # The way of a message
//
//	schedule or answer -> session.due -> session.next -> socket
//	                                                       |
//	tally (histogram, counters) <- session.received <------+
//
// A session is pure: it knows sequence numbers, intended times and what an answer
// has to be, and does no I/O. Drivers move its bytes: on Linux an event loop for
// each worker, on plain sockets; elsewhere, and for TLS and WebSocket, goroutines.
// Each worker owns a tally, and gives it away once an interval; nothing on the path
// of a message locks or allocates.
//
// Times inside are nanoseconds since the run began, by the monotonic clock.
package bench
