// Package chat serves rooms: who is there, what is said, and what was said
// before, the same for a person at telnet, a bare socket program, a browser, and
// parley's own client, over every transport.
//
// A [Hub] is a [parley.Service]. It keeps its messages in a [Log]: [Memory] in
// this process, or package parley/chat/jetstream on disk and in a cluster. A message
// is shown to others only when the log has it, and the order of the log is the order
// in which everybody sees it. Hubs on the same log share rooms; with a
// [Directory] they share names and presence too.
//
// The way of a message:
//
//	line ── Serve ── Log.Append ──> stored ──┬─> acknowledged to who posted it
//	                                         └─> Log.Follow ── room ── Conn.Send to each member
//
// The protocol between server and client is package parley/chat/wire, and
// specified in doc/wire.md; the client is package parley/chat/client.
package chat
