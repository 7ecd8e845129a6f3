// Package parley serves and dials every conversation that two programs can have
// over a socket: TCP, UDP, Unix, TLS, WebSocket, raw IP, and memory for tests.
//
// It has four ideas. An endpoint is a string that names where:
// "tcp://127.0.0.1:7", "unix:/run/echo.sock?mode=0660" (package
// [parley/endpoint]). A transport listens on it or dials it, and gives the
// standard library's own types (package [parley/transport]). A [Service] answers
// messages; a [Framing] cuts them from a stream. A [Server] accepts, limits,
// counts and drains, feeds what arrives to the service, and writes what it sends.
//
// A server of one service in a few lines:
//
//	echo := parley.ServiceFunc(func(c *parley.Conn, msg []byte) error {
//		return c.Send(msg)
//	})
//	err := parley.Serve(ctx, echo, "tcp://127.0.0.1:7007", "udp://127.0.0.1:7007")
//
// The path of a message, the states of a session and what holds at every moment
// are in doc/design.md.
package parley
