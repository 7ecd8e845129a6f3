// Package figure writes numbers for people: each with its unit, and with the three
// digits that can be compared at a glance. What is not a number is "-".
package figure

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// none is written for what is not a number.
const none = "-"

// Latency writes ns nanoseconds with three significant digits in the unit that
// fits: "512 ns", "45.1 µs", "1.23 ms", "90.0 s".
func Latency(ns float64) string {
	return scaled(ns, "ns", "µs", "ms", "s")
}

// Bytes writes a number of bytes with three significant digits, in powers of 1000:
// "64 B", "1.40 kB", "79.0 MB".
func Bytes(n float64) string {
	return scaled(n, "B", "kB", "MB", "GB", "TB", "PB")
}

// Span writes how long something took: as [Latency] does, and from ten minutes on
// as "1h2m3s".
func Span(d time.Duration) string {
	if d.Abs() < 10*time.Minute {
		return Latency(float64(d))
	}
	return d.Round(time.Second).String()
}

// Count writes n in full: "1,234,567".
func Count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// Rate writes a number of things in a second, in full from a thousand on and else with
// three significant digits: "123,457", "12.3". The caller adds "messages/s".
func Rate(x float64) string {
	switch {
	case !finite(x):
		return none
	case x == math.Trunc(x) || math.Abs(x) >= 999.5:
		return grouped(strconv.FormatFloat(x, 'f', 0, 64))
	}
	return three(x)
}

// Short writes x with three significant digits and the prefix for a unit that the
// caller adds: "123 k", "1.23 M", "12.3 ".
func Short(x float64) string {
	if math.Abs(x) < 999.5 && x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', 0, 64) + " "
	}
	return scaled(x, "", "k", "M", "G", "T")
}

// Share writes which part of whole it is, in percent. It is rounded down, so
// that only all is 100 %, and what is there is never 0 %.
func Share(part, whole int64) string {
	switch {
	case whole <= 0:
		return none
	case part == whole:
		return "100 %"
	case part == 0:
		return "0 %"
	}
	thousandths := float64(part) / float64(whole) * 100_000
	if 0 < part && part < whole {
		hi, lo := bits.Mul64(uint64(part), 100_000) // exactly: all but one is not all
		n, _ := bits.Div64(hi, lo, uint64(whole))
		if n == 0 {
			return "<0.001 %"
		}
		thousandths = float64(n)
	}
	return fmt.Sprintf("%.3f %%", thousandths/1000)
}

// Ratio writes how many times something is something else: "×1.05".
func Ratio(x float64) string {
	switch {
	case !finite(x):
		return none
	case math.Abs(x) < 9.995:
		return "×" + strconv.FormatFloat(x, 'f', 3, 64)
	}
	return "×" + grouped(three(x))
}

// Words parts s into words between which a line may be broken: a number and the word
// after it, which says of what, are one.
func Words(s string) (words []string) {
	number := false
	for _, word := range strings.Fields(s) {
		if number {
			words[len(words)-1] += " " + word
		} else {
			words = append(words, word)
		}
		number = !number && '0' <= word[0] && word[0] <= '9'
	}
	return words
}

// scaled writes x in the largest of the units, each 1000 of the one before, in which
// it is at least 1. In the first unit there are no fractions.
func scaled(x float64, units ...string) string {
	if !finite(x) {
		return none
	}
	i := 0
	for ; math.Abs(x) >= 999.5 && i < len(units)-1; i++ {
		x /= 1000
	}
	if i == 0 && units[0] != "" {
		return strconv.FormatFloat(x, 'f', 0, 64) + " " + units[0]
	}
	return grouped(three(x)) + " " + units[i]
}

// three writes x with three significant digits, or all before the point where there
// are more.
func three(x float64) string {
	decimals := 0
	switch a := math.Abs(x); {
	case a < 9.995:
		decimals = 2
	case a < 99.95:
		decimals = 1
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// grouped puts commas into a number that is written in decimal digits.
func grouped(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	start := strings.IndexFunc(whole, func(r rune) bool { return r != '-' })
	for i := len(whole) - 3; i > start; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
