package plot

import (
	"slices"
	"strings"

	"parley/bench"
)

// A runs is reports of one target under the same conditions. They share a style.
type runs struct {
	label   string // what the others have otherwise, or "" where there are no others
	reports []*bench.Report
}

// group puts reports together, in their order. common is what they all share: the
// first its target, if they share that.
func group(reports []*bench.Report) (groups []runs, common []string) {
	facts := make([][]string, len(reports))
	for i, r := range reports {
		facts[i] = append([]string{r.Target()}, r.Conditions()...)
	}
	shared := func(fact string) bool {
		return !slices.ContainsFunc(facts, func(f []string) bool { return !slices.Contains(f, fact) })
	}
	for i, r := range reports {
		own := slices.DeleteFunc(slices.Clone(facts[i]), shared)
		label := strings.Join(own, ", ")
		n := slices.IndexFunc(groups, func(g runs) bool { return g.label == label })
		if n < 0 {
			n = len(groups)
			groups = append(groups, runs{label: label})
		}
		groups[n].reports = append(groups[n].reports, r)
	}
	common = slices.DeleteFunc(slices.Clone(facts[0]), func(f string) bool { return !shared(f) })
	return groups, common
}

// all are the reports of the groups.
func all(groups []runs) (reports []*bench.Report) {
	for _, g := range groups {
		reports = append(reports, g.reports...)
	}
	return reports
}

// alone reports whether there is but one report, of which more can be shown.
func alone(groups []runs) bool { return len(all(groups)) == 1 }
