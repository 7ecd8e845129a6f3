package parley_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"parley"
)

// shout answers in capitals.
var shout = parley.ServiceFunc(func(c *parley.Conn, msg []byte) error {
	return c.Send(bytes.ToUpper(msg))
})

// A server of one service at two endpoints, until ctx ends.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	stop() // at once, for this example

	echo := parley.ServiceFunc(func(c *parley.Conn, msg []byte) error {
		return c.Send(msg)
	})
	err := parley.Serve(ctx, echo, "tcp://127.0.0.1:0", "udp://127.0.0.1:0")
	fmt.Println(err)
	// Output: parley: server closed
}

// Serve until ctx ends, which drains: sessions are ended in order.
func ExampleServe() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error)
	go func() { served <- parley.Serve(ctx, shout, "mem:ExampleServe") }()

	conn, err := parley.Dial(ctx, "mem:ExampleServe")
	for errors.Is(err, syscall.ECONNREFUSED) { // it does not listen yet
		conn, err = parley.Dial(ctx, "mem:ExampleServe")
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(conn, "hello")
	answer := make([]byte, 5)
	io.ReadFull(conn, answer)
	fmt.Printf("%s\n", answer)

	stop()
	_, err = conn.Read(answer)
	conn.Close()
	fmt.Println(err)
	fmt.Println(<-served)
	// Output:
	// HELLO
	// EOF
	// parley: server closed
}

// A server that says where it listens, is asked, and is shut down.
func ExampleServer() {
	var srv parley.Server
	if err := srv.Listen(context.Background(), shout, "tcp://127.0.0.1:0?frame=line"); err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- srv.Serve() }()

	at := srv.Endpoints()[0] // with the real port
	conn, err := parley.Dial(context.Background(), at.Bare().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(conn, "one\ntwo\n")
	conn.(*net.TCPConn).CloseWrite()
	answers, err := io.ReadAll(conn)
	fmt.Printf("%s%v\n", answers, err)
	conn.Close()

	srv.Shutdown(context.Background())
	fmt.Println(<-served)
	// Output:
	// ONE
	// TWO
	// <nil>
	// parley: server closed
}

// A client with two sockets open at once to one server.
func ExampleDial() {
	var srv parley.Server
	if err := srv.Listen(context.Background(), shout, "tcp://127.0.0.1:0?frame=line"); err != nil {
		fmt.Println(err)
		return
	}
	go srv.Serve()
	defer srv.Close()

	var conns [2]net.Conn
	for i := range conns {
		conn, err := parley.Dial(context.Background(), srv.Endpoints()[0].Bare().String())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer conn.Close()
		conns[i] = conn
	}
	fmt.Fprintln(conns[0], "first")
	fmt.Fprintln(conns[1], "second")
	for _, conn := range []net.Conn{conns[1], conns[0]} {
		answer, err := bufio.NewReader(conn).ReadString('\n')
		fmt.Printf("%q %v\n", answer, err)
	}
	// Output:
	// "SECOND\n" <nil>
	// "FIRST\n" <nil>
}

// A failed dial tells by its error what the network said.
func ExampleDial_refused() {
	ln, err := parley.Listen(context.Background(), "tcp://127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ln.Close() // now nobody listens there

	_, err = parley.Dial(context.Background(), "tcp://"+ln.Addr().String())
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED))
	var failed *parley.OpError
	if errors.As(err, &failed) {
		fmt.Println(failed.Op, failed.Endpoint.Scheme)
	}
	// Output:
	// true
	// dial tcp
}

// A UDP server: each datagram is a message, and each answer is one.
func ExampleServer_udp() {
	var srv parley.Server
	if err := srv.Listen(context.Background(), shout, "udp://127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}
	go srv.Serve()
	defer srv.Close()

	conn, err := parley.Dial(context.Background(), srv.Endpoints()[0].String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	answer := make([]byte, 1500)
	for _, msg := range []string{"hello", "two words"} {
		conn.Write([]byte(msg))
		n, err := conn.Read(answer)
		fmt.Printf("%s %v\n", answer[:n], err)
	}
	// Output:
	// HELLO <nil>
	// TWO WORDS <nil>
}

// A room is a service with sessions: what one peer says all the others hear.
type room struct {
	gone chan int64 // how many are left, when one has gone

	here  sync.Map // of *parley.Conn
	count atomic.Int64
}

// Open lets a peer in.
func (r *room) Open(c *parley.Conn) error {
	r.here.Store(c, true)
	return c.Send(fmt.Appendf(nil, "you are number %d\n", r.count.Add(1)))
}

// Serve passes msg on. A peer that does not take its output misses it: Send
// never waits.
func (r *room) Serve(c *parley.Conn, msg []byte) error {
	r.here.Range(func(other, _ any) bool {
		if other != c {
			other.(*parley.Conn).Send(msg)
		}
		return true
	})
	return nil
}

// Closed lets it out, once for each Open.
func (r *room) Closed(c *parley.Conn, err error) {
	r.here.Delete(c)
	r.gone <- r.count.Add(-1)
}

func (r *room) Framing() parley.Framing { return parley.Line }

// A service with sessions: it is told of each peer that comes and goes.
func ExampleCloser() {
	var srv parley.Server
	r := &room{gone: make(chan int64, 2)}
	if err := srv.Listen(context.Background(), r, "tcp://127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}
	go srv.Serve()
	defer srv.Close()

	var conns [2]net.Conn
	var lines [2]*bufio.Reader
	for i := range conns {
		conn, err := parley.Dial(context.Background(), srv.Endpoints()[0].String())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer conn.Close()
		conns[i], lines[i] = conn, bufio.NewReader(conn)
		line, _ := lines[i].ReadString('\n')
		fmt.Print(line)
	}
	fmt.Fprintln(conns[0], "is anybody there?")
	line, _ := lines[1].ReadString('\n')
	fmt.Print(line)
	conns[1].Close()
	fmt.Println(<-r.gone, "left")
	// Output:
	// you are number 1
	// you are number 2
	// is anybody there?
	// 1 left
}
