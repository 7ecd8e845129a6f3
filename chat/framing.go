package chat

import (
	"bytes"
	"time"

	"parley"
	"parley/chat/wire"
)

// plainFraming is the framing of a plain peer: lines, or what there is when the
// peer pauses, as under parley.Text. A line that is too long comes in pieces of
// maxPlain bytes, which the hub refuses and skips to their end, so that it may
// be of any length.
type plainFraming struct{}

// plainPause is how long a plain peer is silent before what it sent is a line.
const plainPause = 200 * time.Millisecond

// maxPlain is a plain line's length with its end: one that is longer without an end
// is too long for sure.
const maxPlain = wire.MaxText + 2

func (plainFraming) Split(data []byte, max int, last bool) (msg []byte, n int, err error) {
	if i := bytes.IndexByte(data[:min(len(data), maxPlain, max)], '\n'); i >= 0 {
		return data[:i+1], i + 1, nil
	}
	switch {
	case len(data) >= maxPlain && max >= maxPlain:
		return data[:maxPlain], maxPlain, nil
	case len(data) > max:
		return nil, 0, parley.ErrMessageTooLong
	case last:
		return data, len(data), nil
	}
	return nil, 0, nil
}

func (plainFraming) Append(dst, msg []byte) ([]byte, error) { return append(dst, msg...), nil }
func (plainFraming) String() string                         { return "text" }
func (plainFraming) Pause() time.Duration                   { return plainPause }

// clientFraming is the framing of a client: lines, each with its end. What a
// stream ends with in mid-line was cut, and is nothing that the client said: to
// post half of a text would make its repeat the repeat of another one.
type clientFraming struct{ parley.Framing }

func (f clientFraming) Split(data []byte, max int, last bool) (msg []byte, n int, err error) {
	return f.Framing.Split(data, max, false)
}
