package clock

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Of struct timex: linux/timex.h.
const (
	adjOffset, adjFrequency           = 0x0001, 0x0002
	adjMaxError, adjEstError          = 0x0004, 0x0008
	adjStatus, adjSetOffset, adjNano  = 0x0010, 0x0100, 0x2000
	staInsert, staDelete, staUnsynced = 0x0010, 0x0020, 0x0040
)

// set assigns to a field of struct timex, whose width is the system's word.
func set[T int32 | int64](field *T, v int64) { *field = T(v) }

// CanSet reports whether this process may set the clock, by an attempt that changes
// nothing: it sets the frequency that is set. The error matches ErrReadOnly.
func (System) CanSet() error {
	var t unix.Timex
	if _, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t); err != nil {
		return adjustError(err)
	}
	t = unix.Timex{Modes: adjFrequency, Freq: t.Freq}
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t)
	return adjustError(err)
}

// Frequency is what the system's clock was adjusted by last.
func (System) Frequency() (float64, error) {
	var t unix.Timex
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t)
	return float64(t.Freq) / (1 << 16) / 1e6, adjustError(err)
}

// Step sets the clock forward by d.
func (System) Step(d time.Duration) error {
	seconds, rest := d/time.Second, d%time.Second
	if rest < 0 { // the part of a second counts forward
		seconds, rest = seconds-1, rest+time.Second
	}
	t := unix.Timex{Modes: adjSetOffset | adjNano}
	set(&t.Time.Sec, int64(seconds))
	set(&t.Time.Usec, int64(rest)) // nanoseconds
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t)
	return adjustError(err)
}

// Adjust sets the frequency. What the system's own loop was at is ended: two loops
// would fight.
func (System) Adjust(frequency float64) error {
	if err := checkFrequency(frequency); err != nil {
		return err
	}
	t := unix.Timex{Modes: adjFrequency | adjOffset}
	set(&t.Freq, int64(frequency*1e6*(1<<16))) // parts per million, 16 bits after the point
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t)
	return adjustError(err)
}

// Announce tells what is known. The system grows the maximum error by itself, by 500 ppm,
// and takes the clock for unsynchronized when that has reached 16 s.
func (System) Announce(s Status) error {
	t := unix.Timex{Modes: adjStatus | adjMaxError | adjEstError}
	switch s.Leap {
	case InsertLeap:
		t.Status = staInsert
	case DeleteLeap:
		t.Status = staDelete
	case LeapUnknown:
		t.Status = staUnsynced
	}
	set(&t.Maxerror, s.MaxError.Microseconds())
	set(&t.Esterror, s.EstimatedError.Microseconds())
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &t)
	return adjustError(err)
}

func adjustError(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: clock_adjtime: %w", ErrReadOnly, err)
	}
	if err != nil {
		return fmt.Errorf("clock_adjtime: %w", err)
	}
	return nil
}
