package servicetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"parley"
	"parley/service/servicetest"
)

// broken services break one promise each. want is a part of what the suite says
// of them over the schemes in only.
var broken = []struct {
	name string
	new  func() parley.Service
	only string
	opts servicetest.Options
	want string
}{
	{name: "silent", new: serve(func(*parley.Conn, []byte) error { return nil }),
		want: `the answer to "hello from 0\n": after ""`},
	{name: "wrong", new: serve(func(c *parley.Conn, msg []byte) error { return c.Send(bytes.ToUpper(msg)) }),
		want: `got "HELLO FROM 0\n", want "hello from 0\n"`},
	{name: "twice", new: serve(func(c *parley.Conn, msg []byte) error { c.Send(msg); return c.Send(msg) }),
		want: `the answer to "again\n": got "hello from`},
	{name: "twice at the end", new: serve(twiceAgain), only: "mem ws", want: `says more than the dialogue has`},
	{name: "twice on datagrams", new: serve(twiceAgain), only: "udp", want: `got "again\n", want "hello from 0\n"`},
	{name: "error", new: serve(func(c *parley.Conn, msg []byte) error {
		c.Send(msg)
		if bytes.HasPrefix(msg, []byte("again")) {
			return errors.New("bad mood")
		}
		return nil
	}), want: `the session ended with "bad mood"`},
	{name: "ends early", new: serve(func(c *parley.Conn, msg []byte) error { c.Send(msg); c.End(); return nil }),
		want: `the answer to "again\n"`},
	{name: "does not end", new: serve(echo), opts: servicetest.Options{Dialogue: func(int) servicetest.Dialogue {
		return servicetest.Dialogue{Ends: servicetest.ServiceEnds, Steps: []servicetest.Step{{Send: "x\n", Want: "x\n"}}}
	}}, want: "the service's end, after the dialogue"},
	{name: "first peer", new: func() parley.Service { return new(firstPeer) }, want: "many"},
	{name: "panics on nothing", new: serve(func(c *parley.Conn, msg []byte) error { _ = msg[0]; return c.Send(msg) }),
		only: "udp", want: "service panicked"},
	{name: "panics on nonsense", new: serve(func(c *parley.Conn, msg []byte) error {
		if bytes.IndexByte(msg, 0) >= 0 {
			panic("no text")
		}
		return c.Send(msg)
	}), want: "service panicked: no text"},
	{name: "one at a time", new: func() parley.Service { return oneAtATime{make(chan bool, 1)} },
		want: `after a peer that leaves at once: another peer`},
	{name: "keeps the last message", new: serve(lastMessage), want: `got "\xa5`},
	{name: "keeps messages unused", new: func() parley.Service { return new(hoarder) }, want: "Serve keeps 2 of 2 messages"},
	{name: "writes behind the message", new: serve(func(c *parley.Conn, msg []byte) error {
		return c.Send(append(msg, '!')[:len(msg)])
	}), want: "Serve wrote behind its message"},
	{name: "waits in Serve", new: serve(insistsOnMuch), want: "a peer that does not read: waited 30s in vain"},
	{name: "queues without bound", new: func() parley.Service { return new(queuer) }, want: "it keeps them without bound"},
	{name: "answers later", new: serve(later), want: "drain"},
	{name: "answers from a goroutine", new: serve(func(c *parley.Conn, msg []byte) error {
		go func() { c.Send(msg) }()
		return nil
	}), want: ""}, // a wrong answer or a data race, as it happens
	{name: "leaves a goroutine", new: func() parley.Service { return leaker{} }, only: "tcp", want: "found unexpected goroutines"},
	{name: "leaves a goroutine in the bubble", new: func() parley.Service { return leaker{} }, want: "deadlock: main bubble goroutine has exited but blocked goroutines remain"},
	{name: "answers too much", new: serve(func(c *parley.Conn, msg []byte) error {
		return c.Send(append(bytes.Clone(msg), make([]byte, 1000)...))
	}), only: "udp", want: "answers longer than the datagram they answer allows"},
	{name: "stream that ignores the drain", new: func() parley.Service { return stubborn{} }, want: "Shutdown with peers that had all their answers: it took too long"},
	{name: "stream that takes a read for a message", new: func() parley.Service { return hasty{} }, want: "bytewise"},
	{name: "close fails", new: func() parley.Service { return unclosable{} }, want: "Close of the service: stuck"},
	{name: "refuses", new: func() parley.Service { return refuser{} }, want: "hello from 0"},
}

func serve(f func(c *parley.Conn, msg []byte) error) func() parley.Service {
	return func() parley.Service { return parley.ServiceFunc(f) }
}

func echo(c *parley.Conn, msg []byte) error { return c.Send(msg) }

func twiceAgain(c *parley.Conn, msg []byte) error {
	c.Send(msg)
	if bytes.HasPrefix(msg, []byte("again")) {
		c.Send(msg)
	}
	return nil
}

// lastMessage answers with a message that it was given earlier.
func lastMessage(c *parley.Conn, msg []byte) error {
	if last, ok := c.Data().([]byte); ok && len(last) > 0 {
		return c.Send(last)
	}
	c.SetData(msg)
	return c.Send(msg)
}

// insists does not come back before the peer has taken its answer, which is not
// sent before it comes back. It gives up after two hours.
func insists(c *parley.Conn, msg []byte) error {
	for until := time.Now().Add(2 * time.Hour); ; time.Sleep(time.Second) {
		if err := c.Send(msg); err != parley.ErrBacklogged || time.Now().After(until) {
			return err
		}
	}
}

// insistsOnMuch answers a flood a hundredfold.
func insistsOnMuch(c *parley.Conn, msg []byte) error {
	if len(msg) < 1000 || !bytes.Contains(msg, []byte("hello")) {
		return c.Send(msg)
	}
	for range 100 {
		if err := insists(c, msg); err != nil {
			return err
		}
	}
	return nil
}

// later answers after a second, as a service that asks somebody else may.
func later(c *parley.Conn, msg []byte) error {
	msg = bytes.Clone(msg)
	time.AfterFunc(time.Second, func() { c.Send(msg) })
	return nil
}

// firstPeer answers everything to the peer that came first.
type firstPeer struct {
	mu    sync.Mutex
	first *parley.Conn
}

func (s *firstPeer) Serve(c *parley.Conn, msg []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = c
	}
	return s.first.Send(msg)
}

// oneAtATime lets a peer wait for another one's end.
type oneAtATime struct{ turn chan bool }

func (s oneAtATime) Open(c *parley.Conn) error              { s.turn <- true; return nil }
func (s oneAtATime) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }
func (s oneAtATime) Closed(*parley.Conn, error)             { <-s.turn }

// hoarder keeps every message.
type hoarder struct {
	mu   sync.Mutex
	kept [][]byte
}

func (s *hoarder) Serve(c *parley.Conn, msg []byte) error {
	s.mu.Lock()
	s.kept = append(s.kept, msg)
	s.mu.Unlock()
	return c.Send(msg)
}

// queuer has a queue of its own for each session, and a goroutine that sends as
// the peer takes it.
type queuer struct{}

type queue struct {
	mu      sync.Mutex
	waiting [][]byte
	done    chan struct{}
}

func (*queuer) Open(c *parley.Conn) error {
	q := &queue{done: make(chan struct{})}
	c.SetData(q)
	go q.send(c)
	return nil
}

func (q *queue) send(c *parley.Conn) {
	for tick := time.NewTicker(time.Millisecond); ; {
		select {
		case <-tick.C:
		case <-q.done:
			return
		}
		q.mu.Lock()
		for len(q.waiting) > 0 && c.Send(q.waiting[0]) == nil {
			q.waiting = q.waiting[1:]
		}
		q.mu.Unlock()
	}
}

func (*queuer) Serve(c *parley.Conn, msg []byte) error {
	q := c.Data().(*queue)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, bytes.Clone(msg))
	return nil
}

func (*queuer) Closed(c *parley.Conn, err error) { close(c.Data().(*queue).done) }

// leaker starts a goroutine that never ends.
type leaker struct{}

func (leaker) Open(*parley.Conn) error                { go wait(make(chan bool)); return nil }
func (leaker) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }

func wait(never chan bool) { <-never }

// stubborn reads on while the server drains.
type stubborn struct{}

func (stubborn) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }
func (stubborn) Stream(_ context.Context, conn net.Conn) error {
	_, err := io.Copy(conn, conn)
	return err
}

// hasty answers each read with a line.
type hasty struct{}

func (hasty) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }
func (hasty) Stream(ctx context.Context, conn net.Conn) error {
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	b := make([]byte, 1000)
	for {
		n, err := conn.Read(b)
		if err == io.EOF || ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(append(bytes.TrimSuffix(b[:n], []byte("\n")), '\n')); err != nil {
			return err
		}
	}
}

type unclosable struct{}

func (unclosable) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }
func (unclosable) Close() error                           { return errors.New("stuck") }

type refuser struct{}

func (refuser) Open(*parley.Conn) error                { return errors.New("not today") }
func (refuser) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }

// echoes is the dialogue of a service that should be echo.
func echoes(peer int) servicetest.Dialogue {
	hello := fmt.Sprintf("hello from %d\n", peer)
	return servicetest.Dialogue{Steps: []servicetest.Step{{Send: hello, Want: hello}, {Send: "again\n", Want: "again\n"}}}
}

// brokenEnv names the broken service that a child process is to test.
const brokenEnv = "PARLEY_SERVICETEST_BROKEN"

// TestBrokenServices runs the suite on each broken service in a process of its
// own, and expects it to fail and to say why.
func TestBrokenServices(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestOneBrokenService$", "-test.timeout=5m")
			cmd.Env = append(os.Environ(), brokenEnv+"="+b.name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("the suite passes it (%v):\n%s", err, out)
			}
			if !bytes.Contains(out, []byte(b.want)) {
				t.Errorf("the suite does not say %q of it, but:\n%s", b.want, out)
			}
		})
	}
}

// TestOneBrokenService is what the child process runs.
func TestOneBrokenService(t *testing.T) {
	name := os.Getenv(brokenEnv)
	if name == "" {
		t.Skip("only in the child processes of TestBrokenServices")
	}
	for _, b := range broken {
		if b.name != name {
			continue
		}
		b.opts.Only = []string{"mem"}
		if b.only != "" {
			b.opts.Only = strings.Fields(b.only)
		}
		if b.opts.Dialogue == nil {
			b.opts.Dialogue = echoes
		}
		servicetest.Test(t, b.new, b.opts)
		return
	}
	t.Errorf("there is no broken service %q", name)
}
