package transport

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/endpoint"
)

// OptionError says what is wrong with the options of an endpoint. It is a
// mistake of whoever wrote the endpoint, found before anything was opened.
type OptionError struct {
	Name   string // of the option
	Value  string // as given, "" when it was not
	Reason string // the whole text, one line
}

// Error is the reason, which names the option.
func (e *OptionError) Error() string { return e.Reason }

func optionErrorf(name, value, format string, args ...any) error {
	return &OptionError{Name: name, Value: value, Reason: fmt.Sprintf(format, args...)}
}

// direction is what an endpoint is used for.
type direction uint8

const (
	listening direction = 1 << iota
	dialling
	bothWays = listening | dialling
)

func (d direction) String() string {
	if d == listening {
		return "listening"
	}
	return "dialling"
}

// kind is how an option's value is written. Lists have commas between their
// elements.
type kind uint8

const (
	boolean kind = iota
	integer
	duration
	size
	text
	list
)

// option is one row of the table. A name has several rows when its schemes
// differ by direction.
type option struct {
	name    string
	kind    kind
	dir     direction
	schemes []string
	check   func(value string) error // of a text, or of each element of a list; nil takes all but ""
	min     int                      // of an integer
	max     int
}

// Groups of schemes. Constant.
var (
	tcpOnly   = []string{"tcp", "tcp4", "tcp6"}
	overTCP   = []string{"tcp", "tcp4", "tcp6", "tls", "ws", "wss"}
	overUDP   = []string{"udp", "udp4", "udp6"}
	secure    = []string{"tls", "wss"}
	websocket = []string{"ws", "wss"}
	unixes    = []string{"unix", "unixgram", "unixpacket"}
	overIP    = slices.Concat(overTCP, overUDP, []string{"ip"})
	ported    = slices.Concat(overTCP, overUDP)
	framed    = slices.Concat(tcpOnly, []string{"unix", "tls", "fd", "mem"})
	messages  = []string{"unixpacket", "ws", "wss"}
	dialable  = slices.Concat(overIP, unixes, []string{"mem"})
	everyone  = slices.Concat(dialable, []string{"fd"})
)

// options is the table of every option. Constant.
var options = []option{
	// the listening socket
	{name: "backlog", kind: integer, dir: listening, schemes: overTCP, min: 1, max: 1 << 16}, // connections waiting for accept; the system caps it
	{name: "reuseaddr", kind: boolean, dir: listening, schemes: ported},                      // default on for streams (not on Windows) and for groups
	{name: "reuseport", kind: boolean, dir: listening, schemes: ported},                      // several sockets share the port; default off
	{name: "mode", kind: text, dir: listening, schemes: unixes, check: checkMode},            // of the socket file, octal; default 600

	// the dialled socket
	{name: "connect", kind: duration, dir: dialling, schemes: dialable},                    // 0: the system's limits
	{name: "source", kind: text, dir: dialling, schemes: overIP, check: checkSource},       // ADDR, ADDR:PORT or :PORT
	{name: "nodelay", kind: boolean, dir: dialling, schemes: overTCP},                      // TCP_NODELAY; default on
	{name: "keepalive", kind: duration, dir: dialling, schemes: overTCP},                   // idle time and interval of TCP's probes; 0: off; default 15 s
	{name: "broadcast", kind: boolean, dir: dialling, schemes: []string{"udp", "udp4"}},    // allow a broadcast address, hear everyone's answers
	{name: "maxmessage", kind: size, dir: dialling, schemes: messages},                     // bytes
	{name: "iface", kind: text, dir: bothWays, schemes: overIP},                            // an interface's name
	{name: "ttl", kind: integer, dir: bothWays, schemes: overIP, min: 1, max: 255},         // and hop limit; default the system's, 1 to a group
	{name: "proto", kind: text, dir: bothWays, schemes: []string{"ip"}, check: checkProto}, // number or name

	// tls and WebSocket
	{name: "cert", kind: text, dir: bothWays, schemes: secure},      // PEM file
	{name: "key", kind: text, dir: bothWays, schemes: secure},       // PEM file
	{name: "clientca", kind: text, dir: listening, schemes: secure}, // PEM file
	{name: "alpn", kind: list, dir: bothWays, schemes: []string{"tls"}, check: checkALPN},
	{name: "ca", kind: text, dir: dialling, schemes: secure}, // PEM file
	{name: "servername", kind: text, dir: dialling, schemes: secure},
	{name: "pin", kind: text, dir: dialling, schemes: secure, check: checkPin}, // sha256: and 64 hex digits
	{name: "insecure", kind: boolean, dir: dialling, schemes: secure},
	{name: "origin", kind: list, dir: listening, schemes: websocket, check: checkOrigin}, // further host patterns

	// read by the server, only checked here; 0 switches a limit off
	{name: "maxsessions", kind: integer, dir: listening, schemes: everyone, max: math.MaxInt32},
	{name: "peraddr", kind: integer, dir: listening, schemes: everyone, max: math.MaxInt32},
	{name: "idle", kind: duration, dir: listening, schemes: everyone},
	{name: "total", kind: duration, dir: listening, schemes: everyone},
	{name: "maxmessage", kind: size, dir: listening, schemes: everyone},
	{name: "frame", kind: text, dir: listening, schemes: framed, check: checkFrame},
	{name: "allow", kind: list, dir: listening, schemes: overIP, check: checkPrefix},
	{name: "deny", kind: list, dir: listening, schemes: overIP, check: checkPrefix},
}

// check reports the first thing that is wrong with e's options for dir, in the
// order of their names.
func check(e endpoint.Endpoint, dir direction) error {
	if err := checkScheme(e); err != nil {
		return err
	}
	for name, value := range e.Options() {
		row, err := findOption(name, value, e.Scheme, dir)
		if err != nil {
			return err
		}
		if err := row.checkValue(value); err != nil {
			return optionErrorf(name, value, "option %s=%s: %v", name, value, err)
		}
	}
	return checkTogether(e, dir)
}

func checkScheme(e endpoint.Endpoint) error {
	if _, ok := schemes[e.Scheme]; ok {
		return nil
	}
	if e.IsZero() {
		return fmt.Errorf("no endpoint given")
	}
	return fmt.Errorf("unknown scheme %q", e.Scheme)
}

// findOption returns the row for name, or says where the option belongs.
func findOption(name, value, scheme string, dir direction) (option, error) {
	var elsewhere []string // schemes that take it in this direction
	known := false
	for _, o := range options {
		if o.name != name {
			continue
		}
		known = true
		if o.dir&dir == 0 {
			continue
		}
		if slices.Contains(o.schemes, scheme) {
			return o, nil
		}
		elsewhere = append(elsewhere, o.schemes...)
	}
	switch {
	case !known:
		return option{}, unknownOption(name, value, scheme, dir)
	case elsewhere == nil:
		return option{}, optionErrorf(name, value, "option %s belongs to %v, not to %v", name, bothWays&^dir, dir)
	}
	return option{}, optionErrorf(name, value, "option %s belongs to %s, not to %s", name, strings.Join(elsewhere, " "), scheme)
}

// unknownOption names the nearest option, first among those that would be
// right here.
func unknownOption(name, value, scheme string, dir direction) error {
	var here, all []string
	for _, o := range options {
		all = append(all, o.name)
		if o.dir&dir != 0 && slices.Contains(o.schemes, scheme) {
			here = append(here, o.name)
		}
	}
	near := endpoint.Nearest(name, here)
	if near == "" {
		near = endpoint.Nearest(name, all)
	}
	if near == "" {
		return optionErrorf(name, value, "unknown option %q; %s takes %s when %v", name, scheme, strings.Join(here, " "), dir)
	}
	return optionErrorf(name, value, "unknown option %q; nearest is %q", name, near)
}

// checkValue reports what is wrong with a value, without repeating it.
func (o option) checkValue(value string) error {
	var err error
	switch o.kind {
	case boolean:
		_, err = endpoint.ParseBool(value)
	case integer:
		n, bad := strconv.Atoi(value)
		if bad != nil || n < o.min || n > o.max {
			err = fmt.Errorf("want a number from %d to %d", o.min, o.max)
		}
	case duration:
		_, err = endpoint.ParseDuration(value)
	case size:
		_, err = endpoint.ParseSize(value)
	case text:
		err = o.checkText(value)
	case list:
		for word := range strings.SplitSeq(value, ",") {
			if err = o.checkText(word); err != nil {
				break
			}
		}
	}
	return err
}

func (o option) checkText(value string) error {
	if value == "" {
		return fmt.Errorf("want a value")
	}
	if o.check == nil {
		return nil
	}
	return o.check(value)
}

// The accessors below are for endpoints that check has passed: a value that
// does not parse is as good as absent.

func boolOption(e endpoint.Endpoint, name string, absent bool) bool {
	if value, ok := e.Option(name); ok {
		if v, err := endpoint.ParseBool(value); err == nil {
			return v
		}
	}
	return absent
}

func intOption(e endpoint.Endpoint, name string, absent int) int {
	if value, ok := e.Option(name); ok {
		if v, err := strconv.Atoi(value); err == nil {
			return v
		}
	}
	return absent
}

func durationOption(e endpoint.Endpoint, name string, absent time.Duration) time.Duration {
	if value, ok := e.Option(name); ok {
		if v, err := endpoint.ParseDuration(value); err == nil {
			return v
		}
	}
	return absent
}

func textOption(e endpoint.Endpoint, name string) string {
	value, _ := e.Option(name)
	return value
}
