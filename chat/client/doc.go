// Package client is a chat client: it speaks the protocol of doc/wire.md over
// any connection, comes back after a cut, and shows each message once and in
// order, and has each of its own stored once, whatever was lost or repeated on the way.
//
// A [Client] is made by [New] and lives while [Client.Run] runs. What
// happens comes out of [Client.Events]; what the user wants goes in by the other methods,
// none of which waits for the network unless it says so.
//
//	user ── Post, Join ... ──> session (pure) ──lines──> writer ──> conn
//	user <── Events <── pump <──events── session (pure) <──lines── reader <── conn
//
// The session knows the protocol and does no I/O: it is told the time, what was
// received, and what the user wants, and leaves lines to send and events.
//
// Who does not read the events stops the reading of the network, after some
// hundred: the server then keeps what it can and leaves out the rest, and
// the client asks for that again. Posting goes on.
package client
