package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"parley/endpoint"
	"parley/transport"
)

// Parse reads a target: an endpoint whose port may be a list of numbers, names
// and ranges (20-1024,8080,https), with SERVICE@ before it; or icmp://HOST, icmp4,
// icmp6, where an IPv6 address needs no brackets. Names of ports are looked up in
// the system's file of services; nothing else is looked up. Every error is an
// *endpoint.ParseError, or of package transport where an option is wrong.
func Parse(s string) (Targets, error) {
	p := parser{text: s}
	from, err := p.service()
	if err != nil {
		return Targets{}, err
	}
	t := Targets{text: s}
	if from > 0 {
		t.target.Service = s[:from-1]
	}
	if scheme, body := p.schemeAt(from); isPing(scheme) {
		t.target.Endpoint, err = p.host(scheme, from, body)
	} else {
		t.target.Endpoint, t.ports, err = p.place(from)
	}
	if err != nil {
		return Targets{}, err
	}
	if err := p.suits(t.target, from); err != nil {
		return Targets{}, err
	}
	if !isPing(t.target.Endpoint.Scheme) {
		err = transport.CheckDial(t.target.Endpoint)
	}
	if err != nil {
		return Targets{}, err
	}
	return t, nil
}

// A parser reads parts of one text. Its methods take the part as from and to,
// indexes of text, so that an error points into the whole.
type parser struct{ text string }

// fail returns the error for text[from:to].
func (p parser) fail(from, to int, format string, args ...any) error {
	return &endpoint.ParseError{Input: p.text, Offset: from, Length: to - from, Reason: fmt.Sprintf(format, args...)}
}

// inWhole makes the error of a text that was put together for package endpoint
// one of the whole text. shift is how much further its bytes are there.
func (p parser) inWhole(err error, shift int) error {
	var bad *endpoint.ParseError
	if !errors.As(err, &bad) {
		return err
	}
	from := min(max(0, bad.Offset+shift), len(p.text))
	to := min(max(from, bad.Offset+shift+bad.Length), len(p.text))
	return p.fail(from, to, "%s", bad.Reason)
}

// service reads SERVICE@ and returns where the endpoint begins: 0 if there is no
// service. An "@" that belongs to the endpoint has more than a name before it.
func (p parser) service() (from int, err error) {
	before, _, found := strings.Cut(p.text, "@")
	name, params, hasParams := strings.Cut(before, "?")
	if !found || !isServiceName(name) {
		return 0, nil
	}
	if hasParams {
		return 0, p.fail(len(name), len(before), "parameters %q; a look at a service takes none", "?"+params)
	}
	if names := Services(); !slices.Contains(names, name) {
		if near := endpoint.Nearest(name, names); near != "" {
			return 0, p.fail(0, len(name), "unknown service %q; nearest is %q", name, near)
		}
		return 0, p.fail(0, len(name), "unknown service %q; known are %s", name, strings.Join(names, " "))
	}
	if len(before)+1 == len(p.text) {
		return 0, p.fail(len(p.text), len(p.text), "expected an endpoint after \"@\"")
	}
	return len(before) + 1, nil
}

// isServiceName is the rule of endpoint.ParseTarget.
func isServiceName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z') && (i == 0 || !('0' <= c && c <= '9') && c != '-') {
			return false
		}
	}
	return s != ""
}

// schemeAt is the scheme that is written out at from, in lower case, and where
// the text after it begins; "" if there is none.
func (p parser) schemeAt(from int) (scheme string, body int) {
	word, _, found := strings.Cut(p.text[from:], "://")
	if !found {
		return "", from
	}
	return strings.ToLower(word), from + len(word) + len("://")
}

// place reads an endpoint of package endpoint, and the ports it names. Parse of
// that package is given the same text with one port in place of the list, which is
// filled up with zeros so that its errors point to the same bytes.
func (p parser) place(from int) (endpoint.Endpoint, []portSpan, error) {
	at, end := p.portAt(from)
	if at == end {
		e, err := endpoint.Parse(p.text[from:])
		if err != nil {
			return e, nil, p.inWhole(err, from)
		}
		return e, onePort(e), nil
	}
	filled := p.text[from:at] + strings.Repeat("0", end-at-1) + "1" + p.text[end:]
	e, err := endpoint.Parse(filled)
	if err != nil {
		return e, nil, p.inWhole(err, from)
	}
	spans, err := p.portList(at, end, e.Scheme)
	if err != nil {
		return e, nil, err
	}
	e.Port = strconv.Itoa(spans[0].first)
	return e, spans, nil
}

// onePort is the port of an endpoint where none is written: that of ws or wss, or
// none at all.
func onePort(e endpoint.Endpoint) []portSpan {
	if n, err := strconv.Atoi(e.Port); err == nil && isPorted(e.Scheme) {
		return []portSpan{{n, n}}
	}
	return nil
}

// portAt finds the port of the endpoint that begins at from: what stands between
// the last colon of HOST:PORT and the path or the options. at and end are equal
// where there is none, or package endpoint says better what is wrong.
func (p parser) portAt(from int) (at, end int) {
	scheme, body := p.schemeAt(from)
	switch rest := p.text[from:]; {
	case scheme != "":
		if !isPorted(scheme) {
			return body, body
		}
	case strings.HasPrefix(rest, "/"), strings.HasPrefix(rest, "."):
		return body, body
	case slices.Contains(endpoint.Schemes(), strings.ToLower(rest[:max(0, strings.IndexByte(rest, ':'))])):
		return body, body
	}
	end = len(p.text)
	if i := strings.IndexAny(p.text[body:], "/?"); i >= 0 {
		end = body + i
	}
	authority := p.text[body:end]
	colon := strings.LastIndexByte(authority, ':')
	bracketed := strings.HasPrefix(authority, "[") && strings.HasSuffix(authority[:max(0, colon)], "]")
	if colon < 0 || !bracketed && strings.IndexByte(authority, ':') < colon {
		return end, end
	}
	return body + colon + 1, end
}

// host reads what stands after icmp://: a host alone.
func (p parser) host(scheme string, from, body int) (e endpoint.Endpoint, err error) {
	end := len(p.text)
	if i := strings.IndexByte(p.text[body:], '?'); i >= 0 {
		return e, p.fail(body+i, end, "%s takes no options, not %q", scheme, p.text[body+i:])
	}
	host, shift := p.text[body:end], body-len("ip://")
	if addr, bad := netip.ParseAddr(host); bad == nil && addr.Is6() {
		host, shift = "["+host+"]", shift-1
	}
	if i := hostLen(host); i < len(host) {
		return e, p.fail(body+i, end, "expected nothing after host, not %q; %s has no port and no path", host[i:], scheme)
	}
	if e, err = endpoint.Parse("ip://" + host); err != nil {
		return e, p.inWhole(err, shift)
	}
	if e.Host == "" {
		return e, p.fail(body, end, "expected a host after \"://\"")
	}
	e.Scheme = scheme
	addr, bad := netip.ParseAddr(e.Host)
	if family := scheme[len("icmp"):]; bad == nil && family != "" && (family == "4") != addr.Unmap().Is4() {
		return e, p.fail(body, end, "%q is not an IPv%s address; %s takes no other", p.text[body:], family, scheme)
	}
	return e, nil
}

// hostLen is the length of the host that s begins with.
func hostLen(s string) int {
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i >= 0 {
			return i + 1
		}
		return len(s)
	}
	if i := strings.IndexAny(s, ":/"); i >= 0 {
		return i
	}
	return len(s)
}

// suits refuses what cannot be looked at, and a service that is not asked for
// there.
func (p parser) suits(t Target, from int) error {
	switch scheme := t.Endpoint.Scheme; {
	case scheme == "ip":
		return p.fail(from, len(p.text), "a raw protocol answers nobody; a host is looked at by %q", "icmp://"+t.Endpoint.Host)
	case scheme == "fd":
		return p.fail(from, len(p.text), "a descriptor is no place that could be looked at")
	case t.Service != "" && !isUDP(scheme) && scheme != "unixgram":
		return p.fail(0, from, "a service is asked over udp and unixgram; %s only connects: leave %q out", scheme, t.Service+"@")
	}
	return nil
}
