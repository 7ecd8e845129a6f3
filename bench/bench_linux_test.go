//go:build !parleyportable

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parley"
	"parley/endpoint"
	"parley/service"
)

// The benchmarks compare the generator with the plainest good client in C, in one run:
// each is a process that is bound to one processor, against the same server, which
// is bound to another, and the two take turns. What counts is the ratio. Where the server
// is the limit the ratio says little, and cpu-ratio, of the processor time that a
// message takes, says it all.

// childEnv has a test binary be a child of a benchmark: "generate NETWORK PORT
// SESSIONS SIZE MILLISECONDS", as epollclient has it, or "serve NETWORK".
const childEnv = "PARLEY_BENCH_CHILD"

func init() {
	if what, args, _ := strings.Cut(os.Getenv(childEnv), " "); what == "generate" {
		generateChild(args)
		os.Exit(0)
	} else if what == "serve" {
		serveChild(args)
		os.Exit(0)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// generateChild prints how many messages were answered, and in how many nanoseconds,
// by the clock and of processor time.
func generateChild(args string) {
	var network string
	var port, sessions, size, ms int
	_, err := fmt.Sscan(args, &network, &port, &sessions, &size, &ms)
	must(err)
	x, err := Echo(Content{Size: size})
	must(err)
	before, _ := processTime()
	r, err := Run(context.Background(), Load{
		Endpoint: endpoint.MustParse(fmt.Sprintf("%s://127.0.0.1:%d", network, port)), Exchange: x,
		Sessions: sessions, Workers: 1, Time: time.Duration(ms) * time.Millisecond, Warmup: -1,
	})
	must(err)
	after, _ := processTime()
	if len(r.Errors) > 0 || r.Failure != "" {
		panic(fmt.Sprint(r.FirstErrors, r.Failure))
	}
	fmt.Println(r.Answered, int64(r.Elapsed), int64(after-before))
}

// serveChild is parley's own server, which prints its port.
func serveChild(network string) {
	s := parley.Server{Limits: parley.Limits{Sessions: -1, PerAddress: -1}}
	must(s.Listen(context.Background(), service.Echo{}, network+"://127.0.0.1:0"))
	go s.Serve()
	fmt.Println(s.Endpoints()[0].Port)
	io.Copy(io.Discard, os.Stdin)
}

// yardstick compiles a program of testdata.
func yardstick(b testing.TB, name string) string {
	b.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		b.Skip("no gcc, so nothing to compare with")
	}
	out := filepath.Join(b.TempDir(), name)
	if text, err := exec.Command(gcc, "-O2", "-o", out, filepath.Join("testdata", name+".c")).CombinedOutput(); err != nil {
		b.Fatalf("gcc %s.c: %v\n%s", name, err, text)
	}
	return out
}

// processors are two to compare on: the server's and the generators'.
func processors(b testing.TB) (server, generator int) {
	b.Helper()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil || all.Count() < 2 {
		b.Skip("one processor only: server and generator would share it")
	}
	var cpus []int
	for cpu := 0; len(cpus) < 2; cpu++ {
		if all.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus[0], cpus[1]
}

// onProcessor starts cmd bound to a processor: what a thread starts has its binding.
func onProcessor(b testing.TB, cpu int, cmd *exec.Cmd) {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	one.Set(cpu)
	must(unix.SchedGetaffinity(0, &all))
	must(unix.SchedSetaffinity(0, &one))
	defer unix.SchedSetaffinity(0, &all)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
}

func testBinary(child string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+child)
	return cmd
}

// startServer starts a server that prints its port and ends with its input.
func startServer(b testing.TB, cpu int, cmd *exec.Cmd) (port string) {
	b.Helper()
	in, err := cmd.StdinPipe()
	must(err)
	out, err := cmd.StdoutPipe()
	must(err)
	cmd.Stderr = os.Stderr
	onProcessor(b, cpu, cmd)
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	port, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("%v did not say its port: %v", cmd.Args, err)
	}
	return strings.TrimSpace(port)
}

// A pace is how fast a generator was.
type pace struct{ rate, cpu float64 } // messages a second, nanoseconds of processor time a message

// measure runs a generator.
func measure(b testing.TB, cpu int, cmd *exec.Cmd) pace {
	b.Helper()
	out, err := cmd.StdoutPipe()
	must(err)
	cmd.Stderr = os.Stderr
	onProcessor(b, cpu, cmd)
	text, _ := io.ReadAll(out)
	var messages, wall, used float64
	if _, err := fmt.Sscan(string(text), &messages, &wall, &used); err != nil || messages == 0 {
		b.Fatalf("%v printed %q: %v", cmd.Args, text, err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return pace{messages / wall * 1e9, used / messages}
}

// generator compares over pairs in turn, against a server of C and one of parley.
func generator(b *testing.B, network string) {
	serverCPU, cpu := processors(b)
	client, server := yardstick(b, "epollclient"), yardstick(b, "epollserver")
	b.Run("server=c", func(b *testing.B) {
		compareGenerators(b, cpu, client, network, startServer(b, serverCPU, exec.Command(server, network)))
	})
	b.Run("server=parley", func(b *testing.B) {
		compareGenerators(b, cpu, client, network, startServer(b, serverCPU, testBinary("serve "+network)))
	})
}

func compareGenerators(b *testing.B, cpu int, client, network, port string) {
	const sessions, size = "64", "64"
	pairs, ms := min(b.N, 7), strconv.Itoa(min(max(b.N, 200), 1000))
	var rates, cpus, ourRates, ourCPUs []float64
	b.ResetTimer()
	for i := range pairs {
		var ours, theirs pace
		turns := []func(){
			func() {
				ours = measure(b, cpu, testBinary(strings.Join([]string{"generate", network, port, sessions, size, ms}, " ")))
			},
			func() { theirs = measure(b, cpu, exec.Command(client, network, port, sessions, size, ms)) },
		}
		turns[i%2]()
		turns[1-i%2]()
		b.Logf("%.0f and %.0f messages/s, %.0f and %.0f ns of processor time each", ours.rate, theirs.rate, ours.cpu, theirs.cpu)
		rates, cpus = append(rates, ours.rate/theirs.rate), append(cpus, theirs.cpu/ours.cpu)
		ourRates, ourCPUs = append(ourRates, ours.rate), append(ourCPUs, ours.cpu)
	}
	b.StopTimer()
	b.ReportMetric(median(rates), "ratio")
	b.ReportMetric(median(cpus), "cpu-ratio")
	b.ReportMetric(median(ourRates), "msg/s")
	b.ReportMetric(median(ourCPUs), "cpu-ns/msg")
	b.ReportMetric(0, "ns/op")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkGeneratorTCP has 64 bytes echoed on 64 sessions. Aim: ratio and cpu-ratio
// 0.9.
func BenchmarkGeneratorTCP(b *testing.B) { generator(b, "tcp") }

// BenchmarkGeneratorUDP is the same on connected UDP sockets.
func BenchmarkGeneratorUDP(b *testing.B) { generator(b, "udp") }

// inUse is the user memory of this process in bytes, after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// BenchmarkSessionMemory runs 10,000 TCP sessions, of which each has a message under
// way, and reports the user memory (heap and stacks in use) of each, with its part of
// what the run needs anyway. Aim: at most 4096 bytes.
func BenchmarkSessionMemory(b *testing.B) {
	const sessions = 10_000
	serverCPU, _ := processors(b)
	port := startServer(b, serverCPU, testBinary("serve tcp"))
	x, err := Echo(Content{})
	must(err)
	before, most := inUse(), int64(0)
	r, err := Run(b.Context(), Load{
		Endpoint: endpoint.MustParse("tcp://127.0.0.1:" + port), Exchange: x, Sessions: sessions,
		Workers: 1, Time: 2500 * time.Millisecond, Warmup: -1,
		Progress: func(Interval) { most = max(most, inUse()) },
	})
	if err != nil {
		b.Skip(err) // more than what this machine has descriptors for
	}
	if r.Open != sessions || len(r.Errors) > 0 || most == 0 {
		b.Fatalf("%d sessions open at the end, %v %v", r.Open, r.FirstErrors, r.Failure)
	}
	b.ReportMetric(float64(most-before)/sessions, "B/session")
	b.ReportMetric(r.MessagesPerSecond(), "msg/s")
	b.ReportMetric(0, "ns/op")
}
