package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"parley/endpoint"
)

// The ports that can be dialled. Port 0 is a listener's.
const (
	minPort = 1
	maxPort = 65535
)

// A portSpan is the ports from first to last, both of them in it.
type portSpan struct{ first, last int }

// portSet is a set of ports as spans in ascending order, with a gap between each
// two. Adding costs what it merges, so that a long list stays cheap.
type portSet []portSpan

// add puts s into the set, and returns what of it was not there yet, in ascending
// order.
func (set *portSet) add(s portSpan) (fresh []portSpan) {
	old := *set
	from, _ := slices.BinarySearchFunc(old, s.first-1, func(o portSpan, p int) int { return cmp.Compare(o.last, p) })
	to, whole, at := from, s, s.first
	for to < len(old) && old[to].first <= s.last+1 {
		o := old[to]
		if at < o.first && at <= s.last {
			fresh = append(fresh, portSpan{at, min(o.first-1, s.last)})
		}
		at = max(at, o.last+1)
		whole = portSpan{min(whole.first, o.first), max(whole.last, o.last)}
		to++
	}
	if at <= s.last {
		fresh = append(fresh, portSpan{at, s.last})
	}
	*set = slices.Replace(old, from, to, whole)
	return fresh
}

// portList reads text[from:to], numbers, names and ranges with commas between
// them, as spans in the order of the text.
func (p parser) portList(from, to int, scheme string) ([]portSpan, error) {
	var spans []portSpan
	var seen portSet
	for at := from; at <= to; {
		end := to
		if i := strings.IndexByte(p.text[at:to], ','); i >= 0 {
			end = at + i
		}
		s, err := p.portSpan(at, end, scheme)
		if err != nil {
			return nil, err
		}
		spans = append(spans, seen.add(s)...)
		at = end + 1
	}
	return spans, nil
}

// portSpan reads text[from:to]: a number, FIRST-LAST, or the name of a service,
// which may have hyphens of its own.
func (p parser) portSpan(from, to int, scheme string) (s portSpan, err error) {
	text := p.text[from:to]
	first, last, dash := strings.Cut(text, "-")
	switch {
	case text == "":
		return s, p.fail(from, to, "expected a port, %d to %d, or a name; as in %q", minPort, maxPort, "20-1024,8080,https")
	case isNumber(first) && !dash:
		s.first, err = p.portNumber(from, to)
		return portSpan{s.first, s.first}, err
	case dash && (first == "" || isNumber(first)) && (last == "" || isNumber(last)):
		return p.portRange(from, to, from+len(first))
	case strings.Trim(text, "0123456789-") == "":
		return s, p.fail(from, to, "%q is not a range of ports; expected one such as %q", text, "20-1024")
	}
	s.first, err = p.portName(from, to, scheme)
	return portSpan{s.first, s.first}, err
}

// portRange reads text[from:to], two numbers around the hyphen at dash.
func (p parser) portRange(from, to, dash int) (s portSpan, err error) {
	switch {
	case dash == from:
		return s, p.fail(from, from, "expected the first port before %q; a range is written as in %q", p.text[dash:to], "20-1024")
	case dash+1 == to:
		return s, p.fail(to, to, "expected the last port after %q; the last of all is %d", p.text[from:to], maxPort)
	}
	if s.first, err = p.portNumber(from, dash); err != nil {
		return s, err
	}
	if s.last, err = p.portNumber(dash+1, to); err != nil {
		return s, err
	}
	if s.first > s.last {
		return s, p.fail(from, to, "range %q ends before it begins; expected %q", p.text[from:to], strconv.Itoa(s.last)+"-"+strconv.Itoa(s.first))
	}
	return s, nil
}

func (p parser) portNumber(from, to int) (int, error) {
	n, err := strconv.ParseUint(p.text[from:to], 10, 16)
	if err != nil || n < minPort {
		return 0, p.fail(from, to, "port %q is not in %d to %d", p.text[from:to], minPort, maxPort)
	}
	return int(n), nil
}

// portName looks up the name of a service, in the system's file of them.
func (p parser) portName(from, to int, scheme string) (int, error) {
	e, err := endpoint.Parse(scheme + "://:" + p.text[from:to])
	if err != nil {
		return 0, p.fail(from, to, "port %q is neither a number, a range such as %q, nor the name of a service", p.text[from:to], "20-1024")
	}
	n, err := e.ResolvePort(context.Background(), nil)
	if err != nil {
		return 0, p.fail(from, to, "no service is called %q%s", p.text[from:to], nearestOf(err))
	}
	if n < minPort {
		return 0, p.fail(from, to, "port %q is %d, which is not in %d to %d", p.text[from:to], n, minPort, maxPort)
	}
	return n, nil
}

// nearestOf is what the error of a lookup adds to the resolver's own: the name
// that is nearest.
func nearestOf(err error) string {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return ""
	}
	return strings.TrimPrefix(err.Error(), dns.Error())
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
