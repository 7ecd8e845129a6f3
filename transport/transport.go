// Package transport listens on endpoints and dials them.
//
// Every scheme of package endpoint gives the standard library's own types: a
// net.Listener and net.Conn for streams, a net.PacketConn for datagrams. What a
// scheme can do beyond that (half-close, handshakes, message boundaries) is an
// extra interface to be found by assertion: HalfCloser, Handshaker,
// MessageConn, Pinner. Peers makes a net.Listener of a datagram socket, whose
// peers are then accepted like those of a stream.
//
// # Options
//
// An endpoint's options are parsed and checked in full before anything is
// opened. An option that is unknown, or that belongs to another scheme or to
// the other direction, is an error and never ignored. The table is in
// options.go.
//
// # What the schemes mean
//
//   - tcp, tcp4, tcp6: a listener without a host, or on [::], holds both
//     families where the system lets it; 0.0.0.0 is IPv4 alone. Dialling a name
//     races its addresses as RFC 8305 says. Multipath TCP is off.
//   - udp, udp4, udp6: a listener is never connected and hears every peer. A
//     listener on a group address joins the group. A dialled socket is
//     connected, so that a refusal is seen; one that dials a group, or has
//     broadcast=1, is not, so that answers from any address are heard. A name
//     is dialled at its first IPv4 address, or else its first, as listening on
//     a name does: datagrams give no sign by which addresses could race.
//   - unix, unixgram, unixpacket: files with mode 0600 unless mode= says
//     otherwise, removed when the listener closes. A name with a leading '@' is
//     in Linux's abstract namespace. Dialling waits for room in a full backlog.
//   - tls, ws, wss: over tcp, with its options.
//   - ip: one raw IP protocol; needs a privilege on every system.
//   - fd: a descriptor the process was started with, which is taken over. It
//     can be dialled when it is connected.
//   - mem: in the process, for tests.
//
// Errors are *OpError, except those of Accept, Read and Write on the standard
// library's own types, which are what package net gives.
package transport

import (
	"context"
	"net"

	"parley/endpoint"
)

// A HalfCloser ends its sending direction and keeps receiving. The peer reads
// io.EOF. TCP, Unix, TLS, unixpacket and in-memory connections are
// HalfClosers; WebSocket connections are not, their close ends both directions.
type HalfCloser interface {
	CloseWrite() error
}

// A Handshaker is an accepted connection whose handshake has not been run:
// Accept returns it at once, so that a slow peer cannot delay others.
// HandshakeContext runs the handshake, bounded by ctx; Read and Write run it
// when it has not been run. Calls after the first return the same result.
type Handshaker interface {
	HandshakeContext(ctx context.Context) error
}

// A MessageConn keeps message boundaries: every Write sends one message.
type MessageConn interface {
	net.Conn

	// ReadMessage appends one whole message to buf and returns the extended
	// slice. A message of more than max bytes is an error matching
	// ErrMessageTooLong. When the peer has ended in order the error is io.EOF.
	ReadMessage(buf []byte, max int) ([]byte, error)
}

// A Pinner is a listener with a key that a client can pin. Pin returns
// "sha256:" and the 64 hex digits of the SHA-256 of the leaf certificate's
// SubjectPublicKeyInfo, as the dial option pin= takes it.
type Pinner interface {
	Pin() string
}

// Listen opens e for streams and returns its listener, which the caller closes.
// A datagram scheme is an error; see ListenPacket and Open. ctx bounds the
// lookup of names, not the listener's life.
//
// When a host name has several addresses the first IPv4 address is used, as
// package net does, or else the first.
//
// Errors to test for: syscall.EADDRINUSE, syscall.EACCES, *OptionError.
func Listen(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	ln, _, err := open(ctx, e, streams)
	return ln, err
}

// ListenPacket opens e for datagrams. A stream scheme is an error. The rest is
// as for Listen.
func ListenPacket(ctx context.Context, e endpoint.Endpoint) (net.PacketConn, error) {
	_, pc, err := open(ctx, e, datagrams)
	return pc, err
}

// Open listens on e, whatever its scheme is (for fd: whatever the descriptor
// is). On success exactly one of the two results is not nil, and the caller
// closes it. The rest is as for Listen.
func Open(ctx context.Context, e endpoint.Endpoint) (net.Listener, net.PacketConn, error) {
	return open(ctx, e, streams|datagrams)
}

// Dial connects to e. ctx and the option connect= bound everything up to the
// connected state, lookups and handshakes included; without connect= (or with
// connect=0) the limits are those of ctx and of the system, which for TCP is
// minutes. On a datagram scheme every Write sends one datagram and every Read
// returns one.
//
// Errors to test for: syscall.ECONNREFUSED, *net.DNSError (by errors.As),
// os.ErrDeadlineExceeded when connect= has run out, *OptionError.
func Dial(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return dial(ctx, e)
}

// CheckListen reports what Listen, ListenPacket or Open would say of e's
// options: every one is known, belongs to the scheme and to listening, and
// parses. It opens nothing and looks nothing up. The error wraps an
// *OptionError.
func CheckListen(e endpoint.Endpoint) error {
	return opError("listen", e, check(e, listening))
}

// CheckDial is CheckListen for dialling.
func CheckDial(e endpoint.Endpoint) error {
	return opError("dial", e, check(e, dialling))
}
