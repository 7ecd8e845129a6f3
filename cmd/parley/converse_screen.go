package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

// screen is a terminal on which a line is edited while output appears above it.
// Read gives a line of input, Write shows output. An unfinished last line of
// output stays on the line being edited, before what is typed: so a peer that
// asks "login: " is answered on the same line.
type screen struct {
	term      *term.Terminal
	file      *os.File // stdin
	fd        int
	saved     *term.State
	out       io.Writer
	env       *env
	stderr    io.Writer // env's, while say goes to the screen
	keys      *keyboard
	stopSizes func()

	mu      sync.Mutex // guards what follows
	prompt  string
	partial []byte // an unfinished line of output
	line    []byte // what is left of a line for Read
	closed  bool
}

// nothing is a prompt that cannot be seen, but which the editor counts as one
// column: without it the editor takes the cursor for being outside of a line, and
// does not repaint the line when its prompt changes.
const nothing = "\x00"

// longestPartial is how many bytes an unfinished line has at most before it is
// shown as a line.
const longestPartial = 512

// openScreen makes a line editor of stdin and stdout, which are terminals. interrupt
// is called for Ctrl-C. close restores the terminal.
func openScreen(e *env, prompt string, interrupt func()) (*screen, error) {
	in, out := e.stdin.(*os.File), e.stdout
	s := &screen{file: in, out: out, env: e, prompt: nothing + prompt}
	rc, err := in.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := rc.Control(func(fd uintptr) { s.fd = int(fd) }); err != nil {
		return nil, err
	}
	if s.saved, err = term.MakeRaw(s.fd); err != nil {
		return nil, err
	}
	s.keys = newKeyboard(in, interrupt)
	s.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{s.keys, out}, s.prompt)
	s.resize()
	s.stopSizes = watchSizes(s.resize)
	if isTerminal(e.stderr) {
		s.stderr = e.stderr
		e.stderr = talkWriter{s}
	}
	return s, nil
}

// resize tells the editor the size of the terminal.
func (s *screen) resize() {
	if w, h, err := term.GetSize(s.fd); err == nil && w > 0 {
		s.term.SetSize(w, h)
	}
}

// close restores the terminal. A line that is being edited disappears.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.stopSizes()
	s.keys.close()
	if s.stderr != nil {
		s.env.stderr = s.stderr
	}
	end := "\r\x1b[K"
	if len(s.partial) > 0 {
		end = "\r\n"
	}
	io.WriteString(s.out, end)
	term.Restore(s.fd, s.saved)
}

// Read gives one line, its line feed included, or as much of it as p takes. The
// error is io.EOF after Ctrl-D.
func (s *screen) Read(p []byte) (int, error) {
	if len(s.line) == 0 {
		line, err := s.term.ReadLine()
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return 0, err
		}
		s.line = append([]byte(line), '\n')
		s.entered()
	}
	n := copy(p, s.line)
	s.line = s.line[n:]
	return n, nil
}

// entered ends the unfinished line of output: the cursor has left it.
func (s *screen) entered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial = s.partial[:0]
	s.term.SetPrompt(s.prompt)
}

// Write shows output.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.out.Write(p)
	}
	text := append(s.partial, p...)
	i := bytes.LastIndexByte(text, '\n') + 1
	if len(text)-i > longestPartial {
		text = append(text, '\n')
		i = len(text)
	}
	done := bytes.Clone(text[:i])
	s.partial = append(s.partial[:0], text[i:]...)
	s.term.SetPrompt(nothing + string(s.partial) + s.prompt[len(nothing):])
	if _, err := s.term.Write(done); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *screen) terminal() bool { return true }

// talkWriter is stderr while the screen has the terminal.
type talkWriter struct{ s *screen }

func (w talkWriter) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.s.closed {
		return w.s.stderr.Write(p)
	}
	return w.s.term.Write(p)
}

func (w talkWriter) terminal() bool { return true }

// keyboard reads the terminal for the editor. It reads ahead, so that Ctrl-C is
// seen while nobody asks for a line: when the peer takes no input, say.
type keyboard struct {
	interrupt func()
	more      chan struct{} // of 1
	quit      chan struct{}

	mu   sync.Mutex // guards what follows
	keys []byte
	err  error
}

// typeahead is how many bytes are kept of what is typed or pasted while no line
// is asked for. Reading pauses then.
const typeahead = 64 << 10

// ctrlC is what a terminal in raw mode sends in place of a signal.
const ctrlC = 3

func newKeyboard(r io.Reader, interrupt func()) *keyboard {
	k := &keyboard{interrupt: interrupt, more: make(chan struct{}, 1), quit: make(chan struct{})}
	go k.read(r) // ends when a read fails, or returns after close: a terminal's read cannot be interrupted
	return k
}

func (k *keyboard) read(r io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		select {
		case <-k.quit:
			return
		default:
		}
		if errors.Is(err, syscall.EIO) {
			err = io.EOF // the terminal was hung up
		}
		full := k.add(buf[:n], err)
		if err != nil {
			return
		}
		for full {
			select {
			case <-time.After(10 * time.Millisecond):
				full = k.full()
			case <-k.quit:
				return
			}
		}
	}
}

// add appends what was typed. Ctrl-C throws away what was typed before it.
func (k *keyboard) add(b []byte, err error) (full bool) {
	if i := bytes.LastIndexByte(b, ctrlC); i >= 0 {
		k.interrupt()
		b = b[i+1:]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, b...)
	k.err = err
	select {
	case k.more <- struct{}{}:
	default:
	}
	return len(k.keys) > typeahead
}

func (k *keyboard) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys) > typeahead
}

// Read is what the editor reads.
func (k *keyboard) Read(p []byte) (int, error) {
	for {
		k.mu.Lock()
		n := copy(p, k.keys)
		k.keys = k.keys[n:]
		err := k.err
		k.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case err != nil:
			return 0, err
		}
		select {
		case <-k.more:
		case <-k.quit:
			return 0, io.EOF
		}
	}
}

func (k *keyboard) close() { close(k.quit) }
