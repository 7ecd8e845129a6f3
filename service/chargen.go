package service

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
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

// chargenGrace is how long a write may still take when the server drains, so
// that a peer that reads is ended in order.
const chargenGrace = 100 * time.Millisecond

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// Stream writes the pattern until the peer closes or ctx ends. What the peer
// sends is thrown away, and its end is not ours: it may want to read on.
func (Chargen) Stream(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() {
		conn.SetReadDeadline(longAgo)
		conn.SetWriteDeadline(time.Now().Add(chargenGrace))
	})
	defer stop()
	failed := make(chan error, 1)
	go discardFrom(conn, failed)
	var err error
	for err == nil && ctx.Err() == nil && len(failed) == 0 {
		_, err = conn.Write(chargenPage)
	}
	conn.SetReadDeadline(longAgo)
	if readErr := <-failed; readErr != nil {
		err = readErr
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case isGone(err):
		return nil
	}
	return err
}

// discardFrom reads until the peer's end, or until Stream ends it by a deadline.
// Any other error, a limit's or the network's, is sent and ends Stream's write.
func discardFrom(conn net.Conn, failed chan<- error) {
	defer close(failed)
	_, err := io.Copy(io.Discard, conn)
	if err != nil && err != os.ErrDeadlineExceeded { // which a limit's error is not, though it matches
		failed <- err
		conn.SetWriteDeadline(longAgo)
	}
}

// isGone reports whether a write failed because the peer has had enough, which
// is how chargen ends in order.
func isGone(err error) bool {
	return errors.Is(err, errPipe) || errors.Is(err, errReset) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

func (Chargen) String() string { return "chargen" }
