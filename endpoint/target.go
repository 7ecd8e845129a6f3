package endpoint

import (
	"errors"
	"iter"
	"strings"
)

// A Target is a service at an endpoint, with the parameters of the service. It
// is a value: two that [ParseTarget] has read are equal (==) when they mean the
// same text.
type Target struct {
	Service  string   // a letter a-z, then letters, digits and hyphens
	Endpoint Endpoint // zero where none is named: the service's default

	params string // canonical, see query.go
}

// ParseTarget reads SERVICE?param=value&param=value@ENDPOINT. Parameters and
// endpoint may be left out: echo alone is a target. The first "@" ends the
// service part; in a parameter it is %40. Every error is a *[ParseError].
func ParseTarget(s string) (Target, error) {
	p := parser{kind: "target", text: s}
	if err := p.plain(0); err != nil {
		return Target{}, err
	}
	service, _, found := strings.Cut(s, "@")
	at := len(service)
	name, _, _ := strings.Cut(service, "?")
	if badName(name) {
		return Target{}, p.notService(len(name))
	}
	t := Target{Service: name}
	var err error
	if t.params, err = p.query(len(name), at, "parameter"); err != nil {
		return Target{}, err
	}
	if !found {
		return t, nil
	}
	if at+1 == len(s) {
		return Target{}, p.fail(at+1, at+1, "expected an endpoint after \"@\"")
	}
	if t.Endpoint, err = p.endpoint(at + 1); err != nil {
		return Target{}, p.misplacedAt(err, at+1, t.params != "")
	}
	return t, nil
}

// badName reports whether s is no name of a service.
func badName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z') && (i == 0 || !isDigit(c) && c != '-') {
			return true
		}
	}
	return s == ""
}

// notService returns the error for text[:to], which is no name of a service. An
// endpoint without a service is the likeliest slip.
func (p parser) notService(to int) error {
	name := p.text[:to]
	if e, err := Parse(p.text); err == nil {
		return p.fail(0, len(p.text), "expected a service before the endpoint, as in %q", "echo@"+e.Bare().String())
	}
	if name == "" {
		return p.fail(0, 0, "expected SERVICE@ENDPOINT; the service is missing")
	}
	return p.fail(0, to, "%q is not a service; expected a letter a-z, then letters, digits and \"-\"", name)
}

// misplacedAt adds to an error of the endpoint at from what to do when an "@" of
// a parameter has ended the service part too early.
func (p parser) misplacedAt(err error, from int, hasParams bool) error {
	var bad *ParseError
	if hasParams && strings.Contains(p.text[from:], "@") && errors.As(err, &bad) {
		bad.Reason += "; an \"@\" in a parameter is written \"%40\""
	}
	return err
}

// String returns the canonical text, which ParseTarget reads back to the same
// Target.
func (t Target) String() string {
	text := t.Service
	if t.params != "" {
		text += "?" + t.params
	}
	if !t.Endpoint.IsZero() {
		text += "@" + t.Endpoint.String()
	}
	return text
}

// Param returns the value of a parameter, and whether it is there. A parameter
// without "=" has the value "".
func (t Target) Param(name string) (value string, ok bool) {
	return queryGet(t.params, name)
}

// Params yields the parameters in the order of their names.
func (t Target) Params() iter.Seq2[string, string] {
	return queryAll(t.params)
}

// WithEndpoint returns the same service, with its parameters, at another
// endpoint.
func (t Target) WithEndpoint(e Endpoint) Target {
	t.Endpoint = e
	return t
}
