package main

import (
	"errors"
	"runtime"

	"parley/clock"
)

// aboutClock is about a clock that is wrong, or that cannot be set.
func (h *hinter) aboutClock(f failure) []string {
	var past *pastError
	switch {
	case errors.As(f.err, &past):
		hints := []string{"set the clock, as by `parley time sync --apply --once ntp@SERVER`; or serve it as it is: ntp?early=1"}
		if past.file != "" {
			hints = append(hints, "if the clock is right, it was wrong the last time: remove "+past.file)
		}
		return hints
	case errors.Is(f.err, clock.ErrReadOnly) && runtime.GOOS == "linux":
		return []string{
			"setting the clock needs CAP_SYS_TIME: sudo " + quoted(h.executable) + " time sync --apply ..., or setcap cap_sys_time+ep " + quoted(h.executable),
			"in a container the clock is the host's; without --apply it is only said what would be done",
		}
	case errors.Is(f.err, clock.ErrReadOnly):
		return []string{"without --apply it is only said what would be done to the clock"}
	}
	return nil
}
