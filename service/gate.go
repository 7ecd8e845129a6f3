package service

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"parley"
)

// Gate takes one message: the secret is welcomed, anything else is sent away.
// A line end after it does not count. It ends after either, and after a silence.
type Gate struct {
	// Secret is what opens the gate; empty is "1". It must not end in a line
	// end, since none counts.
	Secret string

	// Wait is how long the peer may be silent. Zero is 5 s, negative is as
	// long as the server allows.
	Wait time.Duration
}

const (
	gateSecret  = "1"
	gateWait    = 5 * time.Second
	gateWelcome = "welcome to server!"
	gateRefusal = "please go out!"
)

// Framing is parley.Text.
func (Gate) Framing() parley.Framing { return parley.Text }

// Open starts the wait.
func (g Gate) Open(c *parley.Conn) error {
	if wait := g.wait(); wait > 0 {
		c.SetIdle(wait)
	}
	return nil
}

func (g Gate) wait() time.Duration {
	if g.Wait == 0 {
		return gateWait
	}
	return g.Wait
}

// Serve judges msg and ends.
func (g Gate) Serve(c *parley.Conn, msg []byte) error {
	secret := g.Secret
	if secret == "" {
		secret = gateSecret
	}
	verdict, text := "refused", gateRefusal
	if subtle.ConstantTimeCompare(trimEnd(msg), []byte(secret)) == 1 {
		verdict, text = "welcomed", gateWelcome
	}
	c.Note(fmt.Sprintf("[Client %s %s]", c.RemoteAddr(), verdict))
	err := c.Send([]byte(text))
	c.End()
	return err
}

// Closed notes a silence.
func (g Gate) Closed(c *parley.Conn, err error) {
	if errors.Is(err, parley.ErrIdle) {
		c.Note(fmt.Sprintf("[Client %s timeout]", c.RemoteAddr()))
	}
}

func (Gate) String() string { return "gate" }
