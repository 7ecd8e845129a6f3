package service

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley"
	"parley/endpoint"
)

// A Kind is a service by name: what it is, what parameters it takes, where it is
// served by default, and how one is made of a target.
type Kind struct {
	Name    string
	Summary string   // a line for people
	Params  []Param  // in the order of documentation
	Default []string // targets, on loopback
	Schemes []string // of endpoints where it can be served; nil is everywhere

	// New makes a service from parameters that are known to be in Params.
	New func(t endpoint.Target) (parley.Service, error)
}

// A Param is a parameter of a service: SERVICE?name=value@ENDPOINT.
type Param struct{ Name, Default, Summary string }

// Make makes the service that t asks for. A parameter that the kind does not
// have is an error that names the nearest one.
func (k Kind) Make(t endpoint.Target) (parley.Service, error) {
	names := make([]string, len(k.Params))
	for i, p := range k.Params {
		names[i] = p.Name
	}
	for name := range t.Params() {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("service %s: unknown parameter %q%s", k.Name, name, suggest(name, names))
		}
	}
	svc, err := k.New(t)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", k.Name, err)
	}
	return svc, nil
}

// Find returns the kind called name among kinds; the error names the nearest.
func Find(kinds []Kind, name string) (Kind, error) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		if k.Name == name {
			return k, nil
		}
		names[i] = k.Name
	}
	return Kind{}, fmt.Errorf("unknown service %q%s", name, suggest(name, names))
}

func suggest(word string, names []string) string {
	if near := endpoint.Nearest(word, names); near != "" {
		return fmt.Sprintf("; nearest is %q", near)
	}
	if len(names) == 0 {
		return "; it takes none"
	}
	return "; known are " + strings.Join(names, " ")
}

// All are the services of this package.
func All() []Kind {
	return []Kind{
		{Name: "echo", Summary: "answers every message with itself (RFC 862)",
			Default: both("echo", "7007"), New: fixed(Echo{})},
		{Name: "discard", Summary: "throws away what it gets (RFC 863)",
			Default: both("discard", "7009"), New: fixed(Discard{})},
		{Name: "chargen", Summary: "sends lines of characters without end (RFC 864)",
			Default: both("chargen", "7019"), New: fixed(Chargen{})},
		{Name: "daytime", Summary: "tells date and time in words (RFC 867)",
			Default: both("daytime", "7013"), New: fixed(Daytime{})},
		{Name: "time", Summary: "tells the seconds since 1900 as 32 bits (RFC 868)",
			Default: both("time", "7037"), New: fixed(Time{})},
		{Name: "ack", Summary: "logs every message and acknowledges it",
			Params:  []Param{{"reply", ackReply, "the acknowledgement"}},
			Default: []string{"ack@tcp://127.0.0.1:50000", "ack@udp://127.0.0.1:50001"}, New: newAck},
		{Name: "greet", Summary: "speaks first, logs one message, closes",
			Params: []Param{{"text", greetText, "the greeting"}},
			Default: []string{"greet@tcp://127.0.0.1:31500",
				"greet?text=hello%20I%20am%20server,welcome@tcp://127.0.0.1:2000"}, New: newGreet},
		{Name: "gate", Summary: "takes one message, the secret is welcome",
			Params:  []Param{{"secret", gateSecret, "what opens the gate"}, {"wait", gateWait.String(), "how long a peer may be silent, 0 for ever"}},
			Default: []string{"gate@tcp://127.0.0.1:8001"}, New: newGate},
		{Name: "stamp", Summary: "answers every message with the time before it",
			Default: both("stamp", "21567"), New: fixed(Stamp{})},
	}
}

// both is a service on TCP and UDP at one port.
func both(name, port string) []string {
	return []string{name + "@tcp://127.0.0.1:" + port, name + "@udp://127.0.0.1:" + port}
}

// fixed makes a service that has no parameters.
func fixed(svc parley.Service) func(endpoint.Target) (parley.Service, error) {
	return func(endpoint.Target) (parley.Service, error) { return svc, nil }
}

func newAck(t endpoint.Target) (parley.Service, error) {
	reply, err := text(t, "reply")
	return Ack{Reply: reply}, err
}

func newGreet(t endpoint.Target) (parley.Service, error) {
	greeting, err := text(t, "text")
	return Greet{Text: greeting}, err
}

func newGate(t endpoint.Target) (parley.Service, error) {
	secret, err := text(t, "secret")
	if err != nil {
		return nil, err
	}
	if len(trimEnd([]byte(secret))) < len(secret) {
		return nil, errors.New("parameter secret: ends in a line end, which does not count")
	}
	g := Gate{Secret: secret}
	if v, ok := t.Param("wait"); ok {
		if g.Wait, err = endpoint.ParseDuration(v); err != nil {
			return nil, fmt.Errorf("parameter wait: %w", err)
		}
		if g.Wait == 0 {
			g.Wait = -time.Second
		}
	}
	return g, nil
}

// text is a parameter that may be left out, but not be empty.
func text(t endpoint.Target, name string) (string, error) {
	v, ok := t.Param(name)
	if ok && v == "" {
		return "", fmt.Errorf("parameter %s: %w", name, errEmpty)
	}
	return v, nil
}

var errEmpty = errors.New("is empty")
