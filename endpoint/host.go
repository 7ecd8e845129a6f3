package endpoint

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hostPort reads text[from:to] as the scheme wants it: host:port, with the port
// left out where it has a default, or the host alone for a scheme without ports.
func (p parser) hostPort(from, to int, s scheme) (host, port string, err error) {
	if from == to {
		if s.form == formHost {
			return "", "", nil
		}
		return "", "", p.fail(from, to, "expected host:port")
	}
	hostEnd, err := p.hostEnd(from, to, s)
	if err != nil {
		return "", "", err
	}
	if host, err = p.host(from, hostEnd, s); err != nil {
		return "", "", err
	}
	switch {
	case hostEnd < to && s.form == formHost:
		return "", "", p.fail(hostEnd, to, "expected nothing after host, not %q; %s has no port", p.text[hostEnd:to], s.name)
	case hostEnd < to:
		port, err = p.port(hostEnd+1, to)
	case s.form == formPort:
		err = p.missingPort(from, to)
	default:
		port = s.port
	}
	return host, port, err
}

// hostEnd returns the index of the colon after the host in text[from:to], or to.
func (p parser) hostEnd(from, to int, s scheme) (int, error) {
	text := p.text[from:to]
	if text[0] != '[' {
		if strings.Count(text, ":") > 1 {
			return 0, p.bareIPv6(from, to, s)
		}
		if i := strings.IndexByte(text, ':'); i >= 0 {
			return from + i, nil
		}
		return to, nil
	}
	i := strings.IndexByte(text, ']')
	if i < 0 {
		return 0, p.fail(from, to, "expected \"]\" after the address in %q", text)
	}
	end := from + i + 1
	if end < to && p.text[end] != ':' {
		return 0, p.fail(end, to, "expected \":\" and a port after \"]\", not %q", p.text[end:to])
	}
	return end, nil
}

// bareIPv6 returns the error for a host:port with many colons. Where it can be
// an address without brackets it shows how that is written; ::1:7 is more
// likely meant to have a port than not.
func (p parser) bareIPv6(from, to int, s scheme) error {
	text := p.text[from:to]
	i := strings.LastIndexByte(text, ':')
	want := ""
	if _, err := p.port(from+i+1, to); err == nil && isIPv6(text[:i]) && s.form != formHost {
		want = "[" + text[:i] + "]" + text[i:]
	} else if isIPv6(text) && s.form == formHost {
		want = "[" + text + "]"
	} else if isIPv6(text) {
		want = "[" + text + "]:port"
	}
	if want == "" {
		return p.fail(from, to, "too many colons in %q; expected %s", text, s.shape())
	}
	return p.fail(from, to, "IPv6 address without brackets in %q; expected %q", text, want)
}

func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}

func (p parser) missingPort(from, to int) error {
	if text := p.text[from:to]; allDigits(text) {
		return p.fail(from, to, "expected host:port, not %q; a port alone is written %q", text, ":"+text)
	}
	return p.fail(to, to, "expected host:port; the port is missing")
}

// host reads text[from:to], an address in brackets, an IPv4 address, a name, or
// nothing.
func (p parser) host(from, to int, s scheme) (string, error) {
	text := p.text[from:to]
	if text == "" {
		return "", nil
	}
	if text[0] == '[' {
		return p.ipv6(from+1, to-1, s)
	}
	a, err := netip.ParseAddr(text)
	if err == nil {
		return a.String(), p.family(from, to, a, s)
	}
	if strings.Contains(text, ".") && allDigits(strings.ReplaceAll(text, ".", "")) {
		return "", p.fail(from, to, "%q is not an IPv4 address", text)
	}
	return p.name(from, to)
}

// ipv6 reads text[from:to], the address between brackets.
func (p parser) ipv6(from, to int, s scheme) (string, error) {
	text := p.text[from:to]
	address, zone, _ := strings.Cut(text, "%")
	// RFC 6874 has the percent sign before the zone as %25 in a URL. A zone
	// that is the number 25 is left alone: no letter follows.
	if after, ok := strings.CutPrefix(zone, "25"); ok && after != "" && isLetter(after[0]) {
		text = address + "%" + after
	}
	if i := strings.IndexAny(zone, " %[@"); i >= 0 {
		at := from + len(address) + 1 + i
		return "", p.fail(at, at+1, "%q in the zone of an IPv6 address", p.text[at:at+1])
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is6() {
		return "", p.fail(from, to, "%q is not an IPv6 address", p.text[from:to])
	}
	return a.String(), p.family(from, to, a, s)
}

// family refuses an address that the scheme can never reach.
func (p parser) family(from, to int, a netip.Addr, s scheme) error {
	if s.family == 0 || familyOf(a) == s.family {
		return nil
	}
	return p.fail(from, to, "%q is not an IPv%d address; %s takes no other", p.text[from:to], s.family, s.name)
}

// familyOf returns 4 or 6. An IPv4 address mapped into IPv6 goes over IPv4.
func familyOf(a netip.Addr) int {
	if a.Unmap().Is4() {
		return 4
	}
	return 6
}

// name reads text[from:to] as a host name. It is not strict: what the resolver
// of the system takes beyond DNS, such as underscores, is good.
func (p parser) name(from, to int) (string, error) {
	text := p.text[from:to]
	if text == "*" {
		return "", p.fail(from, to, "%q is not a host; every interface is an empty host, as in %q", text, ":7")
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		at := from + i
		switch {
		case r >= utf8.RuneSelf:
			return "", p.fail(at, at+size, "%q in the host; expected punycode (%q)", text[i:i+size], "xn--...")
		case r == '.' && (i == 0 || text[i-1] == '.'):
			return "", p.fail(at, at+1, "expected a name before %q in the host", ".")
		case !isLetter(byte(r)) && !isDigit(byte(r)) && strings.IndexByte("-_.", byte(r)) < 0:
			return "", p.fail(at, at+1, "%q in the host; expected letters, digits, %q, %q and %q", text[i:i+1], "-", "_", ".")
		}
		i += size
	}
	return strings.ToLower(text), nil
}

// port reads text[from:to], a number or the name of a service.
func (p parser) port(from, to int) (string, error) {
	text := p.text[from:to]
	if text == "" {
		return "", p.fail(from, to, "expected a port after \":\"")
	}
	if allDigits(strings.TrimLeft(text, "+-")) {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return "", p.fail(from, to, "port %q is not in 0 to 65535", text)
		}
		return strconv.FormatUint(n, 10), nil
	}
	if i := badService(text); i >= 0 {
		return "", p.fail(from, to, "port %q is neither a number nor the name of a service", text)
	}
	return strings.ToLower(text), nil
}

// badService returns the index of the first byte that no name of a service has,
// or -1. RFC 6335 has letters, digits and hyphens; the files of systems have
// z39.50 and whois++ too.
func badService(s string) int {
	for i := range len(s) {
		c := s[i]
		if !isLetter(c) && !isDigit(c) && (i == 0 || strings.IndexByte("-_.+*", c) < 0) {
			return i
		}
	}
	return -1
}

// allDigits reports whether s is digits and not empty.
func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
