package main

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A reset that answers the last bytes, after both ends, is seen; so is that there
// was none.
func TestLost(t *testing.T) {
	for _, reset := range []bool{true, false} {
		release := make(chan struct{})
		at := server(t, func(c *net.TCPConn) {
			c.CloseWrite()
			<-release
			if reset {
				c.SetLinger(0)
				return
			}
			io.ReadAll(c)
		})
		c := dialTCP(t, at)
		c.SetWriteBuffer(64 << 10)
		c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := c.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("write to a peer that does not read: %v, want a deadline", err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		io.ReadAll(c)
		close(release)
		if got := lost(c); got != reset {
			t.Errorf("lost, reset %v: %v", reset, got)
		}
	}
}
