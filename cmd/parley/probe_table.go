package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/probe"
)

// targetText is a target for people, without options, which may hold secrets.
func targetText(t probe.Target) string {
	text := printed(t.Endpoint).String()
	if t.Service != "" {
		text = t.Service + "@" + text
	}
	return text
}

// probeLine is the line of a result: target, state, time and details in columns, the
// first of them wide.
func probeLine(r probe.Result, wide int) string {
	took := ""
	if r.Time > 0 {
		took = shortTime(r.Time)
	}
	return columnsLine(targetText(r.Target), string(r.State), took, strings.Join(details(r), ", "), wide)
}

func columnsLine(target, state, took, details string, wide int) string {
	return strings.TrimRight(fmt.Sprintf("%-*s  %-11s %8s  %s", wide, target, state, took, details), " ")
}

// details are what is known of a result beside its state.
func details(r probe.Result) []string {
	var all []string
	add := func(text string) {
		if text != "" {
			all = append(all, visible(text))
		}
	}
	if r.Changed && r.Before != "" && r.Before != r.State {
		add("was " + string(r.Before))
	}
	switch {
	case r.State == probe.NoAnswer && r.Asked != "":
		add("open or filtered; sent " + r.Asked)
	case r.State == probe.NoAnswer:
		add("open or filtered")
	case r.State == probe.Failed && r.Err != nil:
		add(failureText(r.Err))
	}
	add(errnoText(r))
	if r.State == probe.Answered && !r.Up {
		add("not as " + r.Target.Service + " answers")
	}
	add(r.Answer)
	if r.TLS != nil {
		add(r.TLS.Version)
		add(validity(r.TLS))
	}
	if r.Ping != nil {
		add(fmt.Sprintf("%d of %d came back", r.Ping.Received, r.Ping.Sent))
	}
	if len(r.Banner) > 0 {
		all = append(all, "says "+firstLine(r.Banner))
	}
	if host, _, err := net.SplitHostPort(r.Address); err == nil && host != r.Target.Endpoint.Host && r.Target.Endpoint.Host != "" {
		add("at " + host)
	}
	return all
}

// failureText is what err says without what the line has already.
func failureText(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return cause(err).Error()
}

// errnoText is the system's name and number of an error: ECONNREFUSED (111).
func errnoText(r probe.Result) string {
	if r.Errno == "" {
		return ""
	}
	return fmt.Sprintf("%s (%d)", r.Errno, r.Number)
}

// validity says in a few words how good a certificate is.
func validity(t *probe.TLS) string {
	switch {
	case !t.Verified && t.VerifyError != "":
		return "not verified: " + t.VerifyError
	case !t.Verified && len(t.Chain) == 0:
		return "" // nothing was shown
	case !t.Verified:
		return "not verified"
	case t.Days < 0:
		return "expired " + expired(int64(t.Days))
	case t.Days == 1:
		return "1 day left"
	}
	return fmt.Sprintf("%d days left", t.Days)
}

// mostBanner is how much of a banner is shown, in bytes.
const mostBanner = 60

// firstLine is the first line of what a peer says, quoted, with dots if there was
// more.
func firstLine(banner []byte) string {
	line, rest, _ := strings.Cut(string(banner), "\n")
	line = strings.TrimSuffix(line, "\r")
	more := rest != ""
	if len(line) > mostBanner {
		end := mostBanner
		for end > mostBanner-utf8.UTFMax && !utf8.RuneStart(line[end]) {
			end--
		}
		line, more = line[:end], true
	}
	if more {
		return strconv.Quote(line) + "..."
	}
	return strconv.Quote(line)
}

// visible is s without what a terminal would obey.
func visible(s string) string {
	clean := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if clean(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.Quote(s[i : i+n])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += n
	}
	return b.String()
}

// shortTime is d in milliseconds, or seconds from 10 on, with three digits or
// fewer.
func shortTime(d time.Duration) string {
	n, unit := float64(d)/float64(time.Millisecond), "ms"
	if d >= 10*time.Second {
		n, unit = d.Seconds(), "s"
	}
	switch {
	case n < 1:
		return fmt.Sprintf("%.2f %s", n, unit)
	case n < 100:
		return fmt.Sprintf("%.1f %s", n, unit)
	}
	return fmt.Sprintf("%.0f %s", n, unit)
}
