package client

import (
	"bytes"
	"io"
	"net"
	"time"

	"parley/chat/wire"
)

// A messageReader is a conn that keeps message boundaries and gives whole
// messages.
type messageReader interface {
	ReadMessage(buf []byte, max int) ([]byte, error)
}

// read hands the lines of nc to the session, until nc fails.
func (c *Client) read(nc net.Conn) {
	next := c.source(nc)
	for c.awaitReader() {
		b, err := next()
		if err != nil {
			c.failed("read", err)
			return
		}
		c.mu.Lock()
		c.s.receive(time.Now(), b)
		c.settledLocked()
	}
}

// source returns the function that gives the next line of nc.
func (c *Client) source(nc net.Conn) func() ([]byte, error) {
	if !c.cfg.messages() {
		l := &lines{r: nc, sniff: c.sniff}
		return l.next
	}
	buf := make([]byte, 0, 64<<10)
	if m, ok := nc.(messageReader); ok {
		return func() (b []byte, err error) {
			b, err = m.ReadMessage(buf[:0], cap(buf))
			c.sniff(b)
			return b, err
		}
	}
	return func() ([]byte, error) {
		n, err := nc.Read(buf[:cap(buf)])
		c.sniff(buf[:n])
		if n > 0 {
			err = nil // it comes again
		}
		return buf[:n], err
	}
}

func (c *Client) sniff(b []byte) {
	c.mu.Lock()
	c.s.sniff(b)
	c.mu.Unlock()
}

// awaitReader waits until enough events are read for more to come. It reports
// whether the conn is still of use.
func (c *Client) awaitReader() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.s.events) < mostEvents {
		return c.reading
	}
	c.s.pauseReading()
	for c.reading && len(c.s.events) > mostEvents/2 {
		c.moved.Wait()
	}
	c.s.resumeReading(time.Now())
	return c.reading
}

// lines cuts a stream into lines. One that is too long is left out.
type lines struct {
	r       io.Reader
	sniff   func([]byte) // sees all bytes
	buf     []byte       // start to end is not given out
	start   int
	end     int
	skipped bool // the beginning of the line in buf is thrown away
}

// next returns the next line with its LF, valid until the next call. At the
// end of the stream what has no LF is left out: it may be half a line.
func (l *lines) next() ([]byte, error) {
	if l.buf == nil {
		l.buf = make([]byte, 2*wire.MaxLine)
	}
	for {
		if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
			b := l.buf[l.start : l.start+i+1]
			l.start += i + 1
			if l.skipped {
				l.skipped = false
				continue
			}
			return b, nil
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more behind what is there.
func (l *lines) fill() error {
	copy(l.buf, l.buf[l.start:l.end])
	l.start, l.end = 0, l.end-l.start
	if l.end >= wire.MaxLine {
		l.skipped = true
	}
	if l.skipped {
		l.end = 0
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.sniff(l.buf[l.end : l.end+n])
	l.end += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}
