package endpoint_test

import (
	"errors"
	"fmt"
	"net"

	"parley/endpoint"
)

func ExampleParse() {
	for _, text := range []string{":7", "TCP://Localhost:echo?total=1h&idle=5s", "/run/x.sock", "wss://example.org/chat"} {
		e, err := endpoint.Parse(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(e, "at", e.Address())
	}
	// Output:
	// tcp://:7 at :7
	// tcp://localhost:echo?idle=5s&total=1h at localhost:echo
	// unix:/run/x.sock at /run/x.sock
	// wss://example.org:443/chat at example.org:443
}

func ExampleParseError() {
	_, err := endpoint.Parse("tcp://127.0.0.1:99999?idle=5s")
	fmt.Println(err)
	if bad := (*endpoint.ParseError)(nil); errors.As(err, &bad) {
		fmt.Println(bad.Input)
		fmt.Printf("%*s^\n", bad.Offset, "")
	}
	// Output:
	// endpoint "tcp://127.0.0.1:99999?idle=5s": port "99999" is not in 0 to 65535
	// tcp://127.0.0.1:99999?idle=5s
	//                 ^
}

func ExampleParseTarget() {
	t, err := endpoint.ParseTarget("gate?secret=1&wait=5s@unix:/run/gate.sock")
	if err != nil {
		fmt.Println(err)
		return
	}
	wait, _ := t.Param("wait")
	fmt.Println(t.Service, wait, t.Endpoint)
	// Output: gate 5s unix:/run/gate.sock
}

func ExampleEndpoint_WithAddr() {
	e := endpoint.MustParse("tcp://localhost:0?idle=5s")
	real := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40123}
	fmt.Println(e.WithAddr(real))
	// Output: tcp://127.0.0.1:40123?idle=5s
}
