package main

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// asking is the sending direction of dial --ask: a line of input is sent, its
// answer awaited, then the next line is. The receiving direction writes to the
// output by way of write, and so tells it of answers.
type asking struct {
	c      *conversation
	end    string    // of a line sent: nothing on message transports
	prompt io.Writer // nil: the screen writes the prompt itself, or nobody is there to see it

	heard chan struct{} // of 1: something was received

	// Of the sending goroutine; read when it has ended.
	missed     int  // questions without an answer in time
	unanswered bool // the peer ended in place of an answer

	mu      sync.Mutex // guards what follows
	some    bool       // something of the answer is there
	open    bool       // the output is in the middle of a line
	outFail error
}

// askPrompt is written before each question on a terminal.
const askPrompt = "> "

// quiet is how long a peer pauses after an answer that does not end its line.
const quiet = 100 * time.Millisecond

func newAsking(c *conversation) *asking {
	a := &asking{c: c, heard: make(chan struct{}, 1)}
	if !c.datagram && c.message == nil {
		a.end = "\n"
		if c.talk.crlf {
			a.end = "\r\n"
		}
	}
	if c.terminal && c.screen == nil {
		a.prompt = c.env.stderr
		if isTerminal(c.env.stdout) {
			a.prompt = c.out
		}
	}
	return a
}

// ask asks until an empty line or the end of input. The error is as that of
// sendAll.
func (a *asking) ask() error {
	for {
		line, err := a.question()
		switch {
		case err == io.EOF || err == nil && len(line) == 0:
			a.endLine()
			return a.c.endSending()
		case err != nil:
			a.endLine()
			a.c.endSending()
			return err
		}
		a.begin()
		if err := a.c.write(append(line, a.end...)); err != nil {
			return err
		}
		if err := a.answer(); err != nil {
			a.c.endSending()
			return err
		}
	}
}

// question reads the next line of input, without its end.
func (a *asking) question() ([]byte, error) {
	if a.prompt != nil {
		io.WriteString(a.prompt, askPrompt)
	}
	line, err := a.c.in.next(a.c.stopSend)
	if err != nil {
		return nil, err
	}
	line = bytes.Clone(line)
	if a.c.told() { // nobody is there to answer it
		a.c.in.putBack(line)
		return nil, errStopped
	}
	return line, nil
}

// begin forgets what was received before the question.
func (a *asking) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.some = false
	select {
	case <-a.heard:
	default:
	}
}

// answer waits for the answer: a line, one message, or what has come when the
// peer is quiet.
func (a *asking) answer() error {
	var late <-chan time.Time
	if d, ok := a.patience(); ok {
		late = time.After(d)
	}
	for !a.complete() {
		select {
		case <-a.heard:
			late = time.After(quiet)
		case <-late:
			a.tooLate()
			return nil
		case <-a.c.stopSend:
			a.mu.Lock()
			a.unanswered = !a.some
			a.mu.Unlock()
			a.endLine()
			return errStopped
		}
	}
	a.endLine()
	return nil
}

// patience is how long to wait for the beginning of an answer, if not for ever.
func (a *asking) patience() (time.Duration, bool) {
	if a.c.talk.lingerSet {
		return a.c.talk.linger, true
	}
	return defaultLinger, a.c.datagram
}

// complete reports whether the answer needs no more.
func (a *asking) complete() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.some && (a.end == "" || !a.open)
}

// tooLate is the end of waiting: for more of an answer, or for any.
func (a *asking) tooLate() {
	a.mu.Lock()
	some := a.some
	a.mu.Unlock()
	a.endLine()
	if !some {
		d, _ := a.patience()
		a.missed++
		a.c.env.warn("no answer within %v", d)
	}
}

// write is the output of the receiving direction.
func (a *asking) write(b []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := writeOutput(a.c.out, b); err != nil {
		return err
	}
	if a.outFail != nil {
		return a.outFail
	}
	a.some = true
	if len(b) > 0 {
		a.open = b[len(b)-1] != '\n'
	}
	select {
	case a.heard <- struct{}{}:
	default:
	}
	return nil
}

// endLine ends a line of output that has no end.
func (a *asking) endLine() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open {
		a.open = false
		a.outFail = writeOutput(a.c.out, []byte("\n"))
	}
}

// leftOver is how many bytes of questions were read and not asked. An empty line
// is no question.
func (a *asking) leftOver() int {
	in := a.c.in
	n := in.waiting()
	if in.rest == nil && (bytes.HasPrefix(in.frame, []byte("\n")) || bytes.HasPrefix(in.frame, []byte("\r\n"))) {
		return 0
	}
	return n
}
