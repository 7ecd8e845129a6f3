package main

import (
	"io"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// A statusLine is a line at the bottom of a terminal that says what goes on, and
// that is written anew in place. A nil one says nothing. It is safe for concurrent
// use.
type statusLine struct {
	to    io.Writer
	width func() int // of the terminal, in columns

	mu    sync.Mutex // guards what follows
	shown bool
	ended bool
}

// newStatusLine is nil where nobody looks at stderr, or where a line cannot be
// written anew.
func newStatusLine(e *env, quiet bool) *statusLine {
	f, ok := e.stderr.(*os.File)
	if quiet || !ok || !isTerminal(f) || e.getenv("TERM") == "dumb" {
		return nil
	}
	return &statusLine{to: f, width: func() int { return columns(f) }}
}

// columns is the width of a terminal, or 80 if it does not tell.
func columns(stream any) int {
	f, ok := stream.(*os.File)
	if !ok || !isTerminal(f) {
		return 80
	}
	width := 0
	if rc, err := f.SyscallConn(); err == nil { // Fd would make a non-blocking file blocking
		rc.Control(func(fd uintptr) { width, _, _ = term.GetSize(int(fd)) })
	}
	if width <= 0 {
		return 80
	}
	return width
}

// show replaces the line by what render makes for a width. The cursor stays in
// front of it: when the terminal becomes narrower the line is broken, and its
// first row is where the cursor is, so that all of it can be wiped.
func (l *statusLine) show(render func(width int) string) {
	if l == nil {
		return
	}
	room := l.width() - 1
	text := ansi.Truncate(render(room), room, "")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	io.WriteString(l.to, wipeLine+text+"\r")
	l.shown = true
}

// wipeLine wipes the line that the cursor is in, and what is below it.
const wipeLine = "\r\x1b[J"

// clear wipes the line, so that others can be written.
func (l *statusLine) clear() {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.clearLocked()
	}
}

// end is clear for good.
func (l *statusLine) end() {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.clearLocked()
		l.ended = true
	}
}

// clearLocked needs l.mu.
func (l *statusLine) clearLocked() {
	if l.shown {
		io.WriteString(l.to, wipeLine)
		l.shown = false
	}
}
