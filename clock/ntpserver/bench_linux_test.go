//go:build !parleyportable

package ntpserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
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
	"parley/clock/ntp"
)

// The benchmarks compare the server with chronyd's, in one run: each is a process of its own,
// they take turns, and what counts is how many requests each answers per second of its own
// processor time. The client is one thread that keeps a window of requests under way on 16
// sockets.

// childEnv makes this test binary a server on GOMAXPROCS processors.
const childEnv = "PARLEY_NTP_CHILD"

func init() {
	if os.Getenv(childEnv) == "" {
		return
	}
	srv := &parley.Server{}
	if err := srv.Listen(context.Background(), New(Config{}), "udp://127.0.0.1:0"); err != nil {
		panic(err)
	}
	fmt.Println(srv.Endpoints()[0].Address())
	go func() {
		bufio.NewReader(os.Stdin).ReadByte() // until the parent is gone
		os.Exit(0)
	}()
	srv.Serve()
}

// A timeServer is a process that answers.
type timeServer struct {
	pid  int
	addr *net.UDPAddr
}

func startOurs(b *testing.B, processors int) timeServer {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1", "GOMAXPROCS="+strconv.Itoa(processors))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stdin.Close(); cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	addr, err := net.ResolveUDPAddr("udp", strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	return timeServer{cmd.Process.Pid, addr}
}

// startChronyd starts chronyd as a server that does not touch the clock.
func startChronyd(b *testing.B) timeServer {
	b.Helper()
	path, err := exec.LookPath("chronyd")
	if err != nil {
		if path = "/usr/sbin/chronyd"; os.Getuid() != 0 {
			b.Skip("chronyd runs for root only")
		}
		if _, err := os.Stat(path); err != nil {
			b.Skip("chronyd is not here")
		}
	}
	free, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	addr := free.LocalAddr().(*net.UDPAddr)
	free.Close()
	dir := b.TempDir()
	file := filepath.Join(dir, "chrony.conf")
	text := fmt.Sprintf("port %d\nallow\nlocal stratum 10\ncmdport 0\nbindcmdaddress /\npidfile %s/pid\n", addr.Port, dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, "-x", "-d", "-u", "root", "-f", file)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() })
	return timeServer{cmd.Process.Pid, addr}
}

// cpu is the processor time that all threads of s have used.
func (s timeServer) cpu(b *testing.B) (sum time.Duration) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", s.pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		var ns int64
		fmt.Sscan(string(text), &ns)
		sum += time.Duration(ns)
	}
	return sum
}

// pin keeps s on the first processors that there are, and this thread on the last.
func (s timeServer) pin(processors int) {
	var all, some unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
		return
	}
	for i := 0; some.Count() < processors; i++ {
		if all.IsSet(i) {
			some.Set(i)
		}
	}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.pid))
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		unix.SchedSetaffinity(tid, &some)
	}
}

// A load keeps requests under way.
type load struct {
	fds []int
}

const (
	loadSockets = 16
	loadWindow  = 16 // requests on each
)

func newLoad(b *testing.B, s timeServer) *load {
	l := new(load)
	for range loadSockets {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { unix.Close(fd) })
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: s.addr.Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			b.Fatal(err)
		}
		l.fds = append(l.fds, fd)
	}
	return l
}

// run has count requests answered, and reports how many were.
func (l *load) run(b *testing.B, count int) (answered int) {
	p := clientRequest(4)
	request, buf := p.Append(nil), make([]byte, 100)
	underWay := make([]int, len(l.fds))
	sent := 0
	last := time.Now()
	for answered < count {
		progress := false
		for i, fd := range l.fds {
			for underWay[i] < loadWindow && sent < count {
				if _, err := unix.Write(fd, request); err != nil {
					break
				}
				underWay[i]++
				sent++
			}
			for underWay[i] > 0 {
				n, err := unix.Read(fd, buf)
				if err != nil {
					break
				}
				if n != ntp.PacketSize {
					b.Fatalf("answer of %d bytes", n)
				}
				underWay[i]--
				answered++
				progress = true
			}
		}
		if progress {
			last = time.Now()
		} else if time.Since(last) > 200*time.Millisecond { // what is missing is lost
			if answered == 0 {
				b.Fatal("no answers")
			}
			clear(underWay)
			last, count = time.Now(), count-(sent-answered)
			sent = answered
		}
	}
	return answered
}

// perCPU is how many requests s answers per second of processor time.
func perCPU(b *testing.B, s timeServer, l *load, count int) float64 {
	before := s.cpu(b)
	answered := l.run(b, count)
	return float64(answered) / (s.cpu(b) - before).Seconds()
}

// BenchmarkServer compares with chronyd, each on one processor. Aim: ratio 1.0. And with
// itself on two sockets and processors, which share nothing: the ratio of what two can answer
// to what one can. Aim: 1.8.
func BenchmarkServer(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	theirs, ours, both := startChronyd(b), startOurs(b, 1), startOurs(b, 2)
	time.Sleep(500 * time.Millisecond) // chronyd says nothing when it listens
	servers := []timeServer{theirs, ours, both}
	var loads []*load
	for i, s := range servers {
		s.pin(1 + i/2)
		l := newLoad(b, s)
		l.run(b, 2000)
		loads = append(loads, l)
	}
	const rounds = 7
	count := max(b.N/rounds, 2000)
	var ratios, doubles, rates []float64
	b.ResetTimer()
	for range rounds {
		t := perCPU(b, theirs, loads[0], count)
		o := perCPU(b, ours, loads[1], count)
		two := perCPU(b, both, loads[2], count)
		ratios, doubles, rates = append(ratios, o/t), append(doubles, 2*two/o), append(rates, o)
	}
	b.StopTimer()
	for unit, list := range map[string][]float64{"ratio": ratios, "two/one": doubles, "answers/cpu-s": rates} {
		slices.Sort(list)
		b.ReportMetric(list[len(list)/2], unit)
	}
	b.ReportMetric(0, "ns/op")
}
