package main

import (
	"bytes"
	"errors"
	"io"
)

// lineInput takes standard input line by line. A line that is too long is left
// out whole, however long it is, and those after it are not touched. It is used by
// one goroutine.
type lineInput struct {
	in     *input
	max    int    // bytes of a line, without its end
	rest   []byte // read, and not yet a line
	long   bool   // what is skipped to the next line end
	number int    // of the line that next returned last, from 1
}

// errLongLine is a line that was left out.
var errLongLine = errors.New("line too long")

// next returns the next line without its end; the last one needs none. The error
// is errLongLine in place of a line, after which the next one can be asked for;
// or what input.next says.
func (l *lineInput) next(stop <-chan struct{}) (string, error) {
	for {
		if i := bytes.IndexByte(l.rest, '\n'); i >= 0 {
			line := l.rest[:i]
			l.rest = l.rest[i+1:]
			return l.whole(line)
		}
		if l.long = l.long || len(l.rest) > l.max+1; l.long { // 1: a carriage return
			l.rest = l.rest[:0]
		}
		piece, err := l.in.next(stop)
		if err == io.EOF && (l.long || len(l.rest) > 0) {
			line := l.rest
			l.rest = nil
			return l.whole(line)
		}
		if err != nil {
			return "", err
		}
		l.rest = append(l.rest, piece...)
	}
}

func (l *lineInput) whole(line []byte) (string, error) {
	l.number++
	line = bytes.TrimSuffix(line, []byte("\r"))
	long := l.long || len(line) > l.max
	l.long = false
	if long {
		return "", errLongLine
	}
	return string(line), nil
}

// typed is a line of standard input, or its end.
type typed struct {
	text   string
	number int   // of the line, from 1
	err    error // io.EOF, errLongLine, or what failed
}

// typing reads standard input ahead of who takes its lines.
type typing struct {
	lines chan typed // never closed; the last has an error that is not errLongLine
	stop  chan struct{}
	ended chan struct{}
}

// startTyping begins to read, lines of at most max bytes. close ends it.
func startTyping(in *input, max int) *typing {
	t := &typing{lines: make(chan typed), stop: make(chan struct{}), ended: make(chan struct{})}
	go t.read(&lineInput{in: in, max: max}) // ends with the input, or with close
	return t
}

func (t *typing) read(l *lineInput) {
	defer close(t.ended)
	for {
		text, err := l.next(t.stop)
		if errors.Is(err, errStopped) {
			return
		}
		select {
		case t.lines <- typed{text, l.number, err}:
		case <-t.stop:
			return
		}
		if err != nil && err != errLongLine {
			return
		}
	}
}

// close stops the reading, and waits for that.
func (t *typing) close() {
	close(t.stop)
	<-t.ended
}

// isQuit reports whether a line says that its writer leaves.
func isQuit(line string) bool { return line == "q" || line == "Q" }
