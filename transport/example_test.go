package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"parley/endpoint"
	"parley/transport"
)

// A listener on a free port, and a client of it.
func Example() {
	ctx := context.Background()
	e := endpoint.MustParse("tcp://127.0.0.1:0")
	ln, err := transport.Listen(ctx, e)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()

	client, err := transport.Dial(ctx, e.WithAddr(ln.Addr()).With("connect", "5s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(server, "hello")
	server.Close()
	text, err := io.ReadAll(client)
	fmt.Println(string(text), err)
	// Output: hello <nil>
}

// The error of a dial says why, in a way that a program can compare.
func ExampleDial() {
	gone, _ := net.Listen("tcp", "127.0.0.1:0") // a port that nothing listens on any more
	gone.Close()
	e := endpoint.MustParse("tcp://127.0.0.1:0").WithAddr(gone.Addr())

	_, err := transport.Dial(context.Background(), e)
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED))
	// Output: true
}

// Open serves any scheme: streams are accepted, and so are the peers of a
// datagram socket.
func ExampleOpen() {
	ctx := context.Background()
	e := endpoint.MustParse("udp://127.0.0.1:0")
	ln, pc, err := transport.Open(ctx, e)
	if err != nil {
		fmt.Println(err)
		return
	}
	if pc != nil {
		ln = transport.Peers(pc, transport.PeerLimits{})
	}
	defer ln.Close()

	client, err := transport.Dial(ctx, e.WithAddr(ln.Addr()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Fprint(client, "hello")

	server, err := ln.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	b := make([]byte, 100)
	n, err := server.Read(b)
	fmt.Println(string(b[:n]), err)
	// Output: hello <nil>
}

// Options are checked before anything is opened, and the nearest is named.
func ExampleCheckListen() {
	err := transport.CheckListen(endpoint.MustParse("tcp://:7?backlgo=5"))
	fmt.Println(err)
	// Output: listen tcp://:7: unknown option "backlgo"; nearest is "backlog"
}
