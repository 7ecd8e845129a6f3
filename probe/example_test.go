package probe_test

import (
	"context"
	"fmt"
	"net"

	"parley/probe"
)

func ExampleParse() {
	list, err := probe.Parse("tcp://127.0.0.1:20-22,8080,21")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.Len())
	for target := range list.All() {
		fmt.Println(target)
	}
	_, err = probe.Parse("tcp://127.0.0.1:20-70000")
	fmt.Println(err)
	// Output:
	// 4
	// tcp://127.0.0.1:20
	// tcp://127.0.0.1:21
	// tcp://127.0.0.1:22
	// tcp://127.0.0.1:8080
	// endpoint "tcp://127.0.0.1:20-70000": port "70000" is not in 1 to 65535
}

func ExampleRun() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ln.Close()
	list, err := probe.Parse("tcp://" + ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	up, err := probe.Run(context.Background(), []probe.Targets{list}, probe.Options{Banner: -1}, func(r probe.Result) {
		fmt.Println(r.State, r.Err)
	})
	fmt.Println(up, err)
	// Output:
	// open <nil>
	// true <nil>
}
