package service

import (
	"bytes"
	"fmt"

	"parley"
)

// Ack notes every message and acknowledges it.
type Ack struct {
	// Reply is the acknowledgement; empty is "tcpServer has received your
	// message".
	Reply string
}

const ackReply = "tcpServer has received your message"

// Framing is parley.Text.
func (Ack) Framing() parley.Framing { return parley.Text }

// Serve notes msg and sends the reply.
func (a Ack) Serve(c *parley.Conn, msg []byte) error {
	noteSaid(c, msg)
	if a.Reply == "" {
		return c.Send([]byte(ackReply))
	}
	return c.Send([]byte(a.Reply))
}

func (Ack) String() string { return "ack" }

// noteSaid notes what the peer said, in the words of the tutorials.
func noteSaid(c *parley.Conn, msg []byte) {
	c.Note(fmt.Sprintf("[Client %s said]: %s", c.RemoteAddr(), trimEnd(msg)))
}

// trimEnd takes off the line end that telnet and line-wise clients send.
func trimEnd(msg []byte) []byte { return bytes.TrimRight(msg, "\r\n") }
