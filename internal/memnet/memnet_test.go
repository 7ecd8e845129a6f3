package memnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// link returns the two ends of a connection of a network of its own.
func link(t *testing.T) (client, server *Conn) {
	t.Helper()
	var n Network
	l, err := n.Listen("")
	if err != nil {
		t.Fatalf("Listen(%q): %v", "", err)
	}
	defer l.Close()
	c, err := n.DialContext(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatalf("DialContext(%q): %v", l.Addr(), err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*Conn), s.(*Conn)
}

func TestConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := Pair()
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

func TestNames(t *testing.T) {
	var n Network
	l, err := n.Listen("door")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.Addr(), net.Addr(Addr("door")); got != want {
		t.Errorf("Addr() = %v, want %v", got, want)
	}
	if _, err := n.Listen("door"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen on a taken name: %v, want EADDRINUSE", err)
	}
	if _, err := n.DialContext(t.Context(), "window"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial of a name nobody has: %v, want ECONNREFUSED", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v, want net.ErrClosed", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
	}
	if _, err := n.DialContext(t.Context(), "door"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial after Close: %v, want ECONNREFUSED", err)
	}
	again, err := n.Listen("door")
	if err != nil {
		t.Fatalf("Listen after Close: %v, want the name to be free", err)
	}
	again.Close()
}

// A fresh name must step over one that somebody chose to have.
func TestFreshNames(t *testing.T) {
	var n Network
	seen := map[net.Addr]bool{}
	for _, name := range []string{"auto-2", "", "", ""} {
		l, err := n.Listen(name)
		if err != nil {
			t.Fatalf("Listen(%q): %v", name, err)
		}
		defer l.Close()
		if seen[l.Addr()] {
			t.Errorf("Listen(%q) gave %v twice", name, l.Addr())
		}
		seen[l.Addr()] = true
	}
}

func TestAddresses(t *testing.T) {
	c, s := link(t)
	if c.LocalAddr() != s.RemoteAddr() || c.RemoteAddr() != s.LocalAddr() {
		t.Errorf("client %v-%v, server %v-%v: want the same two names crossed",
			c.LocalAddr(), c.RemoteAddr(), s.LocalAddr(), s.RemoteAddr())
	}
	if got := c.LocalAddr().Network(); got != "mem" {
		t.Errorf("Network() = %q, want mem", got)
	}
	if c2, _ := link(t); c2.LocalAddr() == c2.RemoteAddr() {
		t.Errorf("both ends are called %v", c2.LocalAddr())
	}
}

// The backlog is bounded: a dial beyond it waits for Accept, or for its context.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		l, err := n.Listen("door")
		if err != nil {
			t.Fatal(err)
		}
		conns := make([]net.Conn, 0, backlog+1)
		for range backlog {
			c, err := n.DialContext(t.Context(), "door")
			if err != nil {
				t.Fatalf("dial %d of %d: %v", len(conns), backlog, err)
			}
			conns = append(conns, c)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := n.DialContext(short, "door"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("dial beyond the backlog: %v, want to wait for the context", err)
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("waited %v, want 1s", got)
		}

		type result struct {
			c   net.Conn
			err error
		}
		waiting := make(chan result)
		go func() {
			c, err := n.DialContext(context.Background(), "door")
			waiting <- result{c, err}
		}()
		synctest.Wait()
		first, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := first.RemoteAddr(), conns[0].LocalAddr(); got != want {
			t.Errorf("accepted %v first, want %v", got, want)
		}
		r := <-waiting
		if r.err != nil {
			t.Fatalf("the dial that waited: %v, want the room Accept made", r.err)
		}

		l.Close()
		if _, err := r.c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read on a connection whose listener closed before Accept: %v, want ECONNRESET", err)
		}
		for _, c := range append(conns, first, r.c) {
			c.Close()
		}
	})
}

func TestDialCancelled(t *testing.T) {
	var n Network
	l, err := n.Listen("door")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.DialContext(ctx, "door"); !errors.Is(err, context.Canceled) {
		t.Errorf("dial with a cancelled context: %v, want context.Canceled", err)
	}
}

func TestHalfClose(t *testing.T) {
	c, s := link(t)
	write(t, c, "question")
	if err := c.CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	if got, err := io.ReadAll(s); string(got) != "question" || err != nil {
		t.Errorf("peer read %q, %v, want %q and the end", got, err, "question")
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write after CloseWrite: %v, want EPIPE", err)
	}
	write(t, s, "late answer")
	s.Close()
	if got, err := io.ReadAll(c); string(got) != "late answer" || err != nil {
		t.Errorf("read %q, %v after our half-close, want %q and the end", got, err, "late answer")
	}
}

func TestReset(t *testing.T) {
	c, s := link(t)
	write(t, s, "already sent")
	write(t, c, "never read")
	s.Close()
	if got, err := io.ReadAll(c); string(got) != "already sent" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read %q, %v, want %q, then ECONNRESET", got, err, "already sent")
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write after reset: %v, want ECONNRESET", err)
	}
}

// A direction that was ended in order stays so when its side is reset later.
func TestResetAfterHalfClose(t *testing.T) {
	c, s := link(t)
	write(t, s, "answer")
	s.CloseWrite()
	write(t, c, "never read")
	s.Close()
	if got, err := io.ReadAll(c); string(got) != "answer" || err != nil {
		t.Errorf("read %q, %v, want %q and the end", got, err, "answer")
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write: %v, want ECONNRESET", err)
	}
}

func TestCloseInOrder(t *testing.T) {
	c, s := link(t)
	write(t, s, "all of it")
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got, err := io.ReadAll(c); string(got) != "all of it" || err != nil {
		t.Errorf("read %q, %v, want %q and the end", got, err, "all of it")
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write to a closed peer: %v, want EPIPE", err)
	}
	for what, err := range map[string]error{
		"Close": s.Close(), "CloseWrite": s.CloseWrite(), "SetDeadline": s.SetDeadline(time.Now()),
		"Read":  second(s.Read(make([]byte, 1))),
		"Write": second(s.Write(make([]byte, 1))),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after Close: %v, want net.ErrClosed", what, err)
		}
		if strings.Count(err.Error(), "mem") == 0 {
			t.Errorf("%s after Close: %q does not name the network", what, err)
		}
	}
}

// A writer runs ahead of its reader by the capacity and no further.
func TestCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair()
		defer a.Close()
		defer b.Close()
		a.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := a.Write(make([]byte, capacity+1))
		if n != capacity || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write = %d, %v, want %d and the deadline", n, err, capacity)
		}
		a.SetWriteDeadline(time.Time{})
		if got, err := io.ReadFull(b, make([]byte, capacity)); err != nil {
			t.Errorf("read %d, %v, want what was written before the deadline", got, err)
		}
		write(t, a, "x") // the deadline destroyed nothing
	})
}

// A deadline moved forward while a Read waits is the one that counts; in fake time, to the nanosecond.
func TestDeadlineMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair()
		defer a.Close()
		defer b.Close()
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Second))
		done := make(chan error)
		go func() { done <- second(a.Read(make([]byte, 1))) }()
		synctest.Wait()
		a.SetReadDeadline(start.Add(time.Hour))
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: %v, want the deadline", err)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("Read waited %v, want 1h", got)
		}
	})
}

// Two writers at a time: each Write arrives in one piece, though both are larger than the buffer.
func TestWritesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3 * capacity
		a, b := Pair()
		defer b.Close()
		for _, letter := range "xy" {
			go a.Write(bytes.Repeat([]byte(string(letter)), size))
		}
		synctest.Wait()
		got := make([]byte, 2*size)
		if _, err := io.ReadFull(b, got); err != nil {
			t.Fatal(err)
		}
		first, rest := got[:size], got[size:]
		if len(bytes.Trim(first, string(first[:1]))) != 0 || len(bytes.Trim(rest, string(rest[:1]))) != 0 {
			t.Errorf("writes of %d bytes were interleaved", size)
		}
		a.Close()
	})
}

// The ring against the obvious queue: a byte slice.
func TestRing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var r ring
	var queue []byte
	for i := range 3000 {
		p := make([]byte, rnd.IntN(capacity/2))
		if rnd.IntN(2) == 0 {
			for j := range p {
				p[j] = byte(i + j)
			}
			want := min(len(p), capacity-len(queue))
			if got := r.write(p); got != want {
				t.Fatalf("step %d: write(%d bytes) = %d, want %d", i, len(p), got, want)
			}
			queue = append(queue, p[:want]...)
		} else {
			n := r.read(p)
			want := min(len(p), len(queue))
			if n != want || !bytes.Equal(p[:n], queue[:want]) {
				t.Fatalf("step %d: read = %d bytes, want %d equal to the queue's", i, n, want)
			}
			queue = queue[want:]
		}
		if r.len() != len(queue) {
			t.Fatalf("step %d: len() = %d, want %d", i, r.len(), len(queue))
		}
	}
}

// A message there and back allocates nothing, so that allocation tests can run over memnet.
func TestAllocs(t *testing.T) {
	a, b := Pair()
	defer a.Close()
	defer b.Close()
	buf := make([]byte, 64)
	got := testing.AllocsPerRun(200, func() {
		a.SetDeadline(time.Now().Add(time.Hour))
		a.Write(buf)
		b.Read(buf)
	})
	if got != 0 {
		t.Errorf("%v allocations for a message, want 0", got)
	}
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", s, n, err)
	}
}

func second(_ int, err error) error { return err }
