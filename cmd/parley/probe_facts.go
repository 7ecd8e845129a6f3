package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/probe"
)

// facts are the lines below a result that tell all of it.
func facts(r probe.Result) []string {
	var all []string
	add := func(name, text string) {
		if text != "" {
			all = append(all, fmt.Sprintf("    %-13s %s\n", name, visible(text)))
		}
	}
	if t := r.TLS; t != nil {
		tlsFacts(t, add)
	}
	if p := r.Ping; p != nil {
		pingFacts(p, add)
	}
	return all
}

func tlsFacts(t *probe.TLS, add func(name, text string)) {
	add("protocol", joined(", ", t.Version, t.Cipher, t.KeyExchange))
	add("alpn", t.ALPN)
	add("asked for", t.ServerName)
	add("verification", verification(t))
	add("names", strings.Join(t.Names, " "))
	for i, c := range t.Chain {
		name := "certificate"
		if i > 0 {
			name = "signed by"
		}
		add(name, c.Subject)
		add("", joined(", ", c.Key, c.Signature, c.NotBefore.UTC().Format(time.DateOnly)+" to "+c.NotAfter.UTC().Format(time.DateOnly)))
	}
	if n := len(t.Chain); n > 0 {
		add("issuer", t.Chain[n-1].Issuer)
	}
	add("expiry", expiry(t))
	add("pin", t.Pin)
	for _, note := range t.Notes {
		add("note", note)
	}
	if t.OCSP {
		add("ocsp", "a response is stapled")
	}
	add("handshake", shortTime(t.Handshake))
}

func verification(t *probe.TLS) string {
	switch {
	case t.Verified:
		return "good"
	case t.VerifyError == "" && len(t.Chain) == 0:
		return "" // nothing was shown
	case t.VerifyError == "":
		return "failed"
	}
	return "failed: " + t.VerifyError
}

// expiry says when the first certificate of the chain expires.
func expiry(t *probe.TLS) string {
	if len(t.Chain) == 0 {
		return ""
	}
	first := t.Chain[0].NotAfter
	for _, c := range t.Chain {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	when := first.UTC().Format("2006-01-02 15:04 MST")
	switch days := int64(t.Days); {
	case days < 0:
		return when + ", " + expired(days)
	default:
		return when + ", in " + count(days, "day")
	}
}

// expired says how long ago that was, of days that are left, which are negative.
func expired(days int64) string {
	if days == -1 {
		return "less than a day ago"
	}
	return count(-days-1, "day") + " ago"
}

func pingFacts(p *probe.Ping, add func(name, text string)) {
	loss := fmt.Sprintf("%s sent, %d received, %s %% lost", count(int64(p.Sent), "ping"), p.Received, percent(p.Loss))
	if p.Duplicates > 0 {
		loss += ", " + count(int64(p.Duplicates), "duplicate")
	}
	add("pings", loss)
	if p.Received > 0 {
		add("round trip", fmt.Sprintf("min %s, avg %s, max %s, stddev %s", shortTime(p.Min), shortTime(p.Mean), shortTime(p.Max), shortTime(p.StdDev)))
		add("", fmt.Sprintf("p50 %s, p90 %s, p99 %s", shortTime(p.P50), shortTime(p.P90), shortTime(p.P99)))
	}
	from := ""
	if p.From.IsValid() {
		from = p.From.String()
	}
	if p.TTL > 0 {
		from = joined(", ", from, fmt.Sprintf("ttl %d", p.TTL))
	}
	add("from", from)
	add("method", p.Method)
}

// percent is a share in hundredths, without digits that say nothing.
func percent(share float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", share*100), ".0")
}

// joined is strings.Join without those that are empty.
func joined(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), between)
}
