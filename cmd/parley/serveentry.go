package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"parley"
	"parley/endpoint"
	"parley/service"
	"parley/transport"
)

// An entry is one service that is to be served at one endpoint.
type entry struct {
	target  endpoint.Target
	service parley.Service
	place   place // of its endpoint in a services file; zero for an argument
}

// name is the entry for people, without parameters and options, which may hold
// secrets.
func (one entry) name() string {
	return one.target.Service + "@" + printed(one.target.Endpoint).String()
}

// isHall reports whether it is a chat, whose hall has to be opened first.
func (one entry) isHall() bool {
	_, ok := one.service.(closedHall)
	return ok
}

// placed puts err in its place in a services file.
func (one entry) placed(err error) error {
	if one.place.line > 0 {
		return one.place.of(err)
	}
	return err
}

// An entryError is why an entry cannot be served.
type entryError struct {
	name string // of the entry
	err  error
}

func (e *entryError) Error() string { return e.name + ": " + e.err.Error() }
func (e *entryError) Unwrap() error { return e.err }

// A wordError is what is wrong with a part of a word, word[from:to].
type wordError struct {
	from, to int
	err      error
}

func (e *wordError) Error() string { return e.err.Error() }
func (e *wordError) Unwrap() error { return e.err }

// reason is the error where the word is shown beside it.
func (e *wordError) reason() string {
	var bad *endpoint.ParseError
	var option *transport.OptionError
	switch {
	case errors.As(e.err, &option):
		return option.Error()
	case errors.As(e.err, &bad) && e.err == error(bad):
		return bad.Reason
	}
	return e.err.Error()
}

// A catalog makes entries of words.
type catalog struct {
	kinds []service.Kind
	fds   *listenFDs
}

// entriesOf reads the arguments, then the file; without either it is the default
// set. Everything that cannot be read is named.
func (e *env) entriesOf(f *serveFlags, args []string) ([]entry, error) {
	c := catalog{kinds: kinds(), fds: e.listenFDs()}
	if len(args) == 0 && f.file == "" {
		return c.defaultSet()
	}
	var all []entry
	var errs []error
	for _, word := range args {
		entries, err := c.entries(word)
		if err != nil {
			errs = append(errs, err)
		}
		all = append(all, entries...)
	}
	if f.file != "" {
		entries, err := e.readServices(c, f.file)
		if err != nil {
			errs = append(errs, parts(err)...)
		}
		all = append(all, entries...)
	}
	errs = append(errs, e.hallConflicts(all)...)
	if len(errs) > 0 {
		return nil, e.reportPlaced(statusUsage, errs)
	}
	return all, nil
}

// defaultSet is every service at each of its default endpoints.
func (c catalog) defaultSet() ([]entry, error) {
	var all []entry
	for _, k := range c.kinds {
		entries, err := c.entries(k.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// entries reads SERVICE?params@ENDPOINT; without an endpoint it is the service at
// its default ones. The error is a *wordError.
func (c catalog) entries(word string) ([]entry, error) {
	t, err := endpoint.ParseTarget(word)
	if err != nil {
		return nil, badWord(word, err)
	}
	kind, err := service.Find(c.kinds, t.Service)
	if err != nil {
		return nil, &wordError{0, len(t.Service), err}
	}
	svc, err := kind.Make(t)
	if err != nil {
		from, to := spanOfParam(word, t, kind, err)
		return nil, &wordError{from, to, err}
	}
	if t.Endpoint.IsZero() {
		return defaultsOf(kind, t, svc)
	}
	if t.Endpoint, err = c.fds.resolve(t.Endpoint); err == nil {
		err = transport.CheckListen(t.Endpoint)
	}
	if err == nil && kind.Schemes != nil && !slices.Contains(kind.Schemes, t.Endpoint.Scheme) {
		err = fmt.Errorf("%s is served on %s, not on %s", kind.Name, strings.Join(kind.Schemes, " "), t.Endpoint.Scheme)
	}
	if err != nil {
		from, to := spanOfOption(word, err)
		return nil, &wordError{from, to, err}
	}
	return []entry{{target: t, service: svc}}, nil
}

// defaultsOf is a service at its default endpoints. A default that has
// parameters of its own keeps them unless t has some.
func defaultsOf(kind service.Kind, t endpoint.Target, svc parley.Service) ([]entry, error) {
	var all []entry
	own := t.String() == t.Service
	for _, text := range kind.Default {
		d, err := endpoint.ParseTarget(text)
		if err != nil {
			return nil, err
		}
		if !own {
			all = append(all, entry{target: t.WithEndpoint(d.Endpoint), service: svc})
			continue
		}
		def, err := kind.Make(d)
		if err != nil {
			return nil, err
		}
		all = append(all, entry{target: d, service: def})
	}
	return all, nil
}

// badWord points at what ParseTarget could not read.
func badWord(word string, err error) error {
	var bad *endpoint.ParseError
	if !errors.As(err, &bad) || bad.Input != word {
		return &wordError{0, len(word), err}
	}
	return &wordError{bad.Offset, bad.Offset + bad.Length, err}
}

// spanOfParam finds the parameter of word that err is about: one that kind does
// not have, or whose value cannot be read.
func spanOfParam(word string, t endpoint.Target, kind service.Kind, err error) (from, to int) {
	var bad *endpoint.ParseError
	var param *paramError
	errors.As(err, &bad)
	service, _, _ := strings.Cut(word, "@")
	if errors.As(err, &param) {
		return spanOfPair(service, 0, param.name)
	}
	for name, value := range t.Params() {
		if !hasParam(kind, name) || value == "" || bad != nil && bad.Input == value {
			return spanOfPair(service, 0, name)
		}
	}
	return 0, len(service)
}

func hasParam(kind service.Kind, name string) bool {
	for _, p := range kind.Params {
		if p.Name == name {
			return true
		}
	}
	return false
}

// spanOfOption finds the option of word's endpoint that err is about, or is the
// whole endpoint.
func spanOfOption(word string, err error) (from, to int) {
	at := strings.IndexByte(word, '@') + 1
	var option *transport.OptionError
	if !errors.As(err, &option) {
		return at, len(word)
	}
	return spanOfPair(word[at:], at, option.Name)
}

// spanOfPair finds name=value in the query of text, which begins at offset of a
// word. What is written otherwise than it is meant (%61 for a) is not found: then
// it is all of text.
func spanOfPair(text string, offset int, name string) (from, to int) {
	head, query, _ := strings.Cut(text, "?")
	at := len(head) + 1
	for pair := range strings.SplitSeq(query, "&") {
		if n, _, _ := strings.Cut(pair, "="); n == name && n != "" {
			return offset + at, offset + at + len(pair)
		}
		at += len(pair) + 1
	}
	return offset, offset + len(text)
}
