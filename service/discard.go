package service

import "parley"

// Discard throws away what it gets and answers nothing (RFC 863).
type Discard struct{}

// Serve does nothing.
func (Discard) Serve(*parley.Conn, []byte) error { return nil }

// LoopFree reports true: discard never answers.
func (Discard) LoopFree() bool { return true }

func (Discard) String() string { return "discard" }
