package clock

import (
	"errors"
	"time"
)

// A Clock is a clock that can be steered. Its methods are called by one goroutine at a
// time.
type Clock interface {
	// Now is the time that the clock shows, without a monotonic reading.
	Now() time.Time

	// Step sets the clock forward by d, at once; a negative d sets it back.
	Step(d time.Duration) error

	// Adjust makes the clock gain frequency seconds a second on what it would show
	// by itself (1e-6 is one part per million), from now on and in place of what was
	// set before. It is at most MaxFrequency in either direction.
	Adjust(frequency float64) error

	// Announce tells programs that ask the system what is known of the clock.
	Announce(s Status) error
}

// MaxFrequency bounds Adjust: 500 parts per million, as adjtimex(2) does.
const MaxFrequency = 500e-6

// Leap is what happens at the end of the UTC day, numbered as in an NTP packet.
type Leap uint8

// The leaps.
const (
	NoLeap      Leap = iota
	InsertLeap       // the day's last minute has 61 seconds
	DeleteLeap       // it has 59
	LeapUnknown      // the clock is not synchronized
)

// String is what people read.
func (l Leap) String() string {
	switch l {
	case NoLeap:
		return "none"
	case InsertLeap:
		return "insert"
	case DeleteLeap:
		return "delete"
	}
	return "unknown"
}

// A Status is what is known of a clock.
type Status struct {
	Leap           Leap // LeapUnknown: it is not synchronized
	MaxError       time.Duration
	EstimatedError time.Duration
}

// ErrReadOnly is matched by the errors of a clock that cannot be set on this system, or
// not by this user. Nothing was changed.
var ErrReadOnly = errors.New("cannot set the clock here")
