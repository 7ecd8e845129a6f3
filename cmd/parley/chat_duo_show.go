package main

import (
	"bytes"
	"unicode/utf8"

	"parley/chat/text"
)

// showLines shows the whole lines of b and returns the rest. The error is
// errQuit when one of them is a q.
func (d *duo) showLines(b []byte) (rest []byte, err error) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return b, nil
		}
		if err := d.show(b[:i+1]); err != nil {
			return nil, err
		}
		b = b[i+1:]
	}
}

// showPart shows as a line what the peer paused after, but for a character that
// is not whole.
func (d *duo) showPart(b []byte) (rest []byte, err error) {
	end := len(b) - unfinishedRune(b)
	if end == 0 {
		return b, nil
	}
	return b[end:], d.show(b[:end])
}

// showLast shows what there is at the end of a stream.
func (d *duo) showLast(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return d.show(b)
}

// unfinishedRune is how many bytes at the end of b begin a character of UTF-8
// that needs more.
func unfinishedRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		last := b[len(b)-n:]
		if utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// show shows one line, with or without its end, made safe. The error is errQuit for
// a q.
func (d *duo) show(line []byte) error {
	ended := bytes.HasSuffix(line, []byte("\n"))
	line = text.StripTelnet(line)
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	switch {
	case isQuit(string(line)):
		return errQuit
	case len(line) == 0 && !ended:
		return nil // a telnet command
	}
	if d.shown++; d.shown == 1 {
		d.firstLine = string(line)
	}
	return writeOutput(d.out, append(text.AppendClean(nil, line), '\n'))
}
