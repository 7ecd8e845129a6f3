//go:build linux && !parleyportable

package bench

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// bareAccept accepts at ln, and keeps what it accepts as bare descriptors, which take
// no memory of this process, until stop is called.
func bareAccept(b *testing.B, ln *net.TCPListener) (stop func()) {
	f, err := ln.File()
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan []int)
	go func() {
		var fds []int
		for {
			fd, _, err := unix.Accept4(int(f.Fd()), unix.SOCK_CLOEXEC)
			if err != nil {
				done <- fds
				return
			}
			fds = append(fds, fd)
		}
	}()
	return func() {
		unix.Shutdown(int(f.Fd()), unix.SHUT_RD)
		for _, fd := range <-done {
			unix.Close(fd)
		}
		f.Close()
		ln.Close()
	}
}

// BenchmarkHoldMemory is what a session that is held costs: the aim is 4 KB at most.
func BenchmarkHoldMemory(b *testing.B) {
	limit, used, _ := descriptors()
	sessions := min(10_000, (limit-used-spare)/2-10) // each has two ends here
	for b.Loop() {
		holdOnce(b, sessions)
	}
}

func holdOnce(b *testing.B, sessions int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer bareAccept(b, ln.(*net.TCPListener))()
	const hold = 1500 * time.Millisecond
	before, held, began := inUse(), int64(0), time.Now()
	r := mustRun(b, awhile(b), Load{
		Mode: Holds, Endpoint: endpoint.MustParse("tcp://127.0.0.1:0").WithAddr(ln.Addr()), Sessions: sessions, Time: hold,
		Progress: func(i Interval) {
			if i.Open == int64(sessions) && held == 0 {
				held = inUse()
			}
		},
	})
	if held < before || r.Open != int64(sessions) {
		b.Fatalf("%d bytes before, %d while held: %+v", before, held, r)
	}
	b.ReportMetric(float64(held-before)/float64(sessions), "B/session")
	b.ReportMetric(float64(sessions)/(time.Since(began)-hold).Seconds(), "sessions/s")
}
