package chat_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parley"
	"parley/chat"
)

func init() {
	childServers["hub"] = func() { serveChild(&chat.Hub{Flood: chat.Flood{Burst: -1}}) }
}

// serveChild serves hub on TCP, without the limits that a thousand sockets of one
// address would meet, and obeys its parent.
func serveChild(hub *chat.Hub) {
	s := parley.Server{Limits: parley.Limits{Sessions: -1, PerAddress: -1}}
	if err := hub.Start(context.Background()); err != nil {
		panic(err)
	}
	if err := s.Listen(context.Background(), hub, "tcp://127.0.0.1:0"); err != nil {
		panic(err)
	}
	fmt.Println(s.Endpoints()[0].Address())
	go s.Serve()
	obeyParent(hub)
}

// obeyParent answers the parent's questions until it goes away.
func obeyParent(hub *chat.Hub) {
	if name := os.Getenv("PARLEY_CHAT_PROFILE"); name != "" {
		f, _ := os.Create(name)
		pprof.StartCPUProfile(f)
	}
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		switch questions.Text() {
		case "memory":
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Println(m.HeapInuse + m.StackInuse)
		case "cpu":
			fmt.Println(cpuTime(unix.RUSAGE_SELF))
		case "members":
			fmt.Println(hub.Stats().Members)
		case "missed":
			fmt.Println(hub.Stats().Missed)
		}
	}
	pprof.StopCPUProfile()
	os.Exit(0)
}

func cpuTime(who int) int64 {
	var r syscall.Rusage
	syscall.Getrusage(who, &r)
	return r.Utime.Nano() + r.Stime.Nano()
}

// A child is a child process that serves.
type child struct {
	cmd    *exec.Cmd
	ask    io.WriteCloser
	answer *bufio.Scanner
	addr   unix.SockaddrInet4
}

func startChild(b testing.TB, name string) *child {
	b.Helper()
	s := &child{cmd: exec.Command(os.Args[0], "-test.run=^$")}
	s.cmd.Env = append(os.Environ(), childServerEnv+"="+name, "GOMAXPROCS=1")
	s.start(b)
	s.answer.Scan()
	addr, err := net.ResolveTCPAddr("tcp", s.answer.Text())
	if err != nil {
		b.Fatalf("%s did not say where it listens: %v", name, err)
	}
	s.addr = unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte{127, 0, 0, 1}}
	return s
}

func (s *child) start(b testing.TB) {
	b.Helper()
	s.cmd.Stderr = os.Stderr
	var err error
	if s.ask, err = s.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.ask.Close(); s.cmd.Wait() })
	s.answer = bufio.NewScanner(out)
}

func (s *child) number(question string) (n int64) {
	fmt.Fprintln(s.ask, question)
	s.answer.Scan()
	fmt.Sscan(s.answer.Text(), &n)
	return n
}

// startNcat starts ncat's chat server, if it is installed.
func startNcat(b testing.TB) *child {
	b.Helper()
	path, err := exec.LookPath("ncat")
	if err != nil {
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	s := &child{cmd: exec.Command(path, "--listen", "--keep-open", "--broker", "--chat", "--max-conns", "1010", "127.0.0.1", fmt.Sprint(port))}
	s.cmd.Stderr = io.Discard
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	s.addr = unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return s
		}
	}
	b.Fatal("ncat does not listen")
	return nil
}

// processTime is the processor time of a child, in seconds.
func (s *child) processTime() float64 {
	if s.ask != nil {
		return float64(s.number("cpu")) / 1e9
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system float64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return (user + system) / 100
}
