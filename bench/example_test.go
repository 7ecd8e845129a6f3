package bench_test

import (
	"context"
	"fmt"
	"time"

	"parley"
	"parley/bench"
	"parley/endpoint"
	"parley/service"
)

// serve serves echo in this process, for the examples.
func serve(at string) (e endpoint.Endpoint, stop func()) {
	var s parley.Server
	if err := s.Listen(context.Background(), service.Echo{}, at); err != nil {
		panic(err)
	}
	done := make(chan struct{})
	go func() { s.Serve(); close(done) }()
	return s.Endpoints()[0], func() { s.Close(); <-done }
}

func ExampleRun() {
	e, stop := serve("tcp://127.0.0.1:0")
	defer stop()
	echo, err := bench.Echo(bench.Content{Size: 64})
	if err != nil {
		panic(err)
	}
	r, err := bench.Run(context.Background(), bench.Load{
		Endpoint: e, Exchange: echo,
		Sessions: 4, Rate: 1000,
		Time: 100 * time.Millisecond, Warmup: -1,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Latency.TotalCount(), "answers, errors:", len(r.Errors))
	// Output: 100 answers, errors: 0
}

func ExampleCheck() {
	echo, err := bench.Echo(bench.Content{Size: 100_000})
	if err != nil {
		panic(err)
	}
	fmt.Println(bench.Check(bench.Load{Endpoint: endpoint.MustParse("udp://127.0.0.1:7"), Exchange: echo}))
	// Output: bench udp://127.0.0.1:7: a message of 100000 bytes: want at most 65507, the largest datagram of UDP over IPv4
}

func ExampleCompare() {
	a, stop := serve("tcp://127.0.0.1:0")
	defer stop()
	b, stopB := serve("mem:example")
	defer stopB()
	echo, err := bench.Echo(bench.Content{})
	if err != nil {
		panic(err)
	}
	l := bench.Load{Endpoint: a, Exchange: echo, Rate: 1000, Time: 50 * time.Millisecond, Warmup: -1}
	against := l
	against.Endpoint = b
	c, err := bench.Compare(context.Background(), l, against, 2, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(c.Rounds), "rounds")
	// Output: 2 rounds
}
