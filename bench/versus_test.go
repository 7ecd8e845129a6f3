package bench

import (
	"fmt"
	"strings"
	"testing"
)

func TestComparisonWriteText(t *testing.T) {
	for _, c := range []struct {
		name       string
		comparison *Comparison
	}{
		{"versus", compared()},
		{"unequal", unequal()},
		{"none", new(Comparison)},
	} {
		for _, width := range []int{50, 80} {
			var b strings.Builder
			if err := c.comparison.WriteText(&b, width); err != nil {
				t.Fatal(err)
			}
			checkGolden(t, fmt.Sprintf("%s.%d.txt", c.name, width), b.String())
			checkLines(t, c.name, b.String(), width)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		ratio  Ratio
		rounds int
		want   string
	}{
		{Ratio{1.2, 1.1, 1.3, 3}, 3, "B has more in every round"},
		{Ratio{0.8, 0.7, 0.9, 3}, 3, "B has less in every round"},
		{Ratio{1.2, 1, 1.3, 3}, 3, "the rounds disagree"},
		{Ratio{0.8, 0.7, 1, 3}, 3, "the rounds disagree"},
		{Ratio{1.2, 1.2, 1.2, 1}, 1, "one round proves nothing"},
		{Ratio{1.2, 1.2, 1.2, 1}, 3, "only 1 of 3 rounds compare"},
		{Ratio{}, 3, "nothing to compare"},
	} {
		if got := c.ratio.verdict(c.rounds); got != c.want {
			t.Errorf("verdict of %v in %d rounds = %q, want %q", c.ratio, c.rounds, got, c.want)
		}
	}
}
