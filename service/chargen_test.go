package service

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/transport"
)

// slowPattern is RFC 864's pattern, by its words: "think of the sequence as a
// ring".
func slowPattern(lines int) string {
	var ring []byte
	for c := 0; c < 128; c++ {
		if c >= 32 && c < 127 {
			ring = append(ring, byte(c))
		}
	}
	var b strings.Builder
	for line := range lines {
		for i := range 72 {
			b.WriteByte(ring[(line+i)%len(ring)])
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// A watched chargen tells what its Stream returned, and when.
type watched struct {
	Chargen
	returned chan returned
}

type returned struct {
	err error
	at  time.Time
}

func watch() watched { return watched{returned: make(chan returned, 10)} }

func (w watched) Stream(ctx context.Context, conn net.Conn) error {
	err := w.Chargen.Stream(ctx, conn)
	w.returned <- returned{err, time.Now()}
	return err
}

func TestChargenPattern(t *testing.T) {
	const lines = 3*95 + 10
	serve(t, Chargen{}, "tcp://127.0.0.1:0", parley.Limits{}).dial().expect(slowPattern(lines))
	all := strings.SplitAfter(slowPattern(lines), "\n")
	if all[0] != all[95] || all[0] == all[94] {
		t.Error("the pattern does not repeat after 95 lines")
	}
}

// TestChargenDatagrams shows how long the answer to a datagram is.
func TestChargenDatagrams(t *testing.T) {
	c := serve(t, Chargen{}, "udp://127.0.0.1:0", parley.Limits{}).dial()
	tests := []struct{ size, lines int }{{0, 1}, {1, 1}, {74, 1}, {147, 1}, {148, 2}, {511, 6}, {512, 6}, {513, 6}, {8000, 6}}
	for _, tt := range tests {
		if got, want := c.ask(strings.Repeat("x", tt.size)), slowPattern(tt.lines); got != want {
			t.Errorf("%d bytes are answered %d bytes, want %d", tt.size, len(got), len(want))
		}
	}
}

// chargenWays are the streams that chargen's end is tested over.
func chargenWays(t *testing.T) []string {
	return []string{"tcp://127.0.0.1:0", "unix:" + t.TempDir() + "/s", "tls://127.0.0.1:0", "ws://127.0.0.1:0"}
}

// TestChargenEndsInOrder closes while the service writes: that is how it is
// meant to end.
func TestChargenEndsInOrder(t *testing.T) {
	for _, at := range append(chargenWays(t), memory(t)) {
		t.Run(at[:3], func(t *testing.T) {
			svc := watch()
			c := serve(t, svc, at, parley.Limits{}).dial()
			c.expect(slowPattern(200))
			if h, ok := c.Conn.(transport.HalfCloser); ok {
				h.CloseWrite() // it may want to read on
				io.CopyN(io.Discard, c, 10<<20)
			}
			c.Close()
			if r := <-svc.returned; r.err != nil {
				t.Errorf("Stream() = %v, want nil", r.err)
			}
		})
	}
}

// TestChargenDrains shuts down with peers that do not read.
func TestChargenDrains(t *testing.T) {
	for _, at := range chargenWays(t) {
		t.Run(at[:3], func(t *testing.T) {
			t.Parallel()
			s := serve(t, Chargen{}, at, parley.Limits{})
			s.dial().expect(" ")
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := s.srv.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

// TestChargenDrainsInOrder shuts down with a peer that reads, which gets whole
// pages and the end.
func TestChargenDrainsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Chargen{}, memory(t), parley.Limits{})
		c := s.dial()
		c.expect(string(chargenPage))
		synctest.Wait() // until the write is stuck
		down := make(chan error, 1)
		go func() { down <- s.srv.Shutdown(context.Background()) }()
		synctest.Wait()
		rest, err := io.ReadAll(c)
		if err != nil || len(rest) == 0 || len(rest)%len(chargenPage) != 0 {
			t.Errorf("read %d bytes, %v; want whole pages of %d", len(rest), err, len(chargenPage))
		}
		c.Close()
		if err := <-down; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

// TestChargenDrainsInTime measures the drain with a peer that does not read, in
// simulated time.
func TestChargenDrainsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc := watch()
		s := serve(t, svc, memory(t), parley.Limits{})
		s.dial()
		synctest.Wait() // until the write is stuck
		began := time.Now()
		if err := s.srv.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if r := <-svc.returned; r.err != context.Canceled || r.at.Sub(began) > chargenGrace {
			t.Errorf("Stream() = %v after %v, want %v within %v", r.err, r.at.Sub(began), context.Canceled, chargenGrace)
		}
		if err := s.ended(); parley.Reason(err) != "drain" {
			t.Errorf("the session ends with %v, want that the server drains", err)
		}
	})
}

// TestChargenLimits ends sessions by the server's limits, with a peer that reads
// and one that does not.
func TestChargenLimits(t *testing.T) {
	tests := []struct {
		name   string
		limits parley.Limits
		reads  bool
		want   error
		after  time.Duration
	}{
		// The write that fills the peer's buffer moves bytes, so that the stall
		// is seen in the next one.
		{"stall", parley.Limits{Stall: 7 * time.Second}, false, parley.ErrStalled, 14 * time.Second},
		{"idle", parley.Limits{Idle: 3 * time.Second}, false, parley.ErrIdle, 3 * time.Second},
		{"total", parley.Limits{Total: 4 * time.Second}, false, parley.ErrTotal, 4 * time.Second},
		{"total, read", parley.Limits{Total: 4 * time.Second}, true, parley.ErrTotal, 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, Chargen{}, memory(t), tt.limits)
				began, c := time.Now(), s.dial()
				var wg sync.WaitGroup
				if tt.reads {
					wg.Go(func() { readSlowly(c) })
				}
				if err := s.ended(); !errors.Is(err, tt.want) || time.Since(began) != tt.after {
					t.Errorf("the session ends with %v after %v, want %v after %v", err, time.Since(began), tt.want, tt.after)
				}
				c.Close()
				wg.Wait()
			})
		})
	}
}

// readSlowly reads until the end, a little every 10 ms, so that simulated time
// goes on.
func readSlowly(c client) {
	for b := make([]byte, 1000); ; time.Sleep(10 * time.Millisecond) {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}
