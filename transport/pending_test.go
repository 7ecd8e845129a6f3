package transport

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/memnet"
)

// memBuffer is how much one direction of an in-memory connection holds.
const memBuffer = 64 << 10

// memPair returns both sides of an in-memory connection.
func memPair(t testing.TB) (a, b net.Conn) {
	a, b = memnet.Pair()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// noise is n bytes in which a lost, doubled or moved part shows.
func noise(n int) []byte {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// readN reads n bytes of c in the background; the channel gives them, or what
// was read when that failed.
func readN(c net.Conn, n int) <-chan []byte {
	got := make(chan []byte, 1)
	go func() { // ends when n bytes are there or c ends
		b := make([]byte, n)
		n, _ := io.ReadFull(c, b)
		got <- b[:n]
	}()
	return got
}

func TestPendingKeepsWhatADeadlineLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, peer := memPair(t)
		c := newPending(raw)
		want := noise(3 * memBuffer)
		c.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := c.Write(want); n != len(want) || err != nil {
			t.Errorf("Write past its deadline: %d, %v; want %d, nil", n, err, len(want))
		}
		if !c.expired() {
			t.Error("expired() = false after the deadline, want true")
		}
		if got, want := c.pending(), 2*memBuffer; got != want {
			t.Errorf("pending() = %d, want %d", got, want)
		}
		if err := c.flush(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("flush past the deadline: %v, want os.ErrDeadlineExceeded", err)
		}
		c.SetWriteDeadline(time.Time{})
		got := readN(peer, len(want))
		if err := c.flush(); err != nil {
			t.Errorf("flush without a deadline: %v", err)
		}
		if !bytes.Equal(<-got, want) {
			t.Error("the peer read other bytes than were written")
		}
		if c.pending() != 0 || c.buf != nil {
			t.Errorf("after the flush: pending() = %d, buffer held: %v; want 0, false", c.pending(), c.buf != nil)
		}
	})
}

func TestPendingCork(t *testing.T) {
	raw, peer := memPair(t)
	c := newPending(raw)
	c.cork()
	c.cork()
	c.Write([]byte("one "))
	c.uncork()
	c.Write([]byte("two"))
	if got, want := c.pending(), len("one two"); got != want {
		t.Errorf("pending() while corked = %d, want %d", got, want)
	}
	c.uncork()
	c.Write([]byte("!"))
	if got, want := string(<-readN(peer, 8)), "one two!"; got != want {
		t.Errorf("the peer read %q, want %q", got, want)
	}
}

// tryFlush neither waits for a flush that is stuck nor leaves anything behind.
func TestPendingTryFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, peer := memPair(t)
		c := newPending(raw)
		first, second := noise(2*memBuffer), []byte("pong")
		done := make(chan struct{})
		go func() { // ends when the peer reads
			defer close(done)
			c.Write(first)
		}()
		synctest.Wait() // until it is stuck
		c.cork()
		c.Write(second)
		c.uncork()
		if err := c.tryFlush(); err != nil || c.pending() == 0 {
			t.Errorf("tryFlush beside a stuck flush: %v, %d pending; want nil, some", err, c.pending())
		}
		got := <-readN(peer, len(first)+len(second))
		if !bytes.Equal(got, append(first, second...)) {
			t.Errorf("the peer read %d bytes, want what both wrote, in order", len(got))
		}
		<-done
		if err := c.tryFlush(); err != nil || c.pending() != 0 {
			t.Errorf("tryFlush of nothing: %v, %d pending; want nil, 0", err, c.pending())
		}
	})
}

func TestPendingErrorIsFinal(t *testing.T) {
	raw, peer := memPair(t)
	c := newPending(raw)
	peer.Close()
	_, first := c.Write([]byte("x"))
	if first == nil {
		t.Fatal("Write to a closed peer: no error, want one")
	}
	c.cork()
	if _, err := c.Write([]byte("x")); err != first {
		t.Errorf("Write after an error, corked: %v, want the first error %v", err, first)
	}
	if err := c.flush(); err != first {
		t.Errorf("flush after an error: %v, want the first error %v", err, first)
	}
	if c.buf != nil {
		t.Error("a buffer is held after an error, want none")
	}
}

// A stalled pendingConn on a conn that itself has bytes pending: a flush sends
// those too.
func TestPendingFlushesTheConnBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, peer := memPair(t)
		below := &acceptingConn{pendingConn: newPending(raw)}
		c := newPending(below)
		want := noise(2 * memBuffer)
		c.SetWriteDeadline(time.Now().Add(time.Second))
		c.Write(want)
		if c.pending() != 0 || below.pending() == 0 {
			t.Fatalf("pending: %d above, %d below; want 0, more", c.pending(), below.pending())
		}
		c.SetWriteDeadline(time.Time{})
		got := readN(peer, len(want))
		if err := c.flush(); err != nil || below.pending() != 0 {
			t.Errorf("flush: %v, %d left below; want nil, 0", err, below.pending())
		}
		if !bytes.Equal(<-got, want) {
			t.Error("the peer read other bytes than were written")
		}
	})
}

// acceptingConn reports a deadline together with all bytes accepted, as tlsConn
// does.
type acceptingConn struct{ *pendingConn }

func (c *acceptingConn) Write(p []byte) (int, error) {
	if _, err := c.add(p, math.MaxInt); err != nil {
		return 0, err
	}
	return len(p), c.flush()
}
