package transport

import (
	"errors"
	"net"
	"os"
	"time"

	coder "github.com/coder/websocket"
)

// wsCloseWait bounds the closing handshake.
const wsCloseWait = time.Second

// Close ends both directions: it sends code 1000 (1009 after ErrMessageTooLong),
// and waits a second at most for the peer's Close frame, so that all that was
// written arrives. It does not wait when the connection has failed, when a
// Write is under way, which it breaks off, or when the write deadline has
// passed; that written data was not taken by then is an error.
//
// A conn whose handshake has not succeeded is closed at once.
func (c *wsConn) Close() error {
	if !c.beginClose() {
		return c.opError("close", net.ErrClosed)
	}
	err := c.end()
	c.mu.Lock()
	started := c.started
	c.mu.Unlock()
	if started {
		<-c.readerDone
	}
	c.limit.set(time.Time{})
	return err
}

// beginClose reports whether the caller is the one to close. From then on nobody
// begins to read or write.
func (c *wsConn) beginClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closed = true
	close(c.gone)
	return true
}

// end closes the connection, after the closing handshake if there is use in it.
func (c *wsConn) end() error {
	ws := c.ws.Load()
	if ws == nil {
		return c.out.Close()
	}
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
		if !c.spoiled.Load() && !c.out.expired() {
			return c.farewell(ws)
		}
	default:
	}
	err := c.closeRaw() // ends the library's waits
	ws.CloseNow()
	return err
}

// farewell is the closing handshake.
func (c *wsConn) farewell(ws *coder.Conn) error {
	giveUp := time.AfterFunc(wsCloseWait, c.abandon)
	defer giveUp.Stop()
	if c.out.pending() > 0 && c.out.flush() != nil {
		c.out.Close()
		ws.CloseNow()
		return c.opError("close", os.ErrDeadlineExceeded)
	}
	code, reason := coder.StatusNormalClosure, ""
	switch refused := coder.StatusCode(c.refused.Load()); refused {
	case coder.StatusMessageTooBig:
		code, reason = refused, ErrMessageTooLong.Error()
	case coder.StatusInvalidFramePayloadData:
		code, reason = refused, errNotText.Error()
	}
	ws.Close(code, reason) // an error says no more than that the peer's answer has not come
	return c.closeRaw()
}

// closeRaw closes the underlying connection, which the library may have done
// before. The error says that written data is lost.
func (c *wsConn) closeRaw() error {
	lossy := c.out.pending() > 0
	err := c.out.Close()
	switch {
	case lossy:
		return c.opError("close", os.ErrDeadlineExceeded)
	case errors.Is(err, net.ErrClosed):
		return nil
	}
	return err
}

// abandon ends a handshake whose time is over.
func (c *wsConn) abandon() { c.out.Close() }
