package service

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"parley"
)

// Chargen sends lines of 72 printing characters (RFC 864): on a stream without
// end, as fast as the peer takes them, until it closes; to a datagram one
// line, or more if the datagram is as long, so that it never amplifies much.
type Chargen struct{}

const (
	chargenWidth = 72
	chargenFirst = byte(' ')
	chargenChars = int('~' - ' ' + 1)
	chargenLine  = chargenWidth + len("\r\n")
	chargenMost  = 512 // bytes in a datagram, of RFC 864
)

// chargenPage is the whole pattern once: as many lines as there are characters.
var chargenPage = func() []byte {
	page := make([]byte, 0, chargenChars*chargenLine)
	for first := range chargenChars {
		for i := range chargenWidth {
			page = append(page, chargenFirst+byte((first+i)%chargenChars))
		}
		page = append(page, '\r', '\n')
	}
	return page
}()

// Serve answers a datagram.
func (Chargen) Serve(c *parley.Conn, msg []byte) error {
	lines := min(max(len(msg), chargenLine), chargenMost) / chargenLine
	return c.Send(chargenPage[:lines*chargenLine])
}

// Stream writes the pattern until the peer closes or ctx ends. What the peer
// sends is thrown away, and its end is not ours: it may want to read on.
func (Chargen) Stream(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	read := make(chan struct{})
	go discardFrom(conn, read)
	var err error
	for err == nil && ctx.Err() == nil {
		_, err = conn.Write(chargenPage)
	}
	conn.SetReadDeadline(time.Unix(1, 0))
	<-read
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isGone(err) {
		return nil
	}
	return err
}

// discardFrom reads until the peer's end, or until Stream ends it by a deadline.
func discardFrom(conn net.Conn, done chan<- struct{}) {
	defer close(done)
	io.Copy(io.Discard, conn)
}

// isGone reports whether a write failed because the peer has had enough, which
// is how chargen ends in order.
func isGone(err error) bool {
	return errors.Is(err, errPipe) || errors.Is(err, errReset) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

func (Chargen) String() string { return "chargen" }
