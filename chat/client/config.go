package client

import (
	"context"
	"net"
	"time"

	"parley/chat/wire"
)

// A Config says how a [Client] connects and what it is called. It is not
// modified after New, by either side.
type Config struct {
	// Dial opens a connection; the client closes it. It is called for each
	// attempt, one at a time. ctx ends when Run is to end. It is required.
	Dial func(ctx context.Context) (net.Conn, error)

	// Datagram says that the transport loses, repeats and reorders: lines are
	// repeated until they are answered. It implies Message.
	Datagram bool

	// Message says that the transport keeps message boundaries: each Write is
	// one line, and each Read gives one message, unless the conn has
	//	ReadMessage(buf []byte, max int) ([]byte, error)
	// as package transport's have, which is used then.
	Message bool

	// Name is what to be called; "" lets the server choose.
	Name string

	// Token is the secret by which the server knows the client again; "" makes
	// one. It is for one Client: another with the same token takes its place
	// at the server, and numbers its posts from 1 again.
	Token string

	// Rooms are joined from the start; Post without a room is to the first.
	// Empty is the room where people meet at the server.
	Rooms []string

	// Apart stays out of every room, so that nobody is told of somebody who only
	// reads history. Rooms is not heeded then.
	Apart bool

	// Past is how much history is asked for when a room is first joined: the
	// last Past messages; 0 is 50, negative none. Since, if it is not zero,
	// asks for what was stored since then instead.
	Past  int
	Since time.Time

	// Once ends Run at the first cut.
	Once bool

	// Linger bounds each step of the end: how long the server may take
	// to say BYE, and how long the user to read the last events. 0 is 2 s, negative
	// does not wait.
	Linger time.Duration
}

const (
	defaultPast   = 50
	defaultLinger = 2 * time.Second
)

// rooms are those to join from the start.
func (c *Config) rooms() []string {
	if c.Apart {
		return nil
	}
	return c.Rooms
}

func (c *Config) past() int {
	if c.Past == 0 {
		return defaultPast
	}
	return max(c.Past, 0)
}

func (c *Config) linger() time.Duration {
	if c.Linger == 0 {
		return defaultLinger
	}
	return max(c.Linger, 0)
}

func (c *Config) token() string {
	if c.Token == "" {
		return wire.NewToken()
	}
	return c.Token
}

// messages reports whether the transport keeps message boundaries.
func (c *Config) messages() bool { return c.Message || c.Datagram }
