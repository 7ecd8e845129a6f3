package main

import (
	"errors"
	"fmt"
	"io"

	"parley"
)

// input is our side of one conversation after another: stdin, read by a
// goroutine of its own, because a read of a terminal or pipe cannot be
// interrupted. What one conversation has not sent is there for the next.
//
// The goroutine reads one chunk ahead and no more. It begins with the first
// next, and ends at the end of stdin; or after close, as soon as a read that is
// under way returns, which nobody waits for.
type input struct {
	// Constant after begin.
	r       io.Reader
	size    int            // of a read, in bytes
	framing parley.Framing // what cuts the input into messages; nil: each read is a piece
	max     int            // bytes of a message
	crlf    *crlfWriter    // nil: line ends stay as they are

	chunks chan chunk
	taken  chan struct{} // the last chunk's buffer may be used again
	quit   chan struct{}

	// Of the goroutine that calls next.
	begun bool
	held  bool   // a chunk was received that was not given back
	rest  []byte // a piece that was put back
	frame []byte // not yet a message
	err   error  // after what is in frame
	made  []byte // buffer of crlf

	unfinished int // bytes at the end of stdin that are no whole message
}

// chunk is what one read of stdin gave.
type chunk struct {
	b   []byte
	err error
}

// errStopped is the end of next because it was told so.
var errStopped = errors.New("stopped")

// inputError is a failure of reading stdin.
type inputError struct{ err error }

func (e *inputError) Error() string { return fmt.Sprintf("read standard input: %v", cause(e.err)) }
func (e *inputError) Unwrap() error { return e.err }

func newInput(r io.Reader) *input {
	return &input{r: r, chunks: make(chan chunk), taken: make(chan struct{}, 1), quit: make(chan struct{})}
}

// read is the goroutine.
func (in *input) read() {
	buf := make([]byte, in.size)
	for {
		n, err := in.r.Read(buf)
		select {
		case in.chunks <- chunk{buf[:n], err}:
		case <-in.quit:
			return
		}
		if err != nil {
			return
		}
		select {
		case <-in.taken:
		case <-in.quit:
			return
		}
	}
}

// close lets the goroutine end.
func (in *input) close() { close(in.quit) }

// next returns the next piece to send, which is one message on transports that
// have messages. It is valid until the following call. The error is io.EOF at
// the end of stdin, now and for ever, also where that is within a message, whose
// bytes are then in unfinished; errStopped once stop is closed and nothing
// has been read that waits; or an *inputError.
func (in *input) next(stop <-chan struct{}) ([]byte, error) {
	if in.rest != nil {
		piece := in.rest
		in.rest = nil
		return piece, nil
	}
	for {
		if piece, ok := in.cut(); ok {
			return piece, nil
		}
		if in.err != nil {
			return nil, in.err
		}
		if err := in.fill(stop); err != nil {
			return nil, err
		}
	}
}

// putBack makes next return piece again.
func (in *input) putBack(piece []byte) {
	if piece != nil {
		in.rest = piece
	}
}

// waiting returns how many bytes were read from stdin and not taken by next.
func (in *input) waiting() int {
	select {
	case c := <-in.chunks:
		in.receive(c)
	default:
	}
	return len(in.rest) + len(in.frame)
}

// fill waits for the next chunk. Once stop is closed it only takes what has been
// read already.
func (in *input) fill(stop <-chan struct{}) error {
	select {
	case <-stop:
		return in.lastFill()
	default:
	}
	in.giveBack()
	if !in.begun {
		in.begun = true
		go in.read() // see input for its end
	}
	select {
	case c := <-in.chunks:
		in.receive(c)
		return nil
	case <-stop:
		return in.lastFill()
	}
}

func (in *input) lastFill() error {
	select {
	case c := <-in.chunks:
		in.receive(c)
		return nil
	default:
		return errStopped
	}
}

func (in *input) receive(c chunk) {
	in.held = true
	if in.framing == nil {
		in.frame = c.b
	} else {
		in.frame = append(in.frame, c.b...)
	}
	if c.err != nil && c.err != io.EOF {
		c.err = &inputError{c.err}
	}
	in.err = c.err
}

// giveBack lets the goroutine read again.
func (in *input) giveBack() {
	if in.held {
		in.held = false
		in.taken <- struct{}{}
	}
}

// cut takes the next piece off what has been read.
func (in *input) cut() ([]byte, bool) {
	if len(in.frame) == 0 {
		return nil, false
	}
	if in.framing == nil {
		piece := in.frame
		in.frame = nil
		return in.convert(piece), true
	}
	piece, n, err := in.framing.Split(in.frame, in.max, in.err == io.EOF)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		in.unfinished, in.frame = len(in.frame), nil
		return nil, false
	}
	if err != nil {
		in.err = &inputError{fmt.Errorf("cut into %s messages: %w", in.framing, err)}
		return nil, false
	}
	if n == 0 {
		return nil, false
	}
	in.frame = in.frame[n:]
	return in.convert(piece), true
}

func (in *input) convert(piece []byte) []byte {
	if in.crlf == nil {
		return piece
	}
	in.made = in.crlf.append(in.made[:0], piece)
	return in.made
}
