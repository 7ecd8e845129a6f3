package chat_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A crowd is many members of a room, and one sender, of plain system calls in
// one thread.
type crowd struct {
	fds    []int
	sender int
	epoll  int
	buf    []byte
	got    int // lines that the members were sent
}

func newCrowd(b testing.TB, s *child, members int) *crowd {
	b.Helper()
	c := &crowd{buf: make([]byte, 256<<10)}
	var err error
	if c.epoll, err = unix.EpollCreate1(0); err != nil {
		b.Fatal(err)
	}
	for range members {
		fd := connectRaw(b, &s.addr)
		if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			b.Fatal(err)
		}
		c.fds = append(c.fds, fd)
		for c.drain(0) { // ncat tells everybody of everybody, and waits until that is read
		}
	}
	c.sender = connectRaw(b, &s.addr)
	b.Cleanup(c.close)
	c.settle()
	return c
}

func connectRaw(b testing.TB, addr *unix.SockaddrInet4) int {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := unix.Connect(fd, addr); err != nil {
		b.Fatal(err)
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	return fd
}

func (c *crowd) close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
	unix.Close(c.sender)
	unix.Close(c.epoll)
}

// settle reads until nothing has come for a while.
func (c *crowd) settle() {
	for c.drain(700 * time.Millisecond) {
	}
}

// drain reads what there is, and reports whether anything came in time.
func (c *crowd) drain(wait time.Duration) bool {
	ready := make([]unix.EpollEvent, 256)
	n, err := unix.EpollWait(c.epoll, ready, int(wait.Milliseconds()))
	if err == unix.EINTR {
		return true
	}
	for _, ev := range ready[:max(n, 0)] {
		if got, err := unix.Read(int(ev.Fd), c.buf); err == nil {
			c.got += bytes.Count(c.buf[:got], []byte{'\n'})
		}
	}
	return n > 0
}

// run sends lines, so that at most window are on their way, burst at a time, and
// returns when everybody has each.
func (c *crowd) run(b testing.TB, lines, window, burst int) {
	text := bytes.Repeat([]byte(strings.Repeat("x", 63)+"\n"), burst)
	c.got = 0
	for sent := 0; c.got < lines*len(c.fds); {
		for sent < lines && sent+burst-c.got/len(c.fds) <= window {
			if _, err := unix.Write(c.sender, text); err != nil {
				b.Fatal(err)
			}
			sent += burst
		}
		if !c.drain(5 * time.Second) {
			b.Fatalf("%d of %d deliveries came, and no more", c.got, lines*len(c.fds))
		}
	}
}

// BenchmarkFanout delivers the lines of one sender to 1,000 members over TCP, each
// server on one processor: one line at a time, and as many as the server takes.
// Aim: 500,000 deliveries a second.
//
// Beside it, in turns, ncat --broker --chat delivers the same to 100 members, and
// so does another hub: ratio is of the deliveries a second of these two. ncat would
// take a quarter of an hour to let 1,000 in, since it tells everybody of everybody.
func BenchmarkFanout(b *testing.B) {
	for _, way := range []struct {
		name          string
		window, burst int
	}{{"typed", 1, 1}, {"lines", 64, 1}, {"paste", 256, 32}} {
		b.Run(way.name, func(b *testing.B) { fanout(b, way.window, way.burst) })
	}
}

func fanout(b *testing.B, window, burst int) {
	const rounds, few = 5, 100
	full, small, ncat := startChild(b, "hub"), startChild(b, "hub"), startNcat(b)
	all, members := []*child{full, small}, map[*child]int{full: 1000, small: few, ncat: few}
	if ncat != nil {
		all = append(all, ncat)
	}
	pinned(b, all...)
	crowds := map[*child]*crowd{}
	for _, s := range all {
		crowds[s] = newCrowd(b, s, members[s])
		crowds[s].run(b, 2*window, window, burst)
	}
	lines := max(b.N/members[full]/rounds, 4*window) / burst * burst
	wall, cpu := map[*child]float64{}, map[*child]float64{}
	b.ResetTimer()
	for range rounds {
		for _, s := range all {
			lines := lines * members[full] / members[s] // as many deliveries
			cpu0, began := s.processTime(), time.Now()
			crowds[s].run(b, lines, window, burst)
			wall[s] += time.Since(began).Seconds()
			cpu[s] += s.processTime() - cpu0
		}
	}
	b.StopTimer()
	deliveries := float64(lines * members[full] * rounds)
	b.ReportMetric(deliveries/wall[full], "deliveries/s")
	b.ReportMetric(deliveries/cpu[full], "deliveries/cpu-s")
	if ncat != nil {
		b.ReportMetric(wall[ncat]/wall[small], "ratio")
		b.ReportMetric(cpu[ncat]/cpu[small], "cpu-ratio")
	}
	b.ReportMetric(float64(full.number("missed")+small.number("missed")), "missed")
	b.ReportMetric(0, "ns/op")
}

// pinned keeps the client's thread on another processor than the servers'.
func pinned(b *testing.B, servers ...*child) {
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
		return
	}
	var cpus []int
	for i := range 1024 {
		if all.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	for _, s := range servers {
		pin(s.cmd.Process.Pid, cpus[0])
	}
	var one unix.CPUSet
	one.Set(cpus[1])
	unix.SchedSetaffinity(unix.Gettid(), &one)
	b.Cleanup(func() { unix.SchedSetaffinity(unix.Gettid(), &all) })
}

func pin(pid, cpu int) {
	var set unix.CPUSet
	set.Set(cpu)
	for tid := range strings.FieldsSeq(threads(pid)) {
		var n int
		fmt.Sscan(tid, &n)
		unix.SchedSetaffinity(n, &set)
	}
}

// threads are the threads of a process.
func threads(pid int) string {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

// BenchmarkIdleMember holds 10,000 plain members in one room, and reports the
// user memory (heap and stacks in use) of each. Aim: at most 8192 bytes.
func BenchmarkIdleMember(b *testing.B) {
	const members = 10_000
	s := startChild(b, "hub")
	before := s.number("memory")
	newCrowd(b, s, members)
	for began := time.Now(); s.number("members") < members && time.Since(began) < 20*time.Second; {
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
	b.ReportMetric(float64(s.number("memory")-before)/members, "B/member")
	b.ReportMetric(0, "ns/op")
}
