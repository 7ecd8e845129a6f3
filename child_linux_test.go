//go:build !parleyportable

package parley

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func serveChild(at string) {
	s := Server{Limits: Limits{Sessions: -1, PerAddress: -1}, Events: func(e *Event) {
		if e.Kind == EventFail {
			childFailures.Add(1)
		}
	}}
	if err := s.Listen(context.Background(), echo, at); err != nil {
		panic(err)
	}
	fmt.Println(s.Endpoints()[0].Address())
	go s.Serve()
	obeyParent(&s)
}

// childFailures counts the fail events of a child's server.
var childFailures atomic.Int64

// obeyParent answers the parent's questions until it goes away: the user memory
// of this process in bytes, after a collection, its processor time, and what its
// server counted.
func obeyParent(s *Server) {
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
			var r syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &r)
			fmt.Println(r.Utime.Nano() + r.Stime.Nano())
		case "failures":
			fmt.Println(childFailures.Load())
		case "sessions":
			fmt.Println(s.Stats()[0].Open)
		case "idle":
			fmt.Println(s.Stats()[0].Ended["idle"])
		}
	}
	os.Exit(0)
}

// A child is a child process.
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
	s.answer.Scan()
	addr, err := net.ResolveTCPAddr("tcp", s.answer.Text())
	if err != nil {
		b.Fatalf("%s did not say where it listens: %v", name, err)
	}
	s.addr = unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte{127, 0, 0, 1}}
	return s
}

func (s *child) number(question string) (n int64) {
	fmt.Fprintln(s.ask, question)
	s.answer.Scan()
	fmt.Sscan(s.answer.Text(), &n)
	return n
}

func connectRaw(b testing.TB, kind int, addr *unix.SockaddrInet4) int {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, kind, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := unix.Connect(fd, addr); err != nil {
		b.Fatal(err)
	}
	return fd
}
