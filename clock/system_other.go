//go:build !linux

package clock

import (
	"fmt"
	"runtime"
	"time"
)

// The clock is only read on this system: every call that would set it is an error that
// matches ErrReadOnly.

func readOnly() error { return fmt.Errorf("%w: not on %s", ErrReadOnly, runtime.GOOS) }

// CanSet reports that the clock cannot be set.
func (System) CanSet() error { return readOnly() }

// Frequency is not known.
func (System) Frequency() (float64, error) { return 0, readOnly() }

// Step does nothing.
func (System) Step(time.Duration) error { return readOnly() }

// Adjust does nothing.
func (System) Adjust(float64) error { return readOnly() }

// Announce does nothing.
func (System) Announce(Status) error { return readOnly() }
