package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"syscall"
	"unicode/utf8"

	coder "github.com/coder/websocket"
)

// Write sends p as one message; an empty p is an empty message. After the peer's
// Close, or ErrMessageTooLong, its error matches syscall.EPIPE.
func (c *wsConn) Write(p []byte) (int, error) {
	if err := c.unwritable(); err != nil {
		return 0, err
	}
	if err := c.HandshakeContext(context.Background()); err != nil {
		return 0, err
	}
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if err := c.unwritable(); err != nil {
		return 0, err
	}
	if err := c.out.flush(); err != nil { // the rest of the message before
		return 0, c.writeError(err)
	}
	if err := c.addMessage(p); err != nil {
		return 0, c.writeError(err)
	}
	if err := c.out.flush(); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return len(p), c.opError("write", err)
		}
		return 0, c.writeError(err)
	}
	return len(p), nil
}

// unwritable is why nothing can be written now.
func (c *wsConn) unwritable() error {
	switch {
	case c.isClosed():
		return c.opError("write", net.ErrClosed)
	case c.out.expired():
		return c.opError("write", os.ErrDeadlineExceeded)
	}
	return nil
}

// addMessage makes p pending as one frame. It does not wait for the peer, and so
// the library never holds its lock for long, which it needs to answer a Close
// and gives up the connection when it does not get in five seconds.
func (c *wsConn) addMessage(p []byte) error {
	kind := coder.MessageBinary
	if !c.peerBinary.Load() && utf8.Valid(p) {
		kind = coder.MessageText
	}
	c.out.cork()
	defer c.out.uncork()
	c.frames.Lock()
	defer c.frames.Unlock()
	return c.ws.Load().Write(context.Background(), kind, p)
}

// writeError is the error of a write for an error of the library or of the
// underlying connection.
func (c *wsConn) writeError(err error) error {
	var op *net.OpError
	switch {
	case c.isClosed():
		err = net.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, net.ErrClosed): // the library has closed: the peer has, or was told an error
		err = os.NewSyscallError("write", syscall.EPIPE)
	case errors.As(err, &op):
		c.spoiled.Store(true)
		err = op
	default:
		c.spoiled.Store(true)
	}
	return c.opError("write", err)
}

// wsPongs is how many answers to pings may wait for a peer that does not read.
// It gets none for those beyond.
const wsPongs = 256

// ping answers a ping, and stops the library from doing so, since that would
// wait for a Write that is under way and give up the connection after five
// seconds. It is called by readLoop.
func (c *wsConn) ping(_ context.Context, payload []byte) bool {
	if c.addPong(payload) {
		c.out.tryFlush() // an error shows in the next write
	}
	return false
}

func (c *wsConn) addPong(payload []byte) bool {
	c.out.cork()
	defer c.out.uncork()
	c.frames.Lock()
	defer c.frames.Unlock()
	if c.out.pending() == 0 {
		c.pongs = 0
	}
	if c.pongs == wsPongs {
		return false
	}
	c.pongs++
	c.out.Write(appendPong(nil, payload, c.server == nil))
	return true
}

// appendPong appends a Pong frame (RFC 6455, section 5.5.3) with at most 125
// bytes of payload; a client masks it (section 5.3).
func appendPong(b, payload []byte, client bool) []byte {
	const fin, pong, masked = 0x80, 0xa, 0x80
	if !client {
		return append(append(b, fin|pong, byte(len(payload))), payload...)
	}
	var key [4]byte
	rand.Read(key[:])
	b = append(b, fin|pong, masked|byte(len(payload)))
	b = append(b, key[:]...)
	for i, x := range payload {
		b = append(b, x^key[i%4])
	}
	return b
}
