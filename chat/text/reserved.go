package text

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// reserved are the words that the server speaks of itself with, and guest the
// one that others' names begin with, as blur has them.
var (
	reserved = []string{blur("server"), blur("notice"), blur("parley"), blur("system"), blur("admin")}
	guest    = blur("guest")
)

const guestPrefix = "guest-"

// Guest returns the name of the n-th person without one: "guest-3".
func Guest(n int) string { return guestPrefix + strconv.Itoa(n) }

// IsGuest reports whether name is one that [Guest] makes, for n of 0 or more.
func IsGuest(name string) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(name, guestPrefix))
	return err == nil && n >= 0 && Guest(n) == name
}

// isReserved reports whether name looks like one of the reserved words or like a
// guest's name, with separators in it or not.
func isReserved(name string) bool {
	seen := blur(name)
	if slices.Contains(reserved, seen) {
		return true
	}
	number, ok := strings.CutPrefix(seen, guest)
	return ok && number != "" && strings.Trim(number, "l23456789o") == ""
}

// blur returns name as someone sees it who does not look closely: without marks
// and separators, and less told apart than Fold may, which must not take the names
// of two people for one.
func blur(name string) string {
	unmarked := strings.Map(func(r rune) rune {
		if isMark(r) || isSeparator(r) {
			return -1
		}
		return r
	}, norm.NFD.String(Fold(name)))
	return blurred.Replace(unmarked)
}

var blurred = strings.NewReplacer("0", "o", "1", "l", "rn", "m", "vv", "w")
