package client

import (
	"bytes"
	"net"
	"time"
)

// write sends what the session wants to be sent, until nc fails or is of no use.
func (c *Client) write(nc net.Conn) {
	var out []byte
	for {
		if out = c.take(out); out == nil {
			return
		}
		if err := c.writeLines(nc, out); err != nil {
			c.failed("write", err)
			return
		}
	}
}

// take waits for lines to be sent and gives old to be filled anew. It returns nil when
// there are none any more.
func (c *Client) take(old []byte) []byte {
	c.mu.Lock()
	for c.reading && len(c.s.out) == 0 {
		c.moved.Wait()
	}
	if !c.reading {
		c.mu.Unlock()
		return nil
	}
	out := c.s.out
	c.s.out = old[:0]
	c.s.settle(time.Now()) // there is room for more
	c.settledLocked()
	return out
}

// writeLines writes whole lines: each as a message where there are such.
func (c *Client) writeLines(nc net.Conn, out []byte) error {
	if !c.cfg.messages() {
		_, err := nc.Write(out)
		return err
	}
	for len(out) > 0 {
		i := bytes.IndexByte(out, '\n')
		if _, err := nc.Write(out[:i]); err != nil {
			return err
		}
		out = out[i+1:]
	}
	return nil
}
