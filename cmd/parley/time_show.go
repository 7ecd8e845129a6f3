package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"parley/clock"
	"parley/clock/query"
	"parley/endpoint"
)

// aboutReading is what is known of a reading, a line for each thing.
func aboutReading(r query.Reading) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-8s"+format+"\n", append([]any{name}, args...)...)
	}
	if r.Timed {
		line("offset", "%s ± %s%s", signed(r.Offset), precise(r.Error), aheadOrBehind(r))
	} else {
		line("offset", "not known: the server's words are no time that can be read without doubt")
	}
	line("delay", "%s", precise(r.Delay))
	line("server", "%s@%s", r.Target.Service, printed(r.Target.Endpoint))
	if n := r.NTP; n != nil {
		line("clock", "stratum %d, %s, precision %s, leap second %s", n.Stratum, reference(n), precise(n.Precision), clock.Leap(n.Leap))
		line("root", "delay %s, dispersion %s, last set %s", precise(n.RootDelay), precise(n.RootDispersion), lastSet(n))
	}
	line("trust", "%s", trust(r))
	return b.String()
}

// reference says what a server follows.
func reference(n *query.NTP) string {
	switch {
	case n.ReferenceID == "":
		return "of no reference"
	case n.Stratum <= 1:
		return "reference " + n.ReferenceID
	}
	return "follows " + n.ReferenceID
}

// lastSet is when the server's clock was set, by that clock.
func lastSet(n *query.NTP) string {
	age := n.Told.Sub(n.Reference)
	switch {
	case n.Reference.IsZero():
		return "at a time that it does not say"
	case age < 0:
		return "after it was read"
	}
	return age.Round(time.Second).String() + " ago"
}

// aheadOrBehind says which clock is ahead, if that is certain.
func aheadOrBehind(r query.Reading) string {
	switch {
	case r.Offset > r.Error:
		return ": this machine's clock is behind"
	case r.Offset < -r.Error:
		return ": this machine's clock is ahead"
	}
	return ": no difference that can be told"
}

// trust says how far a reading can be trusted.
func trust(r query.Reading) string {
	switch {
	case r.NTP != nil && r.NTP.Problem != nil:
		return fmt.Sprintf("not at all: %v", r.NTP.Problem)
	case !r.Timed:
		return "for people: it is words"
	case r.NTP != nil && r.NTP.ReferenceID == "LOCL":
		return fmt.Sprintf("to %s as this server's own clock, which follows nothing", precise(r.Error))
	case r.NTP != nil:
		return fmt.Sprintf("to %s, if the server is right; one server is no proof: compare several", precise(r.Error))
	}
	return fmt.Sprintf("to %s: %s tells whole seconds", precise(r.Error), r.Target.Service)
}

// precise is d, which is not negative, in a fitting unit with three digits.
func precise(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + precise(max(-d, -(d+1))) // the least has no opposite
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + " µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + " ms"
	case d < 1000*time.Second:
		return digits(d.Seconds()) + " s"
	}
	return d.Round(time.Second).String()
}

func signed(d time.Duration) string {
	if d < 0 {
		return precise(d)
	}
	return "+" + precise(d)
}

// digits writes f, from 1 to 1000, with three digits.
func digits(f float64) string {
	switch {
	case f < 9.995:
		return fmt.Sprintf("%.2f", f)
	case f < 99.95:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

// readingAnswer is what --json prints. Fields are only added.
type readingAnswer struct {
	Target string `json:"target"`
	Time   string `json:"time,omitempty"`
	Text   string `json:"text,omitempty"`

	// Formatted is the time in --format, of a server that is not asked for it.
	Formatted string `json:"formatted,omitempty"`

	At     string    `json:"at,omitempty"`
	Offset *float64  `json:"offset_s,omitempty"`
	Error  *float64  `json:"error_s,omitempty"`
	Delay  *float64  `json:"delay_s,omitempty"`
	NTP    *ntpFacts `json:"ntp,omitempty"`
	Trust  string    `json:"trust,omitempty"`
	Failed string    `json:"failed,omitempty"`
}

type ntpFacts struct {
	Version        int     `json:"version"`
	Stratum        uint8   `json:"stratum"`
	ReferenceID    string  `json:"reference_id"`
	Reference      string  `json:"reference,omitempty"`
	Leap           string  `json:"leap"`
	Precision      float64 `json:"precision_s"`
	RootDelay      float64 `json:"root_delay_s"`
	RootDispersion float64 `json:"root_dispersion_s"`
	Problem        string  `json:"problem,omitempty"`
}

func readingJSON(t endpoint.Target, r query.Reading, err error) readingAnswer {
	a := readingAnswer{Target: t.Service + "@" + printed(t.Endpoint).String()}
	if err != nil {
		a.Failed = err.Error()
		return a
	}
	a.Text, a.At, a.Delay, a.Trust = r.Text, r.At.UTC().Format(time.RFC3339Nano), seconds(r.Delay), trust(r)
	if r.Timed {
		a.Time = r.Time().UTC().Format(time.RFC3339Nano)
		a.Offset, a.Error = seconds(r.Offset), seconds(r.Error)
	}
	if n := r.NTP; n != nil {
		a.NTP = &ntpFacts{
			Version: n.Version, Stratum: n.Stratum, ReferenceID: n.ReferenceID, Leap: clock.Leap(n.Leap).String(),
			Precision: n.Precision.Seconds(), RootDelay: n.RootDelay.Seconds(), RootDispersion: n.RootDispersion.Seconds(),
		}
		if !n.Reference.IsZero() {
			a.NTP.Reference = n.Reference.UTC().Format(time.RFC3339Nano)
		}
		if n.Problem != nil {
			a.NTP.Problem = n.Problem.Error()
		}
	}
	return a
}

// seconds is d to the nanosecond.
func seconds(d time.Duration) *float64 {
	f := math.Round(d.Seconds()*1e9) / 1e9
	return &f
}
