package screen

import (
	"io"
	"time"
)

// Options say where and how the screen is drawn. They are not modified after
// they are handed over.
type Options struct {
	In  io.Reader // keys; nil is the terminal. Its end leaves the chat
	Out io.Writer // nil is standard output

	// Where is what the status line calls the other side: an endpoint.
	Where string

	// Messages is how many are kept of each room; older ones are asked for
	// again when they are wanted. 0 is 10,000; it is at least 100.
	Messages int

	// Linger is how long leaving may take, while messages wait to be
	// acknowledged. 0 is 5 s, negative does not wait.
	Linger time.Duration

	// NoColor leaves colours out. The environment's NO_COLOR does too.
	NoColor bool

	// NoMouse leaves the mouse to the terminal, from the start; F2 switches.
	NoMouse bool

	Now      func() time.Time // nil is time.Now
	Location *time.Location   // of the times shown; nil is time.Local

	// Width and Height are the size of an Out that is no terminal; 0 is 80 by 24.
	Width, Height int
}

func (o *Options) messages() int {
	if o.Messages == 0 {
		return 10_000
	}
	return max(o.Messages, 100)
}

func (o *Options) linger() time.Duration {
	if o.Linger == 0 {
		return 5 * time.Second
	}
	return max(o.Linger, 0)
}

func (o *Options) now() time.Time {
	if o.Now == nil {
		return time.Now().In(o.location())
	}
	return o.Now().In(o.location())
}

func (o *Options) location() *time.Location {
	if o.Location == nil {
		return time.Local
	}
	return o.Location
}

// size is what is drawn on until the terminal tells its own.
func (o *Options) size() (width, height int) {
	width, height = 80, 24
	if o.Width > 0 {
		width = o.Width
	}
	if o.Height > 0 {
		height = o.Height
	}
	return width, height
}
