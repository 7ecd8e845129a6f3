package chat_test

import (
	"bufio"
	"context"
	"fmt"
	"net"

	"parley"
	"parley/chat"
)

// A hub is served like any other service, at as many endpoints as one likes.
func ExampleHub() {
	hub := &chat.Hub{Log: &chat.Memory{Messages: 100}}
	if err := hub.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	defer hub.Close()
	var server parley.Server
	defer server.Close()
	if err := server.Listen(context.Background(), hub, "tcp://127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}
	go server.Serve()

	// Anything that can send a line can talk.
	conn, err := net.Dial("tcp", server.Endpoints()[0].Address())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello\n/who\nq\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Println(lines.Text())
	}
	// Output:
	// * you are guest-1 in lobby, 1 here; /help lists the commands, q leaves
	// * 1 in lobby:
	// * guest-1
}
