package endpoint

import "fmt"

// A ParseError says which part of a text could not be read, and what was
// expected there. Every error of [Parse], [ParseTarget], [ParseDuration],
// [ParseSize], [ParseRate] and [ParseBool] is a *ParseError.
type ParseError struct {
	Input          string // the whole text
	Offset, Length int    // the bytes of Input that could not be read; Length is 0 where something is missing
	Reason         string // one line

	kind string // what Input was to be; "" is an endpoint
}

// Error returns one line that quotes the whole input:
//
//	endpoint "tcpp://:7": unknown scheme "tcpp"; nearest is "tcp"
func (e *ParseError) Error() string {
	kind := e.kind
	if kind == "" {
		kind = "endpoint"
	}
	return fmt.Sprintf("%s %q: %s", kind, e.Input, e.Reason)
}

// A parser reads parts of one text. Its methods take the part as from and to,
// indexes of text, so that an error points into the whole.
type parser struct {
	kind string // as in ParseError
	text string
}

// fail returns the error for text[from:to]. The arguments are those of Sprintf;
// what comes from the text is to be quoted.
func (p parser) fail(from, to int, format string, args ...any) error {
	return &ParseError{
		Input:  p.text,
		Offset: from,
		Length: to - from,
		Reason: fmt.Sprintf(format, args...),
		kind:   p.kind,
	}
}
