package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"unicode/utf8"

	coder "github.com/coder/websocket"
)

// wsChunkSize is how many bytes of a message readLoop hands over at most.
const wsChunkSize = 16 << 10

// wsBuffers holds *[]byte of wsChunkSize, in use only while bytes wait to be
// read: a conn that waits for a message holds none.
var wsBuffers = sync.Pool{New: func() any { b := make([]byte, wsChunkSize); return &b }}

// wsAsk is what readLoop is asked for.
type wsAsk struct {
	whole bool  // fill the chunk, up to the message's end; else what comes first
	limit int64 // bytes that a message begun now may have; -1: no limit
}

// wsChunk is bytes of one message.
type wsChunk struct {
	data   []byte
	buffer *[]byte // that data is in; nil when it goes to no pool
	end    bool    // the message ends here
	err    error   // instead of all that
}

func (k *wsChunk) release() {
	if k.buffer != nil {
		wsBuffers.Put(k.buffer)
	}
	*k = wsChunk{}
}

// wsIncoming is what the reading side knows; whoever filled wsConn.reading only.
type wsIncoming struct {
	asked bool    // readLoop has an ask that is not taken up
	have  bool    // chunk is valid
	chunk wsChunk // the oldest bytes that were not read
	torn  bool    // Read gave out a part of the message that chunk goes on with
	err   error   // after which there is nothing
}

// Read gives the next bytes of the messages, waiting for at least one.
func (c *wsConn) Read(p []byte) (int, error) {
	if err := c.beginRead(); err != nil {
		return 0, err
	}
	defer c.endRead()
	if len(p) == 0 {
		return 0, nil
	}
	in := &c.in
	for {
		if err := c.fetch(wsAsk{limit: c.maxMessage}); err != nil {
			return 0, err
		}
		n := copy(p, in.chunk.data)
		in.chunk.data = in.chunk.data[n:]
		in.torn = n > 0 || in.torn
		if len(in.chunk.data) == 0 {
			in.torn = in.torn && !in.chunk.end
			in.drop()
		}
		if n > 0 {
			return n, nil
		}
	}
}

// ReadMessage appends the next message to buf, or the rest of one that Read has
// given a part of. A negative max is no limit. After ErrMessageTooLong, which
// the peer is told with code 1009, there are no more messages; nor after a text
// message that is not UTF-8, code 1007.
func (c *wsConn) ReadMessage(buf []byte, max int) ([]byte, error) {
	if err := c.beginRead(); err != nil {
		return buf, err
	}
	defer c.endRead()
	in, start := &c.in, len(buf)
	for {
		if err := c.fetch(wsAsk{whole: true, limit: c.tighter(max)}); err != nil {
			c.keep(buf[start:])
			return buf[:start], err
		}
		end := in.chunk.end
		buf = append(buf, in.chunk.data...)
		in.drop()
		if max >= 0 && len(buf)-start > max {
			return buf[:start], c.refuse(coder.StatusMessageTooBig, ErrMessageTooLong)
		}
		if end && !in.torn && !c.peerBinary.Load() && !utf8.Valid(buf[start:]) {
			return buf[:start], c.refuse(coder.StatusInvalidFramePayloadData, errNotText)
		}
		if end && !(in.torn && len(buf) == start) {
			in.torn = false
			return buf, nil
		}
		in.torn = in.torn && !end
	}
}

// tighter is the limit for a message when both max and the conn's own hold.
func (c *wsConn) tighter(max int) int64 {
	if max >= 0 && (c.maxMessage < 0 || int64(max) < c.maxMessage) {
		return int64(max)
	}
	return c.maxMessage
}

// keep makes the part of a message that a deadline left unfinished the next to
// be read.
func (c *wsConn) keep(part []byte) {
	if len(part) > 0 && c.in.err == nil {
		c.in.chunk, c.in.have = wsChunk{data: bytes.Clone(part)}, true
	}
}

// errNotText is a text message that is not UTF-8 (RFC 6455 section 8.1).
var errNotText = errors.New("text message that is not UTF-8")

// refuse is for a message that only reading it has shown to be wrong: in length,
// because it was begun under another limit, or in text. Close tells the peer.
func (c *wsConn) refuse(code coder.StatusCode, err error) error {
	c.refused.Store(int32(code))
	c.in.err = c.opError("read", err)
	return c.in.err
}

func (in *wsIncoming) drop() {
	in.chunk.release()
	in.have = false
}

// beginRead waits for the turn to read.
func (c *wsConn) beginRead() error {
	if err := c.unreadable(); err != nil {
		return err
	}
	if err := c.HandshakeContext(context.Background()); err != nil {
		return err
	}
	select {
	case c.reading <- struct{}{}:
		return nil
	case <-c.limit.expired():
		return c.opError("read", os.ErrDeadlineExceeded)
	case <-c.gone:
		return c.opError("read", net.ErrClosed)
	}
}

func (c *wsConn) endRead() { <-c.reading }

// unreadable is why nothing can be read now.
func (c *wsConn) unreadable() error {
	if c.isClosed() {
		return c.opError("read", net.ErrClosed)
	}
	select {
	case <-c.limit.expired():
		return c.opError("read", os.ErrDeadlineExceeded)
	default:
		return nil
	}
}

// fetch makes sure that there is a chunk. When a deadline ends it, what was
// asked for comes with a later fetch.
func (c *wsConn) fetch(ask wsAsk) error {
	in := &c.in
	if err := c.unreadable(); err != nil {
		return err
	}
	if in.have || in.err != nil {
		return in.err
	}
	if !in.asked {
		if !c.startReader() {
			return c.opError("read", net.ErrClosed)
		}
		c.asks <- ask
		in.asked = true
	}
	select {
	case k := <-c.chunks:
		in.asked = false
		in.err = k.err
		in.chunk, in.have = k, k.err == nil
		return in.err
	case <-c.limit.expired():
		return c.opError("read", os.ErrDeadlineExceeded)
	case <-c.gone:
		return c.opError("read", net.ErrClosed)
	}
}

// startReader starts readLoop unless it runs. It reports whether it does.
func (c *wsConn) startReader() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started && !c.closed {
		c.started = true
		go c.readLoop()
	}
	return !c.closed
}

// readLoop reads for Read and ReadMessage, in a goroutine of its own because
// the library gives up a connection when a read is broken off: so that a read
// whose caller has run out of time goes on. It reads when it is asked and never
// ahead, because the library answers a Close frame as soon as it sees it, and
// then nothing more can be sent. Close ends it and waits for it.
func (c *wsConn) readLoop() {
	defer close(c.readerDone)
	var message io.Reader // nil between messages
	for {
		select {
		case ask := <-c.asks:
			var k wsChunk
			k, message = c.readChunk(ask, message)
			c.chunks <- k // has room: one chunk for each ask
		case <-c.gone:
			return
		}
	}
}

// readChunk reads a chunk of message, or of the next one when that is nil, and
// returns what is to be read after it.
func (c *wsConn) readChunk(ask wsAsk, message io.Reader) (wsChunk, io.Reader) {
	buffer := (*[]byte)(nil)
	for {
		if message == nil {
			var err error
			if message, err = c.nextMessage(ask.limit); err != nil {
				return wsChunk{err: c.readError(err)}, nil
			}
		}
		if buffer == nil {
			buffer = wsBuffers.Get().(*[]byte)
		}
		n, err := readSome(message, *buffer, ask.whole)
		k := wsChunk{data: (*buffer)[:n], buffer: buffer, end: err == io.EOF}
		switch {
		case err != nil && err != io.EOF:
			k.release()
			return wsChunk{err: c.readError(err)}, nil
		case k.end && c.out.cut.Load():
			// The library takes the end of the connection between two
			// fragments for the end of the message.
			k.release()
			return wsChunk{err: c.readError(io.ErrUnexpectedEOF)}, nil
		case k.end && (n > 0 || ask.whole):
			return k, nil
		case k.end:
			message = nil // Read has no use for an empty end
		default:
			return k, message
		}
	}
}

// nextMessage waits for a message and notes of what type it is.
func (c *wsConn) nextMessage(limit int64) (io.Reader, error) {
	ws := c.ws.Load()
	ws.SetReadLimit(limit)
	kind, r, err := ws.Reader(context.Background())
	if err == nil {
		c.peerBinary.Store(kind == coder.MessageBinary)
	}
	return r, err
}

// readSome fills p from r when whole, else it reads once.
func readSome(r io.Reader, p []byte, whole bool) (n int, err error) {
	for {
		m, err := r.Read(p[n:])
		n += m
		if err != nil || n == len(p) || !whole && n > 0 {
			return n, err
		}
	}
}

var errWSCut = fmt.Errorf("the connection ended without the peer's WebSocket Close: %w", io.ErrUnexpectedEOF)

// wsCloseError is the peer's Close frame with a code that is no end in order.
type wsCloseError struct{ coder.CloseError }

func (e wsCloseError) Error() string {
	text := fmt.Sprintf("the peer closed the WebSocket with code %d", e.Code)
	if e.Reason != "" {
		text += fmt.Sprintf(", reason %q", e.Reason)
	}
	return text
}

func (e wsCloseError) Unwrap() error { return e.CloseError }

// readError is the error of a read for an error of the library.
func (c *wsConn) readError(err error) error {
	var closing coder.CloseError
	var op *net.OpError
	switch {
	case errors.As(err, &closing):
		if wsInOrder(closing.Code) {
			return io.EOF
		}
		err = wsCloseError{closing}
	case errors.Is(err, coder.ErrMessageTooBig):
		c.refused.Store(int32(coder.StatusMessageTooBig))
		err = ErrMessageTooLong
	default:
		c.spoiled.Store(true)
		switch {
		case c.isClosed():
			err = net.ErrClosed
		case errors.Is(err, errTLSCut):
			err = errTLSCut
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
			err = errWSCut
		case errors.As(err, &op):
			err = op
		case errors.Unwrap(err) != nil:
			err = errors.Unwrap(err) // the outermost layer says that it was reading
		}
	}
	return c.opError("read", err)
}

// wsInOrder reports whether code is that of an end in order. A Close frame
// without a code is what close() sends in a browser.
func wsInOrder(code coder.StatusCode) bool {
	switch code {
	case coder.StatusNormalClosure, coder.StatusGoingAway, coder.StatusNoStatusRcvd:
		return true
	}
	return false
}
