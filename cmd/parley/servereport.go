package main

import (
	"errors"
	"fmt"
	"slices"
)

// reportPlaced says each of errs on a line, shows those of a services file in
// their line, and gives hints. The error that it returns ends the program with
// status and is said nothing more of.
func (e *env) reportPlaced(status int, errs []error) error {
	for _, err := range errs {
		e.error(err)
		var placed *placedError
		if errors.As(err, &placed) {
			fmt.Fprint(e.stderr, placed.picture())
		}
	}
	for _, hint := range hintsFor(errors.Join(errs...)) {
		e.hint(hint)
	}
	return exitError{status: status}
}

// sortPlaced puts the errors of one file in the order of their lines.
func sortPlaced(errs []error) {
	slices.SortStableFunc(errs, func(a, b error) int { return lineOf(a) - lineOf(b) })
}

func lineOf(err error) int {
	var placed *placedError
	if errors.As(err, &placed) {
		return placed.place.line
	}
	return 0
}
