package main

import (
	"fmt"
	"slices"
)

// hallConflicts returns an error for each chat whose parameters are not those of
// an earlier one with the same store: they share a hub, which has one value of each.
func (e *env) hallConflicts(entries []entry) (errs []error) {
	type known struct {
		config hallConfig
		at     entry
	}
	first := make(map[string]known)
	for _, one := range entries {
		closed, ok := one.service.(closedHall)
		if !ok {
			continue
		}
		c, err := closed.config.resolved(e.getenv)
		if err != nil {
			continue // to open it is the same error
		}
		other, ok := first[c.key()]
		if !ok {
			first[c.key()] = known{c, one}
			continue
		}
		if name := differentParam(c, other.config); name != "" {
			err := fmt.Errorf("%s: parameter %s differs from that of %s, which has the same store (%s): say it at both, or take another store",
				one.name(), name, other.at.name(), c.name())
			errs = append(errs, one.placed(err))
		}
	}
	return errs
}

// differentParam is the name of a parameter that a and b have not in common, or "".
func differentParam(a, b hallConfig) string {
	i := slices.IndexFunc(hallParams, func(p hallParam) bool { return p.show(a) != p.show(b) })
	if i < 0 {
		return ""
	}
	return hallParams[i].Name
}
