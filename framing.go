package parley

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A Framing cuts a byte stream into messages and joins messages to a stream. It
// holds no state: what is not yet a message stays in the caller's buffer. A
// Framing is safe for concurrent use.
type Framing interface {
	// Split finds the first message in data. n is how many bytes it took
	// from data, the frame around the message included; 0 means that more
	// bytes are needed. msg is a part of data, at most max bytes long, and
	// may be empty when n is not 0.
	//
	// last reports that nothing follows data: the peer has ended its
	// direction, or paused (see [Pauser]). An end in the middle of a message
	// that cannot end there is io.ErrUnexpectedEOF. A message known to
	// be longer than max is [ErrMessageTooLong].
	Split(data []byte, max int, last bool) (msg []byte, n int, err error)

	// Append appends msg, framed, to dst. A message that the frame cannot
	// carry is an error, and dst is returned as it was.
	Append(dst, msg []byte) ([]byte, error)

	// String is the name that ParseFraming reads.
	String() string
}

// A Pauser is a framing for which what has been received is a message as soon
// as the peer pauses for that long.
type Pauser interface {
	Pause() time.Duration
}

// pauseOf is the pause of a framing that has one, or 0.
func pauseOf(f Framing) time.Duration {
	if p, ok := f.(Pauser); ok {
		return p.Pause()
	}
	return 0
}

// The framings that have no parameter.
var (
	// Raw takes each read as a message and writes messages as they are.
	Raw Framing = rawFraming{}

	// Text takes a line as a message, with its line feed, or what there is
	// when the peer pauses for 100 ms or ends. Messages are written as they
	// are. So a program that sends without a newline is answered, and a long
	// line that arrives in parts is still one message.
	Text Framing = textFraming{}

	// Line is a message a line. The line feed, and a carriage return before
	// it, are taken off; a line feed is added where there is none. The last
	// line needs none.
	Line Framing = lineFraming{}

	// Nul ends each message with a zero byte. The last message needs none.
	Nul Framing = nulFraming{}

	// Len32 is a big-endian 32-bit length before each message.
	Len32 Framing = len32Framing{}
)

// Fixed is messages of n bytes each, without a frame. It panics if n < 1.
func Fixed(n int) Framing {
	if n < 1 {
		panic("parley: Fixed: size " + strconv.Itoa(n) + " is not positive")
	}
	return fixedFraming(n)
}

// MaxFixed is the largest size that ParseFraming takes for fixed:N.
const MaxFixed = 1 << 30

// ParseFraming reads the name of a framing: raw, line, text, len32, nul, or
// fixed:N.
func ParseFraming(s string) (Framing, error) {
	for _, f := range []Framing{Raw, Line, Text, Len32, Nul} {
		if s == f.String() {
			return f, nil
		}
	}
	size, ok := strings.CutPrefix(s, "fixed:")
	if !ok {
		return nil, fmt.Errorf("framing %q: want raw, line, text, len32, nul or fixed:N", s)
	}
	n, err := strconv.Atoi(size)
	if err != nil || n < 1 || n > MaxFixed || size[0] == '+' {
		return nil, fmt.Errorf("framing %q: the size of a fixed message is 1 to %d bytes", s, MaxFixed)
	}
	return fixedFraming(n), nil
}

// textPause is how long a text peer is silent before what it sent is a message.
const textPause = 100 * time.Millisecond

type rawFraming struct{}

func (rawFraming) Split(data []byte, max int, last bool) ([]byte, int, error) {
	n := min(len(data), max)
	return data[:n], n, nil
}
func (rawFraming) Append(dst, msg []byte) ([]byte, error) { return append(dst, msg...), nil }
func (rawFraming) String() string                         { return "raw" }

type textFraming struct{}

func (textFraming) Split(data []byte, max int, last bool) ([]byte, int, error) {
	if i := bytes.IndexByte(data[:min(len(data), max)], '\n'); i >= 0 {
		return data[:i+1], i + 1, nil
	}
	if len(data) > max {
		return nil, 0, ErrMessageTooLong
	}
	if last {
		return data, len(data), nil
	}
	return nil, 0, nil
}
func (textFraming) Append(dst, msg []byte) ([]byte, error) { return append(dst, msg...), nil }
func (textFraming) String() string                         { return "text" }
func (textFraming) Pause() time.Duration                   { return textPause }

type lineFraming struct{}

func (lineFraming) Split(data []byte, max int, last bool) ([]byte, int, error) {
	msg, n, err := splitAt(data, '\n', max+1, last)
	if err != nil || n == 0 {
		return nil, 0, err
	}
	if n > len(msg) && len(msg) > 0 && msg[len(msg)-1] == '\r' {
		msg = msg[:len(msg)-1]
	}
	if len(msg) > max {
		return nil, 0, ErrMessageTooLong
	}
	return msg, n, nil
}

// Append takes a message that already ends its line, so that a service may
// answer "text\n" under any framing.
func (lineFraming) Append(dst, msg []byte) ([]byte, error) {
	if n := len(msg); n > 0 && msg[n-1] == '\n' {
		msg = msg[:n-1]
	}
	return appendEnded(dst, msg, '\n')
}
func (lineFraming) String() string { return "line" }

type nulFraming struct{}

func (nulFraming) Split(data []byte, max int, last bool) ([]byte, int, error) {
	return splitAt(data, 0, max, last)
}
func (nulFraming) Append(dst, msg []byte) ([]byte, error) { return appendEnded(dst, msg, 0) }
func (nulFraming) String() string                         { return "nul" }

// splitAt finds the message that the byte end follows; the last one needs none.
func splitAt(data []byte, end byte, max int, last bool) ([]byte, int, error) {
	if i := bytes.IndexByte(data[:min(len(data), max+1)], end); i >= 0 {
		return data[:i], i + 1, nil
	}
	if len(data) > max {
		return nil, 0, ErrMessageTooLong
	}
	if last {
		return data, len(data), nil
	}
	return nil, 0, nil
}

// appendEnded refuses a message that holds its own end: it would arrive as two.
func appendEnded(dst, msg []byte, end byte) ([]byte, error) {
	if bytes.IndexByte(msg, end) >= 0 {
		return dst, fmt.Errorf("%w: it holds the byte %q that ends one", ErrUnframeable, end)
	}
	return append(append(dst, msg...), end), nil
}

type len32Framing struct{}

func (len32Framing) Split(data []byte, max int, last bool) ([]byte, int, error) {
	if len(data) < 4 {
		return nil, 0, unfinished(data, last)
	}
	size := binary.BigEndian.Uint32(data)
	if uint64(size) > uint64(max) {
		return nil, 0, ErrMessageTooLong
	}
	n := 4 + int(size)
	if len(data) < n {
		return nil, 0, unfinished(data, last)
	}
	return data[4:n], n, nil
}

func (len32Framing) Append(dst, msg []byte) ([]byte, error) {
	if uint64(len(msg)) > 1<<32-1 {
		return dst, fmt.Errorf("%w: %d bytes do not fit a 32-bit length", ErrUnframeable, len(msg))
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(msg))), msg...), nil
}
func (len32Framing) String() string { return "len32" }

type fixedFraming int

func (f fixedFraming) Split(data []byte, max int, last bool) ([]byte, int, error) {
	n := int(f)
	if n > max {
		return nil, 0, ErrMessageTooLong
	}
	if len(data) < n {
		return nil, 0, unfinished(data, last)
	}
	return data[:n], n, nil
}

func (f fixedFraming) Append(dst, msg []byte) ([]byte, error) {
	if len(msg) != int(f) {
		return dst, fmt.Errorf("%w: %d bytes in a frame of %d", ErrUnframeable, len(msg), int(f))
	}
	return append(dst, msg...), nil
}
func (f fixedFraming) String() string { return "fixed:" + strconv.Itoa(int(f)) }

// unfinished is the error of a stream that ends inside a frame.
func unfinished(data []byte, last bool) error {
	if last && len(data) > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}
