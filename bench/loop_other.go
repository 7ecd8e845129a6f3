//go:build !linux || parleyportable

package bench

import "errors"

// loopable reports whether the event loop can drive a transport. There is none here:
// goroutines drive all of them, for several times the processor time a message.
func loopable(string) bool { return false }

func newLoop(*worker) (driver, error) { return nil, errors.New("no event loop on this system") }
