package servicetest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"parley"
	"parley/service/servicetest"
)

// TestSessions has a service with all that a session can have: it greets, counts
// the peer's lines, and says at the peer's end how many there were.
func TestSessions(t *testing.T) {
	servicetest.Test(t, func() parley.Service { return new(counter) }, servicetest.Options{
		Dialogue: func(peer int) servicetest.Dialogue {
			return servicetest.Dialogue{Steps: []servicetest.Step{
				{Want: "hello"},
				{Send: fmt.Sprintf("I am %d", peer), Want: fmt.Sprintf("1: I am %d", peer)},
				{Send: "two", Want: "2: two"},
				{Send: "bye", Want: "3: bye"},
			}, Ends: servicetest.ServiceEnds}
		},
		Datagrams: func(peer int) servicetest.Dialogue {
			return servicetest.Dialogue{Steps: []servicetest.Step{
				{Send: fmt.Sprint(peer), Want: fmt.Sprintf("hello1: %d", peer)},
				{Send: "bye", Want: "2: bye"},
			}}
		},
	})
}

type counter struct{}

func (*counter) Framing() parley.Framing { return parley.Line }
func (*counter) Open(c *parley.Conn) error {
	c.SetData(new(int))
	return c.Send([]byte("hello"))
}
func (*counter) Serve(c *parley.Conn, msg []byte) error {
	n := c.Data().(*int)
	*n++
	if err := c.Send(fmt.Appendf(nil, "%d: %s", *n, msg)); err != nil {
		return err
	}
	if string(msg) == "bye" {
		c.End()
	}
	return nil
}
func (*counter) Ended(c *parley.Conn) error     { c.End(); return nil }
func (*counter) Closed(c *parley.Conn, _ error) { *c.Data().(*int) = 0 }

// TestStream has a service that takes the raw stream, a line at a time.
func TestStream(t *testing.T) {
	servicetest.Test(t, func() parley.Service { return liner{} }, servicetest.Options{
		Dialogue: func(peer int) servicetest.Dialogue {
			line := fmt.Sprintf("line of %d\n", peer)
			return servicetest.Dialogue{Steps: []servicetest.Step{{Send: line, Want: line}, {Send: "more\n", Want: "more\n"}}}
		},
		Not: map[string]string{
			"udp":      "a datagram is no stream",
			"unixgram": "a datagram is no stream",
		},
	})
}

type liner struct{}

func (liner) Serve(c *parley.Conn, msg []byte) error { return c.Send(msg) }
func (liner) Stream(ctx context.Context, conn net.Conn) error {
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	for r := bufio.NewReaderSize(conn, 64<<10); ; {
		line, err := r.ReadSlice('\n')
		if err == io.EOF || ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(line); err != nil {
			return err
		}
	}
}

// TestOwner has a service with a goroutine, which Close ends, and an answer that
// is not known in advance.
func TestOwner(t *testing.T) {
	servicetest.Test(t, newOwner, servicetest.Options{
		Framing: parley.Line,
		Later:   "the owner of the numbers answers",
		Dialogue: func(int) servicetest.Dialogue {
			return servicetest.Dialogue{Steps: []servicetest.Step{{Send: "number", Check: number}, {Send: "number", Check: number}}}
		},
	})
}

// number is "number 123."
func number(got []byte) (int, error) {
	end := strings.IndexByte(string(got), '.')
	if end < 0 {
		return 0, nil
	}
	var n int
	_, err := fmt.Sscanf(string(got[:end]), "number %d", &n)
	return end + 1, err
}

// owner answers from a goroutine of its own, which owns the numbers.
type owner struct {
	asks chan *parley.Conn
	done sync.WaitGroup
}

func newOwner() parley.Service {
	o := &owner{asks: make(chan *parley.Conn, 16)}
	o.done.Go(o.run)
	return o
}

func (o *owner) run() {
	n := 0
	for c := range o.asks {
		n++
		c.Send(fmt.Appendf(nil, "number %d.", n))
	}
}

// Closed makes sessions of datagrams, whose Conn may then be kept.
func (o *owner) Closed(*parley.Conn, error) {}
func (o *owner) Serve(c *parley.Conn, msg []byte) error {
	o.asks <- c
	return nil
}
func (o *owner) Close() error {
	close(o.asks)
	o.done.Wait()
	return nil
}
