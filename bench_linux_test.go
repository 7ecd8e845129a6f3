//go:build !parleyportable

package parley

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The benchmarks compare parley's server with the plainest one that package net
// allows, in one run: each server is a process of its own with one processor, the
// client is a single thread of plain system calls that both find easy to serve,
// and the two take turns. What counts is the ratio.

func init() {
	childServers["parley tcp"] = func() { serveChild("tcp://127.0.0.1:0") }
	childServers["parley line"] = func() { serveChild("tcp://127.0.0.1:0?frame=line") }
	childServers["parley udp"] = func() { serveChild("udp://127.0.0.1:0") }
	childServers["net tcp"] = func() { serveChildNet(netEcho) }
	childServers["net line"] = func() { serveChildNet(netLines) }
	childServers["net udp"] = serveChildNetUDP
}

// plainListen listens without MPTCP, as parley does.
func plainListen() net.Listener {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return l
}

func serveChildNet(serve func(net.Conn)) {
	l := plainListen()
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	obeyParent(new(Server))
}

func netEcho(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func netLines(c net.Conn) {
	defer c.Close()
	scanner := bufio.NewScanner(c)
	var answer []byte
	for scanner.Scan() {
		answer = append(append(answer[:0], scanner.Bytes()...), '\n')
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func serveChildNetUDP() {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println(c.LocalAddr())
	go func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	obeyParent(new(Server))
}

// epollClient drives a server from one thread: window exchanges under way on
// every socket, until count are done.
type epollClient struct {
	fds   []int
	epoll int
	send  []byte // one exchange
	buf   []byte
	short map[int]int // bytes of an exchange that arrived so far, by socket
}

func newEpollClient(b *testing.B, s *child, kind, sockets int, exchange []byte) *epollClient {
	b.Helper()
	c := &epollClient{send: exchange, buf: make([]byte, 64<<10), short: make(map[int]int)}
	var err error
	if c.epoll, err = unix.EpollCreate1(0); err != nil {
		b.Fatal(err)
	}
	for range sockets {
		fd := connectRaw(b, kind, &s.addr)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			b.Fatal(err)
		}
		c.fds = append(c.fds, fd)
	}
	return c
}

func (c *epollClient) close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
	unix.Close(c.epoll)
}

// poll polls for answers: a client that slept would let the servers pay for
// waking it, which no remote client does.
func (c *epollClient) poll(b *testing.B, ready []unix.EpollEvent) int {
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		n, err := unix.EpollWait(c.epoll, ready, 0)
		if n > 0 {
			return n
		}
		if err != nil && err != unix.EINTR {
			b.Fatal(err)
		}
	}
	b.Fatal("waited for an answer in vain")
	return 0
}

// run does count exchanges.
func (c *epollClient) run(b *testing.B, count int) {
	started, done := 0, 0
	begin := func(fd int) {
		if started < count {
			started++
			if n, err := unix.Write(fd, c.send); n != len(c.send) {
				b.Fatalf("wrote %d bytes: %v", n, err)
			}
		}
	}
	for _, fd := range c.fds {
		begin(fd)
	}
	ready := make([]unix.EpollEvent, 64)
	for done < count {
		n := c.poll(b, ready)
		for _, ev := range ready[:n] {
			fd := int(ev.Fd)
			got, err := unix.Read(fd, c.buf)
			if got <= 0 {
				b.Fatalf("read: %d, %v", got, err)
			}
			if c.short[fd] += got; c.short[fd] == len(c.send) {
				c.short[fd] = 0
				done++
				begin(fd)
			}
		}
	}
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
	pin := func(pid, cpu int) {
		var set unix.CPUSet
		set.Set(cpu)
		for _, tid := range threads(pid) {
			unix.SchedSetaffinity(tid, &set)
		}
	}
	for _, s := range servers {
		pin(s.cmd.Process.Pid, cpus[0])
	}
	tid := unix.Gettid()
	var set unix.CPUSet
	set.Set(cpus[1])
	unix.SchedSetaffinity(tid, &set)
	b.Cleanup(func() { unix.SchedSetaffinity(tid, &all) })
}

func threads(pid int) (tids []int) {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, e := range entries {
		var tid int
		fmt.Sscan(e.Name(), &tid)
		tids = append(tids, tid)
	}
	return tids
}

// compareServers runs count exchanges of messages messages each against both
// servers in turn, and reports how much faster ours is, by the clock and by the
// servers' own processor time: the median over the rounds.
func compareServers(b *testing.B, messages int, ours, theirs *child, run func(s *child, count int)) {
	const rounds = 7
	count := max(b.N/rounds/messages, 64)
	measure := func(s *child) (wall, cpu float64) {
		cpu0, began := s.number("cpu"), time.Now()
		run(s, count)
		wall = time.Since(began).Seconds()
		return wall, float64(s.number("cpu")-cpu0) / 1e9
	}
	var wallRatios, cpuRatios, rates []float64
	b.ResetTimer()
	for range rounds {
		ourWall, ourCPU := measure(ours)
		theirWall, theirCPU := measure(theirs)
		wallRatios = append(wallRatios, theirWall/ourWall)
		if ourCPU > 0 {
			cpuRatios = append(cpuRatios, theirCPU/ourCPU)
		}
		rates = append(rates, float64(count*messages)/ourWall)
	}
	b.StopTimer()
	b.ReportMetric(median(wallRatios), "ratio")
	b.ReportMetric(median(cpuRatios), "cpu-ratio")
	b.ReportMetric(median(rates), "msg/s")
	b.ReportMetric(0, "ns/op")
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

func compareSockets(b *testing.B, what string, kind, sockets, messages int, exchange string) {
	ours, theirs := startChild(b, "parley "+what), startChild(b, "net "+what)
	pinned(b, ours, theirs)
	clients := map[*child]*epollClient{}
	for _, s := range []*child{ours, theirs} {
		c := newEpollClient(b, s, kind, sockets, []byte(exchange))
		defer c.close()
		c.run(b, 100*sockets/messages) // warm up
		clients[s] = c
	}
	compareServers(b, messages, ours, theirs, func(s *child, count int) { clients[s].run(b, count) })
}

// BenchmarkTCPEcho answers 64 bytes on 64 sessions. Aim: ratio 0.95.
func BenchmarkTCPEcho(b *testing.B) {
	compareSockets(b, "tcp", unix.SOCK_STREAM, 64, 1, strings.Repeat("x", 64))
}

// BenchmarkLinePipelined answers lines that arrive 16 at a time, beside a scanner
// loop that writes each answer. Aim: ratio 2.
func BenchmarkLinePipelined(b *testing.B) {
	compareSockets(b, "line", unix.SOCK_STREAM, 64, 16, strings.Repeat(strings.Repeat("x", 63)+"\n", 16))
}

// BenchmarkUDPEchoPeers answers datagrams of 64 bytes from 128 peers, one of each
// under way: no two answers go to the same peer, so nothing is segmented.
func BenchmarkUDPEchoPeers(b *testing.B) {
	compareSockets(b, "udp", unix.SOCK_DGRAM, 128, 1, strings.Repeat("x", 64))
}

// BenchmarkUDPEcho answers datagrams of 64 bytes, 128 of one peer under way. Aim:
// ratio 1.25.
func BenchmarkUDPEcho(b *testing.B) {
	ours, theirs := startChild(b, "parley udp"), startChild(b, "net udp")
	pinned(b, ours, theirs)
	clients := map[*child]*udpClient{ours: newUDPClient(b, ours), theirs: newUDPClient(b, theirs)}
	for _, c := range clients {
		c.run(b, 1000)
	}
	compareServers(b, 1, ours, theirs, func(s *child, count int) { clients[s].run(b, count) })
}

// A udpClient keeps a window of datagrams under way, in as few system calls as
// it can, so that the server is what is measured.
type udpClient struct {
	fd      int
	in, out mmsgs
}

const udpWindow = 128

func newUDPClient(b *testing.B, s *child) *udpClient {
	c := &udpClient{fd: connectRaw(b, unix.SOCK_DGRAM, &s.addr)}
	b.Cleanup(func() { unix.Close(c.fd) })
	payload, room := make([]byte, 64), make([]byte, 64*batchSize)
	c.in.init()
	c.out.init()
	for i := range batchSize {
		c.out.hdrs[i].hdr.Name, c.in.hdrs[i].hdr.Name = nil, nil
		c.out.iovs[i].Base, c.in.iovs[i].Base = &payload[0], &room[i*64]
		c.out.iovs[i].SetLen(64)
		c.in.iovs[i].SetLen(64)
	}
	return c
}

func (c *udpClient) run(b *testing.B, count int) {
	started, done, lost := 0, 0, 0
	for done+lost < count {
		for started < count && started-done-lost <= udpWindow-batchSize {
			n := c.call(b, unix.SYS_SENDMMSG, &c.out, min(batchSize, count-started))
			started += n
		}
		n := c.receive(b)
		if done += n; n == 0 {
			lost = started - done
		}
	}
	if lost > count/100 {
		b.Errorf("%d of %d datagrams were lost", lost, count)
	}
}

// receive polls for answers, for a while: a client that slept would let the
// servers pay for waking it, which no remote client does.
func (c *udpClient) receive(b *testing.B) int {
	for began := time.Now(); time.Since(began) < 200*time.Millisecond; {
		if n := c.call(b, unix.SYS_RECVMMSG, &c.in, batchSize); n > 0 {
			return n
		}
	}
	return 0
}

func (c *udpClient) call(b *testing.B, trap uintptr, m *mmsgs, n int) int {
	done, errno := m.call(trap, uintptr(c.fd), n)
	if errno != 0 && errno != unix.EAGAIN {
		b.Fatal(errno)
	}
	if errno != 0 {
		return 0
	}
	return done
}

// BenchmarkIdleSessions holds 10,000 TCP sessions that have each been answered
// once, and reports the user memory (heap and stacks in use) of each. Aim: at
// most 4096 bytes.
func BenchmarkIdleSessions(b *testing.B) {
	const sessions = 10_000
	for _, name := range []string{"parley", "net"} {
		s := startChild(b, name+" tcp")
		before := s.number("memory")
		c := newEpollClient(b, s, unix.SOCK_STREAM, sessions, []byte("hello"))
		c.run(b, sessions)
		b.ReportMetric(float64(s.number("memory")-before)/sessions, name+"-B/session")
		c.close()
	}
	b.ReportMetric(0, "ns/op")
}
