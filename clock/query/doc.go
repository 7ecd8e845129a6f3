// Package query asks a server once what time it is, and says how far the answer can be
// trusted: NTP (RFC 5905), time (RFC 868), daytime (RFC 867) and timesync.
package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// A Reading is what one exchange with a server says.
type Reading struct {
	Target endpoint.Target
	At     time.Time // when the answer arrived, by this machine's clock

	// Offset is the server's clock minus this machine's, Delay how long the exchange
	// took there and back, without the server's own time.
	Offset, Delay time.Duration

	// Error is how far Offset may be off: half the delay, for it may all have been on
	// one way, what the server can tell in its protocol, and what it says of its own
	// error. Against a server that lies it says nothing.
	Error time.Duration

	// Timed is whether the server said a time that could be compared: what daytime
	// and timesync say need not be readable. Without it Offset and Error are zero.
	Timed bool

	Text string // what the server said, of daytime and timesync
	NTP  *NTP   // of ntp
}

// Time is the server's time when the answer arrived.
func (r *Reading) Time() time.Time { return r.At.Add(r.Offset) }

// NTP is what a server says of itself.
type NTP struct {
	Version        int
	Stratum        uint8
	ReferenceID    string
	Reference      time.Time // when its clock was set last, zero: it does not say
	Told           time.Time // what its clock showed when it answered
	Leap           uint8     // as in the packet
	Precision      time.Duration
	RootDelay      time.Duration
	RootDispersion time.Duration

	// Problem is why the server's time is not to be followed, or nil: it is not
	// synchronized, or not for long.
	Problem error
}

// Options of Ask. The zero value works.
type Options struct {
	Timeout time.Duration // of the whole; 0 is 5 s
	Format  string        // that timesync is asked for; "" is its default
}

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 5 * time.Second
}

// A teller is a service that tells the time.
type teller struct {
	name, scheme, port string // where it is if that is not said
	schemes            []string
	ask                func(ctx context.Context, t endpoint.Target, o Options) (Reading, error)
}

var streams = []string{"tcp", "tcp4", "tcp6", "unix", "tls"}
var datagrams = []string{"udp", "udp4", "udp6"}

func tellers() []teller {
	return []teller{
		{"ntp", "udp", "123", datagrams, askNTP},
		{"time", "tcp", "37", append(streams, datagrams...), askTime},
		{"daytime", "tcp", "13", append(streams, datagrams...), askDaytime},
		{"timesync", "udp", "9527", append(streams, append(datagrams, "ws", "wss", "unixgram", "unixpacket")...), askTimesync},
	}
}

func find(name string) (teller, error) {
	var names []string
	for _, s := range tellers() {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	if near := endpoint.Nearest(name, names); near != "" {
		return teller{}, fmt.Errorf("%q tells no time; nearest is %q", name, near)
	}
	return teller{}, fmt.Errorf("%q tells no time; what does are %s", name, strings.Join(names, " "))
}

// Parse reads SERVICE@ENDPOINT, where the scheme and the port may be left out: ntp@HOST is
// ntp@udp://HOST:123, and ntp@HOST:PORT is on UDP too.
func Parse(text string) (endpoint.Target, error) {
	name, at, _ := strings.Cut(text, "@")
	name, _, _ = strings.Cut(name, "?")
	s, err := find(name)
	if err != nil {
		return endpoint.Target{}, fmt.Errorf("target %q: %w", text, err)
	}
	if at == "" {
		return endpoint.Target{}, fmt.Errorf("target %q: no server; want %s@HOST", text, name)
	}
	t, err := endpoint.ParseTarget(text)
	if err != nil || !strings.Contains(at, ":/") && !strings.HasPrefix(at, "/") && !strings.HasPrefix(at, ".") {
		if full, ferr := s.complete(text, at); ferr == nil {
			t, err = full, nil
		}
	}
	if err != nil {
		return t, err
	}
	for param := range t.Params() {
		return t, fmt.Errorf("target %q: ?%s is of who serves %s, not of who asks", text, param, name)
	}
	for _, scheme := range s.schemes {
		if t.Endpoint.Scheme == scheme {
			return t, transport.CheckDial(t.Endpoint)
		}
	}
	return t, fmt.Errorf("target %q: %s is asked on %s, not on %s", text, name, strings.Join(s.schemes, " "), t.Endpoint.Scheme)
}

// complete reads a host with what is customary around it.
func (s teller) complete(text, at string) (endpoint.Target, error) {
	before := text[:len(text)-len(at)]
	host, options, found := strings.Cut(at, "?")
	if found {
		options = "?" + options
	}
	if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]"
	}
	if !strings.Contains(host[strings.LastIndexByte(host, ']')+1:], ":") {
		host += ":" + s.port
	}
	return endpoint.ParseTarget(before + s.scheme + "://" + host + options)
}

// Ask asks t once. ctx and o.Timeout bound it all, the lookup of names included. The error
// is one line that names t; an answer that cannot be what was asked for matches
// ErrAnswer.
func Ask(ctx context.Context, t endpoint.Target, o Options) (Reading, error) {
	s, err := find(t.Service)
	if err != nil {
		return Reading{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout())
	defer cancel()
	r, err := s.ask(ctx, t, o)
	r.Target = t
	return r, err
}
