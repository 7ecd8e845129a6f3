package endpoint

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		in   string
		want time.Duration
	}{
		{"0", 0},
		{"5", 5 * time.Second},
		{"007", 7 * time.Second},
		{"1.5", 1500 * time.Millisecond},
		{".5", 500 * time.Millisecond},
		{"5.", 5 * time.Second},
		{"+5", 5 * time.Second},
		{"5s", 5 * time.Second},
		{"+5s", 5 * time.Second},
		{"250ms", 250 * time.Millisecond},
		{"1h30m", 90 * time.Minute},
		{"30m1h", 90 * time.Minute},
		{"1m1m", 2 * time.Minute},
		{"2d12h", 2*day + 12*time.Hour},
		{"0.5d", 12 * time.Hour},
		{"3us", 3 * time.Microsecond},
		{"3µs", 3 * time.Microsecond}, // U+00B5
		{"3μs", 3 * time.Microsecond}, // U+03BC
		{"7ns", 7},
		{"0.9ns", 0},
		{"1.9ns", 1},
		{"0.0000000019s", 1},
		{"0.3333333333333333333333333333333d", 8*time.Hour - 1},
		{"9223372036854775807ns", math.MaxInt64},
		{"9223372036.854775807", math.MaxInt64},
		{"9223372036854775807.9ns", math.MaxInt64},
		{"106751d23h47m16s854ms775us807ns", math.MaxInt64},
	}
	for _, tt := range tests {
		if got, err := ParseDuration(tt.in); got != tt.want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseDurationErrors(t *testing.T) {
	tests := []badText{
		{"«»", `duration "": expected a duration such as 5s, 1m30s or 250ms`},
		{"+«»", `duration "+": expected a duration such as 5s, 1m30s or 250ms`},
		{"«-5s»", `duration "-5s": must not be negative`},
		{"«-0»", `duration "-0": must not be negative`},
		{"«soon»", `duration "soon": expected a duration such as 5s, 1m30s or 250ms, not "soon"`},
		{"«.s»", `duration ".s": expected a duration such as 5s, 1m30s or 250ms, not ".s"`},
		{"5«sec»", `duration "5sec": unknown unit "sec"; the units are ns us ms s m h d`},
		{"5« s»", `duration "5 s": unknown unit " s"; the units are ns us ms s m h d`},
		{"5«S»", `duration "5S": unknown unit "S"; the units are ns us ms s m h d`},
		{"1h«30»", `duration "1h30": expected a unit (ns us ms s m h d) after "30"`},
		{"«1.2».3s", `duration "1.2.3s": expected a unit (ns us ms s m h d) after "1.2"`},
		{"5«s-»3s", `duration "5s-3s": unknown unit "s-"; the units are ns us ms s m h d`},
		{"+«+5s»", `duration "++5s": expected a duration such as 5s, 1m30s or 250ms, not "+5s"`},
		{"1d«106751d»", `duration "1d106751d": must not be longer than 106751d`},
		{"«9223372036854775808ns»", `duration "9223372036854775808ns": must not be longer than 106751d`},
		{"+«99999999999999999999»", `duration "+99999999999999999999": must not be longer than 106751d`},
		{"«18446744073709551617ns»", `duration "18446744073709551617ns": must not be longer than 106751d`},                                         // 1 in 64 bits
		{"9223372036854775807ns«9223372036.999999999s»", `duration "9223372036854775807ns9223372036.999999999s": must not be longer than 106751d`}, // small in 64 bits
		{"1h5«min»3s", `duration "1h5min3s": unknown unit "min"; the units are ns us ms s m h d`},
		{"«9223372036.854775808»", `duration "9223372036.854775808": must not be longer than 106751d`},
	}
	for _, tt := range tests {
		tt.check(t, func(s string) error { d, err := ParseDuration(s); return errorAndZero(t, s, d, err) })
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		in   string
		want int64
	}{
		{"0", 0}, {"64", 64}, {"064", 64}, {"64B", 64},
		{"64k", 64 << 10}, {"64K", 64 << 10}, {"64KiB", 64 << 10}, {"64kib", 64 << 10}, {"64kB", 64000}, {"64KB", 64000},
		{"1M", 1 << 20}, {"1MiB", 1 << 20}, {"1MB", 1e6}, {"1mb", 1e6},
		{"2G", 2 << 30}, {"2GiB", 2 << 30}, {"2GB", 2e9},
		{"3T", 3 << 40}, {"3TiB", 3 << 40}, {"3TB", 3e12},
		{"9223372036854775807", math.MaxInt64},
		{"8388607T", 8388607 << 40},
	}
	for _, tt := range tests {
		if got, err := ParseSize(tt.in); got != tt.want || err != nil {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
}

func TestParseSizeErrors(t *testing.T) {
	const units = `the units are k M G T and KiB MiB GiB TiB (1024), kB MB GB TB (1000)`
	tests := []badText{
		{"«»", `size "": expected a size such as 64, 64k or 1MiB`},
		{"«-1»", `size "-1": must not be negative`},
		{"«+1»", `size "+1": expected a size such as 64, 64k or 1MiB`},
		{"«k»", `size "k": expected a size such as 64, 64k or 1MiB`},
		{"1«.5M»", `size "1.5M": expected a whole number`},
		{"64« k»", `size "64 k": unknown unit " k"; ` + units},
		{"64«kbit»", `size "64kbit": unknown unit "kbit"; ` + units},
		{"«9223372036854775808»", `size "9223372036854775808": must not be more than 9223372036854775807 bytes`},
		{"«18446744073709551617»", `size "18446744073709551617": must not be more than 9223372036854775807 bytes`}, // 1 in 64 bits
		{"«8388608T»", `size "8388608T": must not be more than 9223372036854775807 bytes`},
	}
	for _, tt := range tests {
		tt.check(t, func(s string) error { n, err := ParseSize(s); return errorAndZero(t, s, n, err) })
	}
}

func TestParseRate(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want float64
	}{
		{"1", 1}, {"200", 200}, {"0200", 200}, {"0.5", 0.5}, {".5", 0.5}, {"5.", 5},
		{"200/s", 200}, {"50k", 50e3}, {"50K", 50e3}, {"1.5M", 1.5e6}, {"1.5m/s", 1.5e6}, {"1G", 1e9}, {"0.001g/S", 1e6},
		{"6000/m", 100}, {"6k/m", 100}, {"60G/m", 1e9}, {"3600/h", 1}, {"1/h", 1.0 / 3600}, {"3.6k/h", 1},
	} {
		if got, err := ParseRate(tt.in); got != tt.want || err != nil {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseRateErrors(t *testing.T) {
	const (
		units  = `the units are k M G (1000, 1000k, 1000M), then /s /m /h`
		bounds = `must be from 1/h to 1G/s`
	)
	tests := []badText{
		{"«»", `rate "": expected a rate such as 200, 50k or 6000/m`},
		{"«fast»", `rate "fast": expected a rate such as 200, 50k or 6000/m`},
		{"«k»", `rate "k": expected a rate such as 200, 50k or 6000/m`},
		{"«.»", `rate ".": expected a rate such as 200, 50k or 6000/m`},
		{"«+5»", `rate "+5": expected a rate such as 200, 50k or 6000/m`},
		{"«/s»", `rate "/s": expected a rate such as 200, 50k or 6000/m`},
		{"«-5»", `rate "-5": ` + bounds},
		{"«-5k/s»", `rate "-5k/s": ` + bounds},
		{"«0»", `rate "0": ` + bounds},
		{"«0.99/h»", `rate "0.99/h": ` + bounds},
		{"«1.001G»", `rate "1.001G": ` + bounds},
		{"«61G/m»", `rate "61G/m": ` + bounds},
		{"«" + strings.Repeat("9", 400) + "»", `rate "` + strings.Repeat("9", 400) + `": ` + bounds}, // no float64
		{"5«kB»/s", `rate "5kB/s": unknown unit "kB"; ` + units},
		{"5« k»", `rate "5 k": unknown unit " k"; ` + units},
		{"1«e6»", `rate "1e6": unknown unit "e6"; ` + units},
		{"1.2«.3»", `rate "1.2.3": unknown unit ".3"; ` + units},
		{"5/«»", `rate "5/": expected s, m or h after "/"`},
		{"5«/d»", `rate "5/d": unknown unit "/d"; it is one of /s /m /h`},
		{"5k«/s/s»", `rate "5k/s/s": unknown unit "/s/s"; it is one of /s /m /h`},
	}
	for _, tt := range tests {
		tt.check(t, func(s string) error { r, err := ParseRate(s); return errorAndZero(t, s, r, err) })
	}
}

func TestParseBool(t *testing.T) {
	for in, want := range map[string]bool{
		"": true, "1": true, "true": true, "yes": true, "on": true, "True": true, "ON": true,
		"0": false, "false": false, "no": false, "off": false, "FALSE": false,
	} {
		if got, err := ParseBool(in); got != want || err != nil {
			t.Errorf("ParseBool(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, tt := range []badText{
		{"«ture»", `boolean "ture": expected one of true false yes no on off 1 0; nearest is "true"`},
		{"«2»", `boolean "2": expected one of true false yes no on off 1 0`},
		{"« true»", `boolean " true": expected one of true false yes no on off 1 0; nearest is "true"`},
	} {
		tt.check(t, func(s string) error { b, err := ParseBool(s); return errorAndZero(t, s, b, err) })
	}
}

var (
	termPattern     = regexp.MustCompile(`([0-9]*)(\.[0-9]*)?(ns|us|µs|μs|ms|s|m|h|d)`)
	durationPattern = regexp.MustCompile(`^\+?(` + termPattern.String() + `)+$`)
	barePattern     = regexp.MustCompile(`^\+?[0-9]*(\.[0-9]*)?$`)
	ratePattern     = regexp.MustCompile(`^([0-9]*(?:\.[0-9]*)?)((?i:[kmg])?)(?:/((?i:[smh])))?$`)
	sizePattern     = regexp.MustCompile(`^([0-9]+)((?i:[kmgt](?:i?b)?|b)?)$`)
)

// slowDuration is ParseDuration the obvious way: a regular expression and exact
// fractions. It reports false for what is no duration.
func slowDuration(s string) (time.Duration, bool) {
	if barePattern.MatchString(s) {
		s += "s"
	}
	if !durationPattern.MatchString(s) {
		return 0, false
	}
	nanoseconds := map[string]int64{
		"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9,
	}
	total := new(big.Int)
	for _, term := range termPattern.FindAllStringSubmatch(strings.TrimPrefix(s, "+"), -1) {
		number := new(big.Rat)
		if _, ok := number.SetString(term[1] + term[2]); !ok { // not a digit in it
			return 0, false
		}
		number.Mul(number, new(big.Rat).SetInt64(nanoseconds[term[3]]))
		total.Add(total, new(big.Int).Quo(number.Num(), number.Denom()))
	}
	return time.Duration(total.Int64()), total.IsInt64()
}

// slowSize is ParseSize the obvious way.
func slowSize(s string) (int64, bool) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	size, _ := new(big.Int).SetString(m[1], 10)
	unit := strings.ToLower(m[2])
	thousand := int64(1024)
	if len(unit) == 2 {
		thousand = 1000
	}
	for range strings.Index("bkmgt", (unit + "b")[:1]) {
		size.Mul(size, big.NewInt(thousand))
	}
	return size.Int64(), size.IsInt64()
}

// slowRate is ParseRate the obvious way, in exact fractions.
func slowRate(s string) (*big.Rat, bool) {
	m := ratePattern.FindStringSubmatch(s)
	rate := new(big.Rat)
	if m == nil {
		return nil, false
	}
	if _, ok := rate.SetString(m[1]); !ok { // not a digit in it
		return nil, false
	}
	for range strings.Index("xkmg", (strings.ToLower(m[2]) + "x")[:1]) {
		rate.Mul(rate, big.NewRat(1000, 1))
	}
	for range strings.Index("smh", (strings.ToLower(m[3]) + "s")[:1]) {
		rate.Quo(rate, big.NewRat(60, 1))
	}
	return rate, true
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"", "200", "50k", "1.5M/s", "6000/m", "1/h", "1G", "0.99/h", "1000000000.0000000001", "-1", "1e6", "5/", "5/d", "0"} {
		f.Add(s)
	}
	low, high := big.NewRat(1, 3600), big.NewRat(1e9, 1)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 {
			return // the fractions of the oracle take long
		}
		got, err := ParseRate(s)
		if err != nil {
			checkError(t, s, err)
		}
		exact, ok := slowRate(s)
		if !ok {
			if err == nil {
				t.Errorf("ParseRate(%q) = %v, want an error", s, got)
			}
			return
		}
		want, _ := exact.Float64()
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-15*b }
		within := exact.Cmp(low) >= 0 && exact.Cmp(high) <= 0
		if (err == nil) != within && !near(want, minRate) && !near(want, maxRate) {
			t.Errorf("ParseRate(%q) = %v, %v; it is %v", s, got, err, want)
		}
		if err == nil && !near(got, want) {
			t.Errorf("ParseRate(%q) = %v, want %v", s, got, want)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"", "5", "1.5", "1h30m", "2d", "-1s", "+.5ms", "3µs", "1d106751d", "9223372036854775807.9ns", "1h30", "5 s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Count(s, "") > 200 {
			return // the fractions of the oracle take long
		}
		got, err := ParseDuration(s)
		want, ok := slowDuration(s)
		if got != want && ok || (err == nil) != ok {
			t.Errorf("ParseDuration(%q) = %d, %v, want %d, %v", s, got, err, want, ok)
		}
		if err != nil {
			checkError(t, s, err)
			return
		}
		// What the standard library prints is read as it was. Its reader is not
		// the oracle: it rounds fractions in floating point.
		if again, err := ParseDuration(got.String()); again != got || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", got.String(), again, err, got)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"", "64", "64k", "64KiB", "1MB", "3t", "8388608T", "-1", "1.5M", "0b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseSize(s)
		want, ok := slowSize(s)
		if got != want && ok || (err == nil) != ok {
			t.Errorf("ParseSize(%q) = %d, %v, want %d, %v", s, got, err, want, ok)
		}
		if err != nil {
			checkError(t, s, err)
		}
	})
}
