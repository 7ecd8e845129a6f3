package endpoint

import (
	"strconv"
	"strings"
)

// Parse reads an endpoint: the full form or a short one. Every error is a
// *[ParseError].
//
// A scheme and a host may be in capitals. What names a path may have two slashes
// more: unix:run/x and unix://run/x are the same, and so are unix:/run/x and
// unix:///run/x. A text such as tcp:7, which could be the host tcp or a scheme
// without its slashes, is an error.
func Parse(s string) (Endpoint, error) {
	p := parser{text: s}
	return p.endpoint(0)
}

// MustParse is Parse for text that is known to be good, in tests and tables. It
// panics with the error.
func MustParse(s string) Endpoint {
	e, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return e
}

// endpoint reads the rest of the text, from from.
func (p parser) endpoint(from int) (Endpoint, error) {
	if err := p.plain(from); err != nil {
		return Endpoint{}, err
	}
	end := len(p.text)
	if i := strings.IndexByte(p.text[from:], '?'); i >= 0 {
		end = from + i
	}
	s, body, err := p.scheme(from, end)
	if err != nil {
		return Endpoint{}, err
	}
	e, err := p.place(body, end, s)
	if err != nil {
		return Endpoint{}, err
	}
	if e.query, err = p.query(end, len(p.text), "option"); err != nil {
		return Endpoint{}, err
	}
	return e, nil
}

// plain refuses what is more likely an accident than a part of a name: control
// characters, and spaces around the text.
func (p parser) plain(from int) error {
	to := len(p.text)
	for i := from; i < to; i++ {
		if c := p.text[i]; c < ' ' || c == 0x7f {
			return p.fail(i, i+1, "control character %q; a path or an option has it as \"%%%02X\"", c, c)
		}
	}
	for _, i := range []int{from, to - 1} {
		if from < to && p.text[i] == ' ' {
			return p.fail(i, i+1, "\" \" at the edge; a path or an option has it as \"%%20\"")
		}
	}
	return nil
}

// scheme finds the scheme of the endpoint in text[from:to], and where the part
// after it begins.
func (p parser) scheme(from, to int) (s scheme, body int, err error) {
	text := p.text[from:to]
	if isPath(text) {
		s, _ = findScheme("unix")
		return s, from, nil
	}
	if strings.HasPrefix(text, "@") {
		return s, 0, p.fail(from, to, "expected a scheme before %q; an abstract socket is written %q", text, "unix:"+text)
	}
	word, rest, found := strings.Cut(text, ":")
	body = from + len(word) + 1
	s, known := findScheme(strings.ToLower(word))
	slashes := strings.HasPrefix(rest, "//")
	switch {
	case found && known && s.form == formPath && !slashes:
		return s, body, nil
	case found && known && slashes:
		return s, body + 2, nil
	case found && known:
		return s, 0, p.fail(body, to, "expected \"//%s\" after %q", s.shape(), word+":")
	case found && (isPath(rest) || strings.HasPrefix(rest, "@")):
		return s, 0, p.unknownScheme(from, from+len(word))
	}
	s, _ = findScheme("tcp")
	return s, from, nil
}

// isPath reports whether text is the short form of a unix socket.
func isPath(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../")
}

func (p parser) unknownScheme(from, to int) error {
	word := p.text[from:to]
	if word == "" {
		return p.fail(from, to, "expected a scheme before %q", ":")
	}
	if near := Nearest(word, Schemes()); near != "" {
		return p.fail(from, to, "unknown scheme %q; nearest is %q", word, near)
	}
	return p.fail(from, to, "unknown scheme %q; expected one of %s", word, strings.Join(Schemes(), " "))
}

// shape is what follows "//", for errors.
func (s scheme) shape() string {
	switch s.form {
	case formHost:
		return "host"
	case formResource:
		return "host:port/path"
	}
	return "host:port"
}

// place reads text[from:to], what is between scheme and options.
func (p parser) place(from, to int, s scheme) (Endpoint, error) {
	e := Endpoint{Scheme: s.name}
	var err error
	if s.form == formPath {
		e.Path, err = p.path(from, to, s)
		return e, err
	}
	slash := to
	if i := strings.IndexByte(p.text[from:to], '/'); i >= 0 {
		slash = from + i
	}
	if slash < to && s.form != formResource {
		return e, p.fail(slash, to, "expected nothing after %s, not %q; %s has no path", s.shape(), p.text[slash:to], s.name)
	}
	if e.Host, e.Port, err = p.hostPort(from, slash, s); err != nil {
		return e, err
	}
	if s.form == formResource {
		e.Path, err = p.resource(slash, to)
	}
	return e, err
}

// path reads the path of a scheme that has no host.
func (p parser) path(from, to int, s scheme) (string, error) {
	text := p.text[from:to]
	if text == "" {
		return "", p.fail(from, to, "expected %s", s.path)
	}
	path, err := p.unescape(from, to)
	if err != nil || !strings.HasPrefix(s.name, "unix") {
		return path, err
	}
	if path == "@" {
		return "", p.fail(to, to, "expected the name of an abstract socket after \"@\"")
	}
	// A percent sign only ever begins an escape, so this finds no other.
	if i := strings.Index(text, "%00"); i >= 0 && path[0] != '@' {
		return "", p.fail(from+i, from+i+3, "%q in a socket path; only an abstract name (\"@name\") can hold a zero byte", "%00")
	}
	return path, nil
}

// resource reads the path of a URL. None is "/".
func (p parser) resource(from, to int) (string, error) {
	if from == to {
		return "/", nil
	}
	return p.unescape(from, to)
}

// query reads text[from:to], which is empty or begins with "?", as a canonical
// query. noun is what its names are, for errors.
func (p parser) query(from, to int, noun string) (string, error) {
	if to-from < 2 {
		return "", nil
	}
	var pairs []pair
	seen := make(map[string]bool)
	for from++; from <= to; {
		end := to
		if i := strings.IndexByte(p.text[from:to], '&'); i >= 0 {
			end = from + i
		}
		o, err := p.pair(from, end, noun)
		if err != nil {
			return "", err
		}
		if seen[o.name] {
			return "", p.fail(from, end, "%s %q is given twice", noun, o.name)
		}
		seen[o.name] = true
		pairs = append(pairs, o)
		from = end + 1
	}
	return queryString(pairs), nil
}

// pair reads name=value or name.
func (p parser) pair(from, to int, noun string) (o pair, err error) {
	name, _, found := strings.Cut(p.text[from:to], "=")
	nameEnd := from + len(name)
	if name == "" {
		return o, p.fail(from, to, "expected the name of %s %s%s", article(noun), noun, before(p.text[from:to]))
	}
	if o.name, err = p.unescape(from, nameEnd); err != nil || !found {
		return o, err
	}
	o.value, err = p.unescape(nameEnd+1, to)
	return o, err
}

func article(noun string) string {
	if strings.IndexByte("aeiou", noun[0]) >= 0 {
		return "an"
	}
	return "a"
}

// before quotes the text that something is missing before, if there is any.
func before(text string) string {
	if text == "" {
		return ""
	}
	return " before " + strconv.Quote(text)
}

// unescape decodes text[from:to].
func (p parser) unescape(from, to int) (string, error) {
	text := p.text[from:to]
	if i := badEscape(text); i >= 0 {
		bad := text[i:min(i+3, len(text))]
		return "", p.fail(from+i, from+i+len(bad), "%q is not percent-encoded; a percent sign is \"%%25\"", bad)
	}
	return unescape(text), nil
}
