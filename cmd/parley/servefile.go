package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A place is where a word stands in a services file.
type place struct {
	file   string
	line   int    // from 1; 0 is no place
	column int    // of the word's first byte, in bytes from 1
	length int    // of the word, in bytes
	text   string // the whole line
}

// A placedError is an error of a services file.
type placedError struct {
	place place // of what it is about
	text  string
	err   error
}

// Error is FILE:LINE:COLUMN and the reason.
func (e *placedError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.place.file, e.place.line, e.place.column, e.text)
}

func (e *placedError) Unwrap() error { return e.err }

// picture is the line with carets below what the error is about, indented. Each
// character takes one column, whatever it is.
func (e *placedError) picture() string {
	line := e.place.text
	from := min(e.place.column-1, len(line))
	to := min(from+e.place.length, len(line))
	carets := max(1, utf8.RuneCountInString(line[from:to]))
	return "    " + printable(line) + "\n" +
		"    " + strings.Repeat(" ", utf8.RuneCountInString(line[:from])) + strings.Repeat("^", carets) + "\n"
}

// printable is s with a blank for each tab and a question mark for whatever else
// could move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r), unicode.In(r, unicode.Mn, unicode.Me):
			return '?'
		}
		return r
	}, s)
}

// A fileWord is a word of a services file.
type fileWord struct {
	text  string
	place place
}

// splitServices returns the one word of every line that has one, and an error
// for each further word of a line. A byte order mark and carriage returns at the
// ends of lines are ignored.
func splitServices(file, text string) (words []fileWord, errs []error) {
	text = strings.TrimPrefix(text, "\ufeff")
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		for i, at := range wordsOf(line) {
			w := fileWord{line[at[0]:at[1]], place{file, number, at[0] + 1, at[1] - at[0], line}}
			if i == 0 {
				words = append(words, w)
				continue
			}
			errs = append(errs, &placedError{place: w.place,
				text: fmt.Sprintf("unexpected word %q; there is one SERVICE@ENDPOINT a line, and a space in it is %%20", w.text)})
			break
		}
	}
	return words, errs
}

// wordsOf returns where the words of a line are, up to a comment.
func wordsOf(line string) (words [][2]int) {
	for at := 0; at < len(line); {
		n := strings.IndexAny(line[at:], " \t")
		switch {
		case n == 0:
			at++
			continue
		case line[at] == '#':
			return words
		case n < 0:
			n = len(line) - at
		}
		words = append(words, [2]int{at, at + n})
		at += n
	}
	return words
}

// parseServices makes entries of a services file. The error joins one
// *placedError for every bad line.
func (c catalog) parseServices(file, text string) ([]entry, error) {
	words, errs := splitServices(file, text)
	var all []entry
	for _, w := range words {
		entries, err := c.entries(w.text)
		if err != nil {
			errs = append(errs, w.place.of(err))
		}
		for _, one := range entries {
			one.place = w.place
			all = append(all, one)
		}
	}
	if len(words)+len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: no service in it", file))
	}
	sortPlaced(errs)
	return all, errors.Join(errs...)
}

// of puts err, about the word at p or a part of it, in its place.
func (p place) of(err error) error {
	var word *wordError
	if !errors.As(err, &word) {
		return &placedError{place: p, text: err.Error(), err: err}
	}
	p.column, p.length = p.column+word.from, word.to-word.from
	return &placedError{place: p, text: word.reason(), err: err}
}

// maxServices is the size of the largest services file, in bytes: a device that
// never ends is not one.
const maxServices = 1 << 20

// readServices reads a services file; "-" is stdin.
func (e *env) readServices(c catalog, file string) ([]entry, error) {
	in := e.stdin
	if file == "-" {
		file = "stdin"
	} else {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxServices+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	case len(data) > maxServices:
		return nil, fmt.Errorf("%s: longer than %d bytes", file, maxServices)
	}
	return c.parseServices(file, string(data))
}
