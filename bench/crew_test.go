package bench

import (
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
)

// Datagrams of a Unix socket may be longer than those of UDP.
func TestLongUnixgrams(t *testing.T) {
	for _, mode := range []Mode{Messages, Connects, Holds} {
		path := t.TempDir() + "/g"
		pc, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Skip(err)
		}
		echoed := make(chan struct{})
		go func() { // until pc is closed
			defer close(echoed)
			for buf := make([]byte, 1<<20); ; {
				n, from, err := pc.ReadFrom(buf)
				if err != nil {
					return
				}
				pc.WriteTo(buf[:n], from)
			}
		}()
		r := mustRun(t, awhile(t), Load{Mode: mode, Endpoint: endpoint.MustParse("unixgram:" + path), Exchange: echoing(t, 100_000), Time: 50 * time.Millisecond, Warmup: -1})
		if len(r.Errors) > 0 || r.Answered == 0 {
			t.Errorf("%v: %d answered, %v", mode, r.Answered, r.FirstErrors)
		}
		pc.Close()
		<-echoed
	}
}

// A refusing conn says once that an earlier datagram was refused.
type refusing struct {
	net.Conn
	once sync.Once
	done chan struct{}

	mu           sync.Mutex
	writes, took int
}

func (r *refusing) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writes++; r.writes == 1 {
		return 0, &net.OpError{Op: "write", Net: "udp", Err: os.NewSyscallError("write", syscall.ECONNREFUSED)}
	}
	r.took++
	return len(b), nil
}
func (r *refusing) Read([]byte) (int, error) { <-r.done; return 0, net.ErrClosed }
func (r *refusing) Close() error             { r.once.Do(func() { close(r.done) }); return nil }
func (r *refusing) SetDeadline(time.Time) error {
	return r.Close()
}

// A datagram that the socket did not take is tried again, and was not sent before.
func TestCrewRefusedDatagram(t *testing.T) {
	l := Load{Endpoint: endpoint.MustParse("udp://127.0.0.1:9"), Exchange: echoing(t, 64), Time: 100 * time.Millisecond, Warmup: -1, Timeout: 50 * time.Millisecond}.filled()
	r := newRun(l)
	w := &worker{plan: r.plan, tally: newTally(), failed: func(int, error) {}, info: func(sockinfo) {}}
	c, conn := newCrew(w), &refusing{done: make(chan struct{})}
	c.adopt(0, conn)
	r.begin(0, l.Time)
	c.run(nil)
	if w.tally.sent != int64(conn.took) || w.tally.errors["refused"] != 1 {
		t.Errorf("%d sent, the socket took %d; errors %v", w.tally.sent, conn.took, w.tally.errors)
	}
}
