package service

import "parley"

// Echo answers every message with itself (RFC 862).
type Echo struct{}

// Serve sends msg back.
func (Echo) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }

func (Echo) String() string { return "echo" }
