package main

import (
	"errors"
	"io"
	"time"

	"parley/transport"
)

// sendAll is the sending direction: it sends the input to its end and passes the
// end on. The error is nil then; errStopped when it was told to stop, what had
// been read of the input being sent; or what failed.
func (c *conversation) sendAll() error {
	for {
		piece, err := c.in.next(c.stopSend)
		if err == io.EOF {
			c.cutOff, c.in.unfinished = c.in.unfinished, 0 // of this conversation, not of the next
		}
		switch {
		case err == io.EOF && c.talk.eof == eofIgnore:
			return nil
		case err == io.EOF:
			return c.endSending()
		case errors.Is(err, errStopped):
			c.endSending()
			return errStopped
		case err != nil:
			return err
		}
		if c.talk.next && c.told() {
			c.in.putBack(piece) // for the next conversation
			c.endSending()
			return errStopped
		}
		if err := c.write(piece); err != nil {
			return err
		}
	}
}

// told reports whether no more input is to be sent.
func (c *conversation) told() bool {
	select {
	case <-c.stopSend:
		return true
	default:
		return false
	}
}

// endSending passes on our end where the transport can.
func (c *conversation) endSending() error {
	if c.half == nil {
		return nil
	}
	c.ended.Store(true)
	return c.half.CloseWrite()
}

// write sends a piece of input. What the connection did not take is put back.
func (c *conversation) write(piece []byte) error {
	n, err := c.conn.Write(piece)
	if err != nil && (c.datagram || c.message != nil) {
		n = 0 // a message is sent whole or not
	}
	if n > 0 || err == nil {
		c.hexes.dump(outward, piece[:n])
		c.sentBytes.Add(int64(n))
		c.sentMessages.Add(1)
		c.lastSent.Store(int64(time.Since(c.start)))
	}
	if err != nil {
		c.in.putBack(piece[n:])
	}
	return err
}

// receiveAll is the receiving direction. The error is io.EOF when the peer ended
// in order; an *outputError; or what failed.
func (c *conversation) receiveAll() error {
	size := readSize
	if c.datagram {
		size = maxDatagram + 1 // one more shows what is too long
	}
	buf := make([]byte, size)
	for {
		b, err := c.read(buf)
		if err == nil || len(b) > 0 {
			if err := c.took(b); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		if c.message != nil {
			buf = b[:cap(b)] // it may have grown
		}
	}
}

// took accounts for what was received and writes it to the output.
func (c *conversation) took(b []byte) error {
	c.receivedBytes.Add(int64(len(b)))
	c.receivedMessages.Add(1)
	c.lastReceived.Store(int64(time.Since(c.start)))
	c.hexes.dump(inward, b)
	if c.asking != nil {
		return c.asking.write(b)
	}
	if framing := c.framingOf(); framing != nil {
		var err error
		if c.framed, err = framing.Append(c.framed[:0], b); err != nil {
			return &outputError{err}
		}
		b = c.framed
	}
	return writeOutput(c.out, b)
}

// maxDatagram is more than any datagram has on systems as they come.
const maxDatagram = 1 << 20

// read receives once: some bytes of a stream, one message, or one datagram.
func (c *conversation) read(buf []byte) ([]byte, error) {
	if c.message != nil {
		return c.message.ReadMessage(buf[:0], c.talk.maxMessage)
	}
	n, err := c.conn.Read(buf)
	if c.datagram && n > maxDatagram {
		return nil, transport.ErrMessageTooLong
	}
	return buf[:n], err
}
