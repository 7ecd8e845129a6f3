package service

import "time"

// now is the time by clock, or by time.Now if it is nil.
func now(clock func() time.Time) time.Time {
	if clock == nil {
		return time.Now()
	}
	return clock()
}
