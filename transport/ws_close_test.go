package transport

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Close sends its frame behind all that was written, waits for the peer's, and
// takes what the peer had sent before it.
func TestWSCloseHandshake(t *testing.T) {
	c, p := wsServed(t)
	c.Write([]byte("last words"))
	done := make(chan error)
	go func() { done <- c.Close() }()
	p.want(opText|opFin, "last words")
	p.want(opClose|opFin, closeCode(1000, ""))
	p.send(opText|opFin, "crossing")
	p.send(opClose|opFin, closeCode(1000, ""))
	if err := <-done; err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, _, err := p.receive(); err == nil {
		t.Error("there is a frame behind the Close frame")
	}
	for what, err := range map[string]error{
		"Close": c.Close(), "SetDeadline": c.SetDeadline(time.Time{}), "Read": readOnce(c, false), "ReadMessage": readOnce(c, true),
		"Write": func() error { _, err := c.Write(nil); return err }(),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after Close: %v, want net.ErrClosed", what, err)
		}
	}
}

// A read that waits does not hinder Close, nor does one that has timed out and left
// the reader waiting.
func TestWSCloseWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, timeout := range []time.Duration{0, time.Second} {
			c, p := wsServed(t)
			p.SetDeadline(time.Time{})
			if timeout > 0 {
				c.SetReadDeadline(time.Now().Add(timeout))
			}
			read := make(chan error)
			go func() { read <- readOnce(c, true) }()
			synctest.Wait()
			if timeout > 0 {
				if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("read: %v, want the deadline", err)
				}
			}
			closed := make(chan error)
			go func() { closed <- c.Close() }()
			p.want(opClose|opFin, closeCode(1000, ""))
			if timeout == 0 {
				if err := <-read; !errors.Is(err, net.ErrClosed) {
					t.Errorf("read during Close: %v, want net.ErrClosed", err)
				}
			}
			start := time.Now()
			p.send(opClose|opFin, closeCode(1000, ""))
			if err := <-closed; err != nil {
				t.Errorf("Close: %v", err)
			}
			if d := time.Since(start); d != 0 {
				t.Errorf("Close waited %v after the peer's answer", d)
			}
			select {
			case <-c.readerDone:
			default:
				t.Error("the reader is left after Close")
			}
			p.Close()
		}
	})
}

// How long Close waits for a peer that does not answer.
func TestWSCloseWait(t *testing.T) {
	tests := []struct {
		name  string
		state func(c *wsConn, p *wsPeer)
		want  time.Duration
		lossy bool
	}{
		{"silent peer", func(*wsConn, *wsPeer) {}, time.Second, false},
		{"peer that goes on sending", func(c *wsConn, p *wsPeer) {
			go func() {
				for {
					if _, err := p.Write([]byte(p.frame(opText|opFin, "more"))); err != nil {
						return
					}
					time.Sleep(100 * time.Millisecond)
				}
			}()
		}, wsCloseWait, false},
		{"write deadline has passed", func(c *wsConn, p *wsPeer) { c.SetWriteDeadline(time.Unix(1, 0)) }, 0, false},
		{"read deadline has passed", func(c *wsConn, p *wsPeer) { c.SetReadDeadline(time.Unix(1, 0)) }, wsCloseWait, false},
		{"unsent data", func(c *wsConn, p *wsPeer) {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			c.Write(make([]byte, 200_000))
		}, 0, true},
		{"unsent data, deadline taken back", func(c *wsConn, p *wsPeer) {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			c.Write(make([]byte, 200_000))
			c.SetWriteDeadline(time.Time{})
		}, wsCloseWait, true},
		{"write under way", func(c *wsConn, p *wsPeer) {
			go c.Write(make([]byte, 200_000))
			synctest.Wait()
		}, 0, true},
		{"no handshake", func(c *wsConn, p *wsPeer) { c.ws.Store(nil) }, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := wsServed(t)
				p.SetDeadline(time.Time{})
				tt.state(c, p)
				start := time.Now()
				err := c.Close()
				if d := time.Since(start); d != tt.want {
					t.Errorf("Close waited %v, want %v", d, tt.want)
				}
				if (err != nil) != tt.lossy {
					t.Errorf("Close: %v, want an error: %v", err, tt.lossy)
				}
				p.Close()
				time.Sleep(time.Second) // what the states have started ends
			})
		})
	}
}

// Close breaks off a Write that waits for the peer.
func TestWSCloseBreaksWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := wsServed(t)
		p.SetDeadline(time.Time{})
		done := make(chan error)
		go func() {
			_, err := c.Write([]byte(strings.Repeat("x", 200_000)))
			done <- err
		}()
		synctest.Wait()
		c.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v, want net.ErrClosed", err)
		}
		p.Close()
	})
}
