package service

import "parley"

// Greet speaks first, notes one message, and ends.
type Greet struct {
	// Text is the greeting; empty is "byebye".
	Text string
}

const greetText = "byebye"

// Framing is parley.Text.
func (Greet) Framing() parley.Framing { return parley.Text }

// Open greets.
func (g Greet) Open(c *parley.Conn) error {
	if g.Text == "" {
		return c.Send([]byte(greetText))
	}
	return c.Send([]byte(g.Text))
}

// Serve notes msg and ends.
func (Greet) Serve(c *parley.Conn, msg []byte) error {
	noteSaid(c, msg)
	c.End()
	return nil
}

func (Greet) String() string { return "greet" }
