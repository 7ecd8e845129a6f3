// Package wire is the protocol between a chat server and its clients: lines of
// words, parsed and appended, without I/O. doc/wire.md specifies it.
//
// [ParseLine] reads any line; the methods of [Line] take its words apart.
// A [Message] has its own form, since messages are most of what is sent.
package wire
