//go:build !parleyportable

package parley

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests need a server in a process of its own: for its descriptor limit,
// or because both ends of 10,000 sessions do not fit in one.

func init() {
	childServers["64 descriptors"] = func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
			panic(err)
		}
		serveChild("tcp://127.0.0.1:0")
	}
	childServers["idle 4s"] = func() { serveChild("tcp://127.0.0.1:0?idle=4s") }
}

// TestDescriptorLimit gives 200 clients to a server that may have 64 open files.
// Those that it could accept are served at once, the others when those leave.
func TestDescriptorLimit(t *testing.T) {
	s := startChild(t, "64 descriptors")
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.addr.Port}
	const clients = 200
	answered := make(chan net.Conn, clients)
	failed := make(chan error, clients)
	for range clients {
		c, err := net.DialTCP("tcp", nil, at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			c.SetDeadline(time.Now().Add(60 * time.Second))
			_, err := io.WriteString(c, "x")
			if err == nil {
				_, err = io.ReadFull(c, make([]byte, 1))
			}
			if err != nil {
				failed <- err
				return
			}
			answered <- c
		}()
	}
	for n := range clients {
		select {
		case c := <-answered:
			c.Close() // leaves room for the next
		case err := <-failed:
			t.Fatalf("after %d of %d clients: %v", n, clients, err)
		}
	}
	c, err := net.DialTCP("tcp", nil, at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, "recovered")
	expect(t, c, "recovered")
	if n := s.number("failures"); n < 1 || n > clients {
		t.Errorf("%d failures to accept were reported: want at least one, and not one for each try", n)
	}
}

// TestTenThousandIdleSessions opens as many and waits for the idle limit to end
// each of them.
func TestTenThousandIdleSessions(t *testing.T) {
	const sessions = 10_000
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max < sessions+100 {
		t.Skipf("the descriptor limit of %d is too low for %d sessions", limit.Max, sessions)
	}
	s := startChild(t, "idle 4s")
	fds := make([]int, 0, sessions)
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	buf := make([]byte, 16)
	for range sessions {
		fd := connectRaw(t, unix.SOCK_STREAM, &s.addr)
		fds = append(fds, fd)
		if _, err := unix.Write(fd, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(fd, buf); n != 1 {
			t.Fatalf("session %d was not answered: %d, %v", len(fds), n, err)
		}
	}
	for i, fd := range fds {
		if n, err := unix.Read(fd, buf); n != 0 || err != nil {
			t.Fatalf("session %d read %d, %v; want the end", i, n, err)
		}
	}
	for s.number("sessions") > 0 { // the last are still being closed
		time.Sleep(10 * time.Millisecond)
	}
	if n := s.number("idle"); n != sessions {
		t.Errorf("%d sessions were counted as ended by the idle limit, want %d", n, sessions)
	}
}

// TestMessagesAllocateNothing counts the allocations of both ends.
func TestMessagesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var s Server
	for _, e := range start(t, &s, echo, "tcp://127.0.0.1:0", "tcp://127.0.0.1:0?frame=line", "udp://127.0.0.1:0", "unix:"+t.TempDir()+"/s") {
		c := dial(t, e)
		msg, answer := []byte(strings.Repeat("x", 63)+"\n"), make([]byte, 64)
		exchange := func() {
			if _, err := c.Write(msg); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, answer); err != nil {
				t.Fatal(err)
			}
		}
		exchange()
		if n := testing.AllocsPerRun(2000, exchange); n != 0 {
			t.Errorf("%s: %v allocations a message, want 0", e, n)
		}
	}
}
