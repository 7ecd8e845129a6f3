package endpoint

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The readers of option values. Their errors are *ParseError, too: the input is
// the value.

// A unit is the name of a unit and how many nanoseconds or bytes it has.
type unit struct {
	name string
	size uint64
}

// durationUnits are those of time.ParseDuration and the day of 24 hours.
var durationUnits = []unit{
	{"ns", 1},
	{"us", uint64(time.Microsecond)},
	{"µs", uint64(time.Microsecond)}, // U+00B5, micro sign
	{"μs", uint64(time.Microsecond)}, // U+03BC, Greek letter mu
	{"ms", uint64(time.Millisecond)},
	{"s", uint64(time.Second)},
	{"m", uint64(time.Minute)},
	{"h", uint64(time.Hour)},
	{"d", 24 * uint64(time.Hour)},
}

// sizeUnits are in lower case.
var sizeUnits = []unit{
	{"", 1}, {"b", 1},
	{"k", 1 << 10}, {"kib", 1 << 10}, {"kb", 1e3},
	{"m", 1 << 20}, {"mib", 1 << 20}, {"mb", 1e6},
	{"g", 1 << 30}, {"gib", 1 << 30}, {"gb", 1e9},
	{"t", 1 << 40}, {"tib", 1 << 40}, {"tb", 1e12},
}

const (
	durationSyntax = `a duration such as 5s, 1m30s or 250ms`
	durationNames  = `ns us ms s m h d`
	sizeSyntax     = `a size such as 64, 64k or 1MiB`
	sizeNames      = `k M G T and KiB MiB GiB TiB (1024), kB MB GB TB (1000)`
)

// ParseDuration reads a duration that is not negative: numbers with units, as
// in 1h30m or 1.5s, units ns, us (µs), ms, s, m, h and d, the day of 24 hours. A
// number alone is seconds. What is finer than a nanosecond is cut off. The
// longest is that of time.Duration, a little over 106751d.
func ParseDuration(s string) (time.Duration, error) {
	if strings.HasPrefix(s, "-") {
		return 0, valueError("duration", s, 0, len(s), "must not be negative")
	}
	at := len(s) - len(strings.TrimPrefix(s, "+"))
	if at == len(s) {
		return 0, valueError("duration", s, at, 0, "expected %s", durationSyntax)
	}
	if isDecimal(s[at:]) {
		total, ok := addDecimal(0, s[at:], uint64(time.Second))
		if !ok {
			return 0, errTooLong(s, at, len(s)-at)
		}
		return time.Duration(total), nil
	}
	var total uint64
	for at < len(s) {
		sum, n, err := addTerm(total, s, at)
		if err != nil {
			return 0, err
		}
		total, at = sum, at+n
	}
	return time.Duration(total), nil
}

// addTerm adds the term of a duration that begins at s[at:], a number with its
// unit, and returns how many bytes it has.
func addTerm(total uint64, s string, at int) (sum uint64, n int, err error) {
	number := s[at : at+decimalLen(s[at:])]
	if number == "" {
		return 0, 0, valueError("duration", s, at, len(s)-at, "expected %s, not %q", durationSyntax, s[at:])
	}
	rest := s[at+len(number):]
	name := rest
	if next := strings.IndexAny(rest, ".0123456789"); next >= 0 {
		name = rest[:next]
	}
	if name == "" {
		return 0, 0, valueError("duration", s, at, len(number), "expected a unit (%s) after %q", durationNames, number)
	}
	i := slices.IndexFunc(durationUnits, func(u unit) bool { return u.name == name })
	if i < 0 {
		return 0, 0, valueError("duration", s, at+len(number), len(name), "unknown unit %q; the units are %s", name, durationNames)
	}
	sum, ok := addDecimal(total, number, durationUnits[i].size)
	if !ok {
		return 0, 0, errTooLong(s, at, len(number)+len(name))
	}
	return sum, len(number) + len(name), nil
}

func errTooLong(s string, offset, length int) error {
	return valueError("duration", s, offset, length, "must not be longer than %dd", math.MaxInt64/(24*time.Hour))
}

func valueError(kind, input string, offset, length int, format string, args ...any) error {
	return &ParseError{Input: input, Offset: offset, Length: length, Reason: fmt.Sprintf(format, args...), kind: kind}
}

// isDecimal reports whether all of s is a number.
func isDecimal(s string) bool { return s != "" && decimalLen(s) == len(s) }

// decimalLen returns the length of the number that s begins with: digits, a
// point, digits; one of the two may have none. It is 0 without a number.
func decimalLen(s string) int {
	whole := digitsLen(s)
	if !strings.HasPrefix(s[whole:], ".") {
		return whole
	}
	fraction := digitsLen(s[whole+1:])
	if whole+fraction == 0 {
		return 0
	}
	return whole + 1 + fraction
}

func digitsLen(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// addDecimal returns total + number * size, cut off to an integer. It reports
// false when the sum is no int64. Total is an int64; size is less than a tenth
// of one.
func addDecimal(total uint64, number string, size uint64) (uint64, bool) {
	digits, fraction, _ := strings.Cut(number, ".")
	var whole uint64
	for i := range len(digits) {
		if whole > math.MaxInt64/10 {
			return 0, false
		}
		whole = whole*10 + uint64(digits[i]-'0')
	}
	if whole > (math.MaxInt64-total)/size {
		return 0, false
	}

	// From the right, each digit adds its tenth to a tenth of those after it.
	// To cut off at each step is to cut off once: floor((d+floor(x))/10) is
	// floor((d+x)/10) for a whole d.
	var part uint64
	for i := len(fraction) - 1; i >= 0; i-- {
		part = (uint64(fraction[i]-'0')*size + part) / 10
	}
	total += whole*size + part
	return total, total <= math.MaxInt64
}

// ParseSize reads a number of bytes: a whole number and a unit. k, M, G, T and
// KiB, MiB, GiB, TiB are powers of 1024; kB, MB, GB, TB are powers of 1000; none,
// and B, are bytes. Case does not count.
func ParseSize(s string) (int64, error) {
	digits, name := s[:digitsLen(s)], s[digitsLen(s):]
	switch {
	case strings.HasPrefix(s, "-") && isDecimal(s[1:]):
		return 0, valueError("size", s, 0, len(s), "must not be negative")
	case digits == "":
		return 0, valueError("size", s, 0, len(s), "expected %s", sizeSyntax)
	case strings.HasPrefix(name, "."):
		return 0, valueError("size", s, len(digits), len(name), "expected a whole number")
	}
	i := slices.IndexFunc(sizeUnits, func(u unit) bool { return u.name == strings.ToLower(name) })
	if i < 0 {
		return 0, valueError("size", s, len(digits), len(name), "unknown unit %q; the units are %s", name, sizeNames)
	}
	size, ok := addDecimal(0, digits, sizeUnits[i].size)
	if !ok {
		return 0, valueError("size", s, 0, len(s), "must not be more than %d bytes", int64(math.MaxInt64))
	}
	return int64(size), nil
}

// The slowest and the fastest rate, in a second: 1/h and 1G/s.
const (
	minRate = 1.0 / 3600
	maxRate = 1e9
)

const (
	rateSyntax = `a rate such as 200, 50k or 6000/m`
	rateTimes  = `k M G (1000, 1000k, 1000M)`
	ratePer    = `/s /m /h`
	rateRange  = `must be from 1/h to 1G/s`
)

// ParseRate reads how often something happens, as a number in a second: a number,
// which may have k, M or G after it, powers of 1000, and then /s, /m or /h;
// without that it is a second. Case does not count. The slowest is 1/h, the
// fastest 1G/s.
func ParseRate(s string) (float64, error) {
	number := s[:decimalLen(s)]
	switch {
	case strings.HasPrefix(s, "-") && decimalLen(s[1:]) > 0:
		return 0, valueError("rate", s, 0, len(s), rateRange)
	case number == "":
		return 0, valueError("rate", s, 0, len(s), "expected %s", rateSyntax)
	}
	times, per, slash := strings.Cut(s[len(number):], "/")
	factor, ok := map[string]float64{"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[strings.ToLower(times)]
	if !ok {
		return 0, valueError("rate", s, len(number), len(times), "unknown unit %q; the units are %s, then %s", times, rateTimes, ratePer)
	}
	seconds, ok := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.ToLower(per)]
	switch at := len(s) - len(per); {
	case slash && per == "":
		return 0, valueError("rate", s, at, 0, "expected s, m or h after \"/\"")
	case slash && !ok:
		return 0, valueError("rate", s, at-1, len(per)+1, "unknown unit %q; it is one of %s", "/"+per, ratePer)
	case !slash:
		seconds = 1
	}
	n, err := strconv.ParseFloat(number, 64) // an error is too large a number, which is an infinity
	rate := n * factor / seconds
	if err != nil || rate < minRate || rate > maxRate {
		return 0, valueError("rate", s, 0, len(s), rateRange)
	}
	return rate, nil
}

// ParseBool reads 1, true, yes or on, and 0, false, no or off; case does not
// count. "" is true: an option that is only named is on.
func ParseBool(s string) (bool, error) {
	words := []string{"true", "false", "yes", "no", "on", "off", "1", "0"} // by turns true and false
	word := strings.ToLower(s)
	if word == "" {
		return true, nil
	}
	i := slices.Index(words, word)
	if i < 0 {
		reason := "expected one of " + strings.Join(words, " ")
		if near := Nearest(word, words); near != "" {
			reason += fmt.Sprintf("; nearest is %q", near)
		}
		return false, valueError("boolean", s, 0, len(s), "%s", reason)
	}
	return i%2 == 0, nil
}
