//go:build !parleyportable

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parley/endpoint"
	"parley/transport"
)

// A loopRun is a loop that a test drives without a run.
type loopRun struct {
	t    testing.TB
	l    *loop
	p    *plan
	stop chan struct{}
	done chan struct{} // closed when run has returned

	mu       sync.Mutex // guards what follows
	failures map[int][]error
	infos    []sockinfo
	total    *tally // once done is closed
	onFailed func(id int, err error)
}

// newLoopRun makes a loop for a load, of one worker, which begins now.
func newLoopRun(t testing.TB, load Load) *loopRun {
	t.Helper()
	load.Workers, load.Warmup = 1, -1
	load = load.filled()
	r := &loopRun{t: t, stop: make(chan struct{}), done: make(chan struct{}), failures: make(map[int][]error), total: newTally()}
	r.p = &plan{load: load, keeps: load.Endpoint.KeepsMessages(), lossy: load.lossy(), timeout: int64(load.answerTimeout()), answer: load.longestAnswer(), until: int64(load.Time)}
	w := &worker{plan: r.p, tally: newTally(), failed: r.failed, info: r.info}
	w.turn = func(full *tally, _ int64) *tally {
		r.total.merge(full)
		full.reset()
		return full
	}
	d, err := newLoop(w)
	if err != nil {
		t.Fatal(err)
	}
	r.l = d.(*loop)
	return r
}

func (r *loopRun) failed(id int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures[id] = append(r.failures[id], err)
	if r.onFailed != nil {
		r.onFailed(id, err)
	}
}

func (r *loopRun) info(i sockinfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.infos = append(r.infos, i)
}

// sendBuffer is the size of the send buffers of sessions, in bytes. The system doubles
// it, and TCP's would grow by itself.
const sendBuffer = 64 << 10

// dial has the loop adopt a session of the load's endpoint.
func (r *loopRun) dial(id int) {
	r.t.Helper()
	conn, err := transport.Dial(awhile(r.t), r.p.load.Endpoint)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := conn.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(sendBuffer); err != nil {
		r.t.Fatal(err)
	}
	r.l.adopt(id, conn)
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		r.t.Errorf("a conn that was adopted writes: %v", err)
	}
}

// start has the loop run.
func (r *loopRun) start() {
	r.p.began = time.Now()
	go func() {
		defer close(r.done)
		r.l.run(r.stop)
		r.total.merge(r.l.w.tally)
	}()
}

// wait waits until the loop has ended, and returns all that it counted.
func (r *loopRun) wait() *tally {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		buf := make([]byte, 1<<16)
		r.t.Fatalf("the loop does not end\n%s", buf[:runtime.Stack(buf, true)])
	}
	return r.total
}

// wantFailures checks that exactly these sessions failed, once each, with an error of a
// kind.
func (r *loopRun) wantFailures(kind string, ids ...int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if errs := r.failures[id]; len(errs) != 1 || kindOf(errs[0]) != kind {
			r.t.Errorf("session %d failed with %v, want one error of kind %q", id, errs, kind)
		}
	}
	if len(r.failures) != len(ids) {
		r.t.Errorf("failed: %v, want sessions %v", r.failures, ids)
	}
}

// hooked is an exchange that tells when it makes a message or looks at an answer.
type hooked struct {
	Exchange
	append, check func(session int, seq uint64)
}

func (h hooked) Append(dst []byte, session int, seq uint64) []byte {
	if h.append != nil {
		h.append(session, seq)
	}
	return h.Exchange.Append(dst, session, seq)
}

func (h hooked) Check(answer []byte, session int, seq uint64) error {
	if h.check != nil {
		h.check(session, seq)
	}
	return h.Exchange.Check(answer, session, seq)
}

// everySocket are endpoints to listen at, one of each kind that a loop drives.
func everySocket(t testing.TB) map[string]string {
	dir := t.TempDir()
	return map[string]string{
		"tcp": "tcp://127.0.0.1:0", "udp": "udp://127.0.0.1:0", "unix": "unix:" + dir + "/s",
		"unixgram": "unixgram:" + dir + "/g", "unixpacket": "unixpacket:" + dir + "/p",
	}
}

// echoMessages sends back what comes, whatever the transport is.
func echoMessages(c net.Conn) {
	mc, ok := c.(transport.MessageConn)
	if !ok {
		echoBytes(c)
		return
	}
	for {
		msg, err := mc.ReadMessage(nil, 1<<20)
		if err != nil {
			return
		}
		if _, err := c.Write(msg); err != nil {
			return
		}
	}
}

// listenDatagrams has serve called for what arrives on a socket until the test ends.
func listenDatagrams(t testing.TB, at string, serve func(pc net.PacketConn, msg []byte, from net.Addr)) endpoint.Endpoint {
	t.Helper()
	e := endpoint.MustParse(at)
	pc, err := transport.ListenPacket(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1<<20)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			serve(pc, buf[:n], from)
		}
	})
	t.Cleanup(func() {
		pc.Close()
		wg.Wait()
	})
	return e.WithAddr(pc.LocalAddr())
}

func echoDatagram(pc net.PacketConn, msg []byte, from net.Addr) { pc.WriteTo(msg, from) }

// serving serves echo with plain sockets.
func serving(t testing.TB, scheme, at string) endpoint.Endpoint {
	if scheme == "udp" || scheme == "unixgram" {
		return listenDatagrams(t, at, echoDatagram)
	}
	_, e := listen(t, at, echoMessages)
	return e
}

// Messages that the socket takes in parts, and more of them than it takes, all arrive,
// and so do their answers. The peer does not read while it cannot write.
func TestLoopFullSockets(t *testing.T) {
	size := map[string]int{"tcp": 1 << 20, "unix": 1 << 20, "unixpacket": 60_000, "unixgram": 20_000, "udp": 20_000}
	depth := map[string]int{"tcp": 2, "unix": 2, "unixpacket": 30, "unixgram": 30, "udp": 2}
	for scheme, at := range everySocket(t) {
		t.Run(scheme, func(t *testing.T) {
			made, remade := map[[2]uint64]bool{}, 0
			x := hooked{Exchange: echoing(t, size[scheme]), append: func(session int, seq uint64) {
				m := [2]uint64{uint64(session), seq}
				if made[m] {
					remade++
				}
				made[m] = true
			}}
			r := newLoopRun(t, Load{
				Endpoint: serving(t, scheme, at), Exchange: x, Sessions: 2, Depth: depth[scheme], Time: 400 * time.Millisecond, Timeout: patience,
			})
			for id := range 2 {
				r.dial(id)
			}
			r.start()
			c := r.wait()
			r.wantFailures("")
			if c.unanswered+c.unsent+c.lost != 0 || c.latency.TotalCount() < max(c.sent, 4) || c.bytesOut < c.sent*int64(size[scheme]) {
				t.Errorf("%d sent, %d answered, %d bytes: %+v", c.sent, c.latency.TotalCount(), c.bytesOut, c)
			}
			if scheme != "udp" && remade == 0 { // of UDP on this machine none ever is
				t.Error("no socket was ever full")
			}
		})
	}
}

// Several messages under way on each session, of all sizes.
func TestLoopDepth(t *testing.T) {
	for scheme, at := range everySocket(t) {
		for _, depth := range []int{1, 2, 40} {
			t.Run(fmt.Sprintf("%s/%d", scheme, depth), func(t *testing.T) {
				var messages [][]byte
				for size := range 41 {
					if size > 0 || scheme == "udp" || scheme == "unixgram" {
						messages = append(messages, []byte(strings.Repeat(string(rune('0'+size)), size)))
					}
				}
				x, err := Echo(Content{Messages: messages})
				if err != nil {
					t.Fatal(err)
				}
				path := at
				if p, ok := strings.CutPrefix(at, scheme+":/"); ok {
					path = fmt.Sprintf("%s:/%s%d", scheme, p, depth)
				}
				r := newLoopRun(t, Load{
					Endpoint: serving(t, scheme, path), Exchange: x, Sessions: 2, Depth: depth, Time: 50 * time.Millisecond,
				})
				r.dial(0)
				r.dial(1)
				r.start()
				c := r.wait()
				r.wantFailures("")
				if len(c.errors) > 0 || c.sent < int64(4*depth) || c.latency.TotalCount() < c.sent || c.unanswered+c.unsent+c.duplicated+c.reordered+c.stray+c.lost != 0 {
					t.Errorf("%d sent, %d answered: %+v", c.sent, c.latency.TotalCount(), c)
				}
			})
		}
	}
}

// What a peer sent before it reset the connection, or ended its side, are answers, also
// where both are there when the loop looks.
func TestLoopEndBehindAnswer(t *testing.T) {
	for _, end := range []struct {
		how, kind string
		end       func(c net.Conn)
	}{
		{"reset", "reset", reset},
		{"half", "closed", func(c net.Conn) { c.(*net.TCPConn).CloseWrite() }},
	} {
		for _, depth := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/%d", end.how, depth), func(t *testing.T) {
				ended := make(chan struct{})
				_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
					buf := make([]byte, 64*depth)
					io.ReadFull(c, buf)
					if buf[0] == 'A' { // session 0 goes on
						c.Write(buf)
						echoBytes(c)
						return
					}
					c.Write(buf[:64])
					end.end(c)
					close(ended)
					io.Copy(io.Discard, c)
				})
				// The loop is held in the first answer of session 0 until session 1 is over.
				answered := false
				x := labelled{hooked{Exchange: echoing(t, 64), check: func(session int, seq uint64) {
					if session == 0 && seq == 0 {
						<-ended
					}
					answered = answered || session == 1
				}}}
				r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Sessions: 2, Depth: depth, Time: 100 * time.Millisecond, Timeout: patience})
				r.dial(0)
				r.dial(1)
				r.start()
				c := r.wait()
				r.wantFailures(end.kind, 1)
				// Of session 1 those are open that were under way, and one more if its end
				// came after its answer had been read.
				open := c.unanswered + c.unsent
				if !answered || c.errors[end.kind] != 1 || len(c.errors) != 1 || open < int64(depth-1) || open > int64(depth) {
					t.Errorf("answered %v, open %d, %+v", answered, open, c)
				}
			})
		}
	}
}

// labelled begins each message with a letter for its session.
type labelled struct{ hooked }

func (x labelled) Append(dst []byte, session int, seq uint64) []byte {
	start := len(dst)
	dst = x.hooked.Append(dst, session, seq)
	dst[start] = byte('A' + session)
	return dst
}

func (x labelled) Check(answer []byte, session int, seq uint64) error {
	answer = slices.Clone(answer)
	if answer[0] != byte('A'+session) {
		return fmt.Errorf("an answer of session %c", answer[0])
	}
	answer[0] = x.Exchange.Append(nil, session, seq)[0]
	return x.hooked.Check(answer, session, seq)
}

// A session that finds by writing that it is over still counts what was answered.
func TestLoopWriteAfterReset(t *testing.T) {
	for _, scheme := range []string{"tcp", "unix"} {
		t.Run(scheme, func(t *testing.T) {
			making, over := make(chan struct{}), make(chan struct{})
			_, e := listen(t, everySocket(t)[scheme], func(c net.Conn) {
				defer close(over)
				buf := make([]byte, 64)
				io.ReadFull(c, buf)
				<-making
				c.Write(buf)
				if scheme == "tcp" {
					reset(c)
				} else {
					c.Close()
				}
			})
			// The loop is held in making the second message until the peer is gone.
			x := hooked{Exchange: echoing(t, 64), append: func(_ int, seq uint64) {
				if seq == 1 {
					close(making)
					<-over
				}
			}}
			r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Rate: 1000, Time: 20 * time.Millisecond})
			r.dial(0)
			r.start()
			c := r.wait()
			r.wantFailures(map[string]string{"tcp": "reset", "unix": "closed"}[scheme], 0)
			if c.sent != 1 || c.latency.TotalCount() != 1 || c.unanswered != 0 || c.unsent != 19 {
				t.Errorf("%d sent, %d answered, %d unanswered, %d unsent, want 1, 1, 0, 19", c.sent, c.latency.TotalCount(), c.unanswered, c.unsent)
			}
		})
	}
}

// What waits to be read is read in the end, however much it is: nothing is told twice.
func TestLoopManyDuplicates(t *testing.T) {
	const copies = 3*mostReads + 5
	var pc net.PacketConn
	var mu sync.Mutex // guards what follows
	var first, victim net.Addr
	var told [][]byte // messages of victim
	e := listenDatagrams(t, "udp://127.0.0.1:0", func(c net.PacketConn, msg []byte, from net.Addr) {
		mu.Lock()
		defer mu.Unlock()
		pc = c
		if first == nil {
			first = from
		}
		if from.String() != first.String() && len(told) < 2 {
			victim, told = from, append(told, slices.Clone(msg))
			if len(told) == 2 {
				return // answered below
			}
		}
		c.WriteTo(msg, from)
	})
	// While the loop is at an answer of the other session.
	x := hooked{Exchange: echoing(t, 64), check: func(int, uint64) {
		mu.Lock()
		defer mu.Unlock()
		if victim == nil || len(told) < 2 {
			return
		}
		for range copies {
			pc.WriteTo(told[0], victim)
		}
		pc.WriteTo(told[1], victim)
		victim = nil
	}}
	r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Sessions: 2, Time: 100 * time.Millisecond, Timeout: 200 * time.Millisecond})
	r.dial(0)
	r.dial(1)
	r.start()
	c := r.wait()
	r.wantFailures("")
	if c.duplicated != copies || c.lost+c.stray+c.reordered != 0 || len(c.errors) > 0 {
		t.Errorf("%d duplicated, want %d: %+v", c.duplicated, copies, c)
	}
}

// Who refuses a datagram may take the next one: the session goes on.
func TestLoopRefusedDatagram(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint.MustParse("udp://127.0.0.1:0").WithAddr(pc.LocalAddr())
	pc.Close()
	var once sync.Once
	x := hooked{Exchange: echoing(t, 64), append: func(_ int, seq uint64) {
		if seq == 1 {
			once.Do(func() { listenDatagrams(t, e.String(), echoDatagram) })
		}
	}}
	r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Time: 600 * time.Millisecond, Timeout: 200 * time.Millisecond})
	r.dial(0)
	r.start()
	c := r.wait()
	r.wantFailures("")
	if c.errors["refused"] != 1 || len(c.errors) != 1 || c.lost != 1 || c.latency.TotalCount() < 10 {
		t.Errorf("%d answered: %+v", c.latency.TotalCount(), c)
	}
}

// That a datagram was refused may be heard by sending the next, which is then sent.
func TestLoopRefusalHeardBySending(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint.MustParse("udp://127.0.0.1:0").WithAddr(pc.LocalAddr())
	pc.Close()
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Time: 50 * time.Millisecond, Timeout: 10 * time.Millisecond})
	r.dial(0)
	r.p.began = time.Now()
	r.l.begin(r.l.adopted[0], 1000) // sends one
	r.l.adopted = nil
	m := r.l.seats[0]
	m.s.due(2000)
	r.l.flush(m, 2000)
	if unsent, unanswered := m.s.pending(); unsent != 0 || unanswered != 2 || m.ended || r.l.w.tally.errors["refused"] != 1 || m.refusedSince != 2000 {
		t.Errorf("%d unsent, %d unanswered, errors %v", unsent, unanswered, r.l.w.tally.errors)
	}
	close(r.stop)
	r.start()
	r.wait()
}

// Who refuses all of them is gone.
func TestLoopRefusedDatagrams(t *testing.T) {
	for _, rate := range []float64{0, 5000} {
		t.Run(fmt.Sprint("rate=", rate), func(t *testing.T) {
			pc, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			e := endpoint.MustParse("udp://127.0.0.1:0").WithAddr(pc.LocalAddr())
			pc.Close()
			r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Rate: rate, Time: time.Hour, Timeout: 100 * time.Millisecond})
			r.dial(0)
			failed := make(chan struct{})
			r.onFailed = func(int, error) { close(failed) }
			r.start()
			<-failed
			if at := time.Since(r.p.began); at < 200*time.Millisecond || at > patience/2 {
				t.Errorf("given up after %v", at)
			}
			close(r.stop)
			c := r.wait()
			r.wantFailures("refused", 0)
			if len(c.errors) != 1 || c.errors["refused"] < 2 || rate > 0 && c.errors["refused"] < 500 || c.latency.TotalCount() != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// A Unix socket that is gone does not come back.
func TestLoopUnixgramGone(t *testing.T) {
	e := endpoint.MustParse("unixgram:" + filepath.Join(t.TempDir(), "s"))
	pc, err := transport.ListenPacket(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Time: 100 * time.Millisecond})
	r.dial(0)
	pc.Close()
	r.start()
	c := r.wait()
	r.wantFailures("refused", 0)
	if c.unsent != 1 || c.errors["refused"] != 1 || c.sent != 0 {
		t.Errorf("%+v", c)
	}
}

// On unixpacket the end and a message without bytes look alike.
func TestLoopUnixpacketEnd(t *testing.T) {
	for _, test := range []struct {
		how, kind string
		end       func(c net.Conn)
	}{
		{"half", "closed", func(c net.Conn) { c.(interface{ CloseWrite() error }).CloseWrite() }},
		{"empty", "wrong answer", func(c net.Conn) {
			raw, _ := c.(syscall.Conn).SyscallConn()
			raw.Control(func(fd uintptr) {
				if err := unix.Sendto(int(fd), nil, 0, nil); err != nil {
					panic(err)
				}
			})
		}},
	} {
		for _, depth := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", test.how, depth), func(t *testing.T) {
				hold := make(chan struct{})
				_, e := listen(t, everySocket(t)["unixpacket"], func(c net.Conn) {
					for range depth {
						c.Read(make([]byte, 100))
					}
					test.end(c)
					<-hold
				})
				t.Cleanup(func() { close(hold) })
				r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Depth: depth, Time: 100 * time.Millisecond, Timeout: patience})
				r.dial(0)
				r.start()
				c := r.wait()
				r.wantFailures(test.kind, 0)
				wrong := c.errors["wrong answer"] // of the first, where the end is an empty message
				if c.unanswered != int64(depth)-wrong || c.offered != int64(depth) {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

// Nor can such a message be sent.
func TestLoopUnixpacketEmpty(t *testing.T) {
	x, err := Echo(Content{Messages: [][]byte{[]byte("one"), {}}})
	if err != nil {
		t.Fatal(err)
	}
	_, e := listen(t, everySocket(t)["unixpacket"], echoMessages)
	r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Depth: 3, Time: 100 * time.Millisecond})
	r.dial(0)
	r.start()
	r.wait()
	r.wantFailures("unsendable", 0)
}

// An answer that is longer than any that is right is wrong, and the rest of it
// is not the next answer.
func TestLoopLongAnswer(t *testing.T) {
	for _, scheme := range []string{"udp", "unixgram", "unixpacket"} {
		for _, depth := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", scheme, depth), func(t *testing.T) {
				at := everySocket(t)[scheme]
				long := make([]byte, 100_000) // more than what is read at once
				if scheme == "udp" {
					long = long[:60_000]
				}
				var e endpoint.Endpoint
				if scheme == "unixpacket" {
					_, e = listen(t, at, func(c net.Conn) {
						n, _ := c.Read(long)
						c.Write(long[:max(n, len(long))])
						io.Copy(io.Discard, c)
					})
				} else {
					e = listenDatagrams(t, at, func(pc net.PacketConn, msg []byte, from net.Addr) {
						pc.WriteTo(long[:max(copy(long, msg), len(long))], from)
					})
				}
				r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Depth: depth, Time: 100 * time.Millisecond})
				r.dial(0)
				r.start()
				c := r.wait()
				if c.errors["wrong answer"] == 0 || len(c.errors) != 1 || c.latency.TotalCount() != 0 || c.lost+c.duplicated+c.stray != 0 {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

// The system is out of buffers for a moment: nothing is lost, and it is counted.
func TestLoopNoBuffers(t *testing.T) {
	e := listenDatagrams(t, "udp://127.0.0.1:0", echoDatagram)
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Depth: 2, Time: 50 * time.Millisecond})
	r.dial(0)
	l := r.l
	r.p.began = time.Now()
	l.resendAt = 1 << 62
	l.begin(l.adopted[0], 1000) // sends two
	l.adopted = nil
	m := l.seats[0]
	m.s.due(1000)
	l.unsendable(m, unix.ENOBUFS, 1000)
	l.flush(m, 1001)
	if unsent, _ := m.s.pending(); unsent != 1 || l.w.tally.refused != 1 || l.resendAt != 1000+int64(resend) || l.lookAt > l.resendAt {
		t.Errorf("%d unsent, %d refused, to be sent again at %d", unsent, l.w.tally.refused, l.resendAt)
	}
	l.resend(l.resendAt)
	if unsent, _ := m.s.pending(); unsent != 0 || l.resendAt != 1<<63-1 || m.later {
		t.Errorf("%d unsent, to be sent again at %d", unsent, l.resendAt)
	}
	r.start() // goes on with the session that it has
	c := r.wait()
	if c.sent != c.latency.TotalCount() || c.refused != 1 || c.lost != 0 {
		t.Errorf("%d sent, %d answered: %+v", c.sent, c.latency.TotalCount(), c)
	}
}

// Sessions come while the loop runs, also when it has none.
func TestLoopAdoptWhileRunning(t *testing.T) {
	for _, rate := range []float64{0, 200} {
		t.Run(fmt.Sprint("rate=", rate), func(t *testing.T) {
			_, e := listen(t, "tcp://127.0.0.1:0", echoBytes)
			answered := make(chan int, 100)
			x := hooked{Exchange: echoing(t, 64), check: func(session int, seq uint64) {
				if seq == 0 {
					answered <- session
				}
			}}
			r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Rate: rate, Time: time.Hour})
			r.start()
			for id := range 3 {
				time.Sleep(20 * time.Millisecond) // so that the loop waits in the system
				r.dial(id)
				if got := <-answered; got != id {
					t.Errorf("session %d was answered, want %d", got, id)
				}
			}
			close(r.stop)
			r.wait()
			r.wantFailures("")
			if len(r.infos) != 3 {
				t.Errorf("%d sockets closed, want 3", len(r.infos))
			}
		})
	}
}

// Who is adopted too late is closed.
func TestLoopAdoptAfterwards(t *testing.T) {
	closed := make(chan struct{}, 2)
	_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		silent(c)
		closed <- struct{}{}
	})
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Time: time.Hour})
	close(r.stop)
	r.dial(0) // before run, which then has no time for it
	r.start()
	r.wait()
	r.dial(1)
	<-closed
	<-closed
	r.wantFailures("")
}

// What is no socket fails when it is adopted.
func TestLoopAdoptNoSocket(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", echoBytes)
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 2, Time: 50 * time.Millisecond})
	pipe, other := net.Pipe()
	r.l.adopt(0, pipe)
	if _, err := other.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the conn is not closed: %v", err)
	}
	r.dial(1)
	r.start()
	c := r.wait()
	r.wantFailures("failed", 0)
	if c.latency.TotalCount() == 0 || len(r.infos) != 1 {
		t.Errorf("%d answered, %d sockets closed", c.latency.TotalCount(), len(r.infos))
	}
}

// A loop that waits stops at once, whatever it waits for.
func TestLoopStop(t *testing.T) {
	for _, size := range []int{64, 8 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			hold := make(chan struct{})
			_, e := listen(t, "tcp://127.0.0.1:0", func(net.Conn) { <-hold })
			t.Cleanup(func() { close(hold) })
			begun := make(chan struct{})
			once := sync.OnceFunc(func() { close(begun) })
			x := hooked{Exchange: echoing(t, size), append: func(int, uint64) { once() }}
			r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Time: time.Hour, Timeout: time.Hour})
			r.dial(0)
			r.start()
			<-begun
			time.Sleep(20 * time.Millisecond) // so that the loop waits in the system
			stopped := time.Now()
			close(r.stop)
			c := r.wait()
			if took := time.Since(stopped); took > time.Second {
				t.Errorf("took %v", took)
			}
			r.wantFailures("")
			if len(c.errors) > 0 || c.unanswered+c.unsent != 1 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// A loop does not hold others up: neither one that waits nor one that polls.
func TestLoopLetsOthersRun(t *testing.T) {
	for _, rate := range []float64{0, 100_000} {
		t.Run(fmt.Sprint("rate=", rate), func(t *testing.T) {
			_, e := listen(t, "tcp://127.0.0.1:0", silent)
			r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 1), Rate: rate, Time: time.Hour, Timeout: time.Hour})
			r.dial(0)
			r.start()
			collections := usually(func() { runtime.GC() })
			if rate == 0 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // which is not the loop's while it waits
			}
			pauses := usually(func() { time.Sleep(time.Millisecond) })
			close(r.stop)
			r.wait()
			if collections > 30*time.Millisecond || pauses > 25*time.Millisecond {
				t.Errorf("a collection takes %v, a pause of 1ms %v", collections, pauses)
			}
		})
	}
}

// usually is how long f takes, mostly.
func usually(f func()) time.Duration {
	var took []time.Duration
	for range 21 {
		began := time.Now()
		f()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// The drain ends when nothing is awaited any more, also because all sessions have failed.
func TestLoopDrainEnds(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		io.ReadFull(c, make([]byte, 64))
		time.Sleep(100 * time.Millisecond)
		reset(c)
	})
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 2, Time: 50 * time.Millisecond, Timeout: time.Hour})
	r.dial(0)
	r.dial(1)
	r.start()
	c := r.wait()
	r.wantFailures("reset", 0, 1)
	if c.unanswered != 2 {
		t.Errorf("%+v", c)
	}
}

// Every socket is closed once: a descriptor that was given to somebody else in the
// meantime stays open.
func TestLoopClosesOnce(t *testing.T) {
	const sessions = 20
	_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		echoes(c, 3, 64)
		reset(c)
	})
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: sessions, Depth: 2, Time: time.Hour})
	before := epollsOpen(t)
	var others []*os.File
	all := make(chan struct{})
	r.onFailed = func(int, error) {
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Error(err)
		}
		others = append(others, file)
		if len(others) == sessions {
			close(all)
		}
	}
	for id := range sessions {
		r.dial(id)
	}
	r.start()
	<-all
	close(r.stop)
	c := r.wait()
	ids := make([]int, sessions)
	for i := range ids {
		ids[i] = i
	}
	r.wantFailures("reset", ids...)
	if len(r.infos) != sessions || c.errors["reset"] != sessions {
		t.Errorf("%d sockets closed, errors %v, want %d", len(r.infos), c.errors, sessions)
	}
	for _, file := range others {
		if _, err := file.Stat(); err != nil {
			t.Errorf("closed by the loop: %v", err)
		}
		file.Close()
	}
	if after := epollsOpen(t); after != before-2 {
		t.Errorf("%d descriptors of epolls open, want %d", after, before-2)
	}
}

// epollsOpen is how many descriptors of epolls and of what wakes them this process has
// open.
func epollsOpen(t *testing.T) (n int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(to, "anon_inode:") {
			n++
		}
	}
	return n
}

// What the schedule has is sent in its time, or counted as missed and still sent.
func TestLoopSchedule(t *testing.T) {
	for _, held := range []time.Duration{0, 60 * time.Millisecond} {
		for _, coarse := range []bool{false, true} {
			t.Run(fmt.Sprintf("held=%v/coarse=%v", held, coarse), func(t *testing.T) {
				_, e := listen(t, "tcp://127.0.0.1:0", echoBytes)
				x := hooked{Exchange: echoing(t, 64), append: func(session int, seq uint64) {
					if session == 1 && seq == 25 {
						time.Sleep(held) // beyond the end
					}
				}}
				r := newLoopRun(t, Load{Endpoint: e, Exchange: x, Sessions: 2, Rate: 1000, Time: 100 * time.Millisecond})
				r.l.poll.coarse = coarse
				r.dial(0)
				r.dial(1)
				r.start()
				c := r.wait()
				r.wantFailures("")
				if c.latency.TotalCount() != 100 || c.unsent != 0 {
					t.Errorf("%d answered, %d unsent, want 100", c.latency.TotalCount(), c.unsent)
				}
				if c.elapsed < 99*time.Millisecond || c.elapsed > 100*time.Millisecond || c.idle > c.elapsed {
					t.Errorf("idle for %v of %v", c.idle, c.elapsed)
				}
				if held == 0 {
					return // how late it is is the machine's doing
				}
				if c.missed < 20 || c.worstMiss < 25*time.Millisecond {
					t.Errorf("%d missed by up to %v", c.missed, c.worstMiss)
				}
				if worst := time.Duration(c.latency.Max()); worst < held-time.Millisecond {
					t.Errorf("the longest latency is %v, want %v", worst, held)
				}
				if c.idle > c.elapsed-25*time.Millisecond {
					t.Errorf("idle for %v of %v", c.idle, c.elapsed)
				}
			})
		}
	}
}

// A schedule that nobody could keep ends in its time, and what was not sent is counted.
func TestLoopScheduleBeyondReach(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", silent)
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Rate: 1e9, Time: 50 * time.Millisecond, Timeout: time.Millisecond})
	r.dial(0)
	r.start()
	c := r.wait()
	if all := c.unsent + c.sent; all < 49_900_000 || all > 50_100_000 || c.missed == 0 {
		t.Errorf("%d messages and %d missed, want 50 million", all, c.missed)
	}
}

// A loop that waits is idle.
func TestLoopIdle(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", silent)
	r := newLoopRun(t, Load{Endpoint: e, Exchange: echoing(t, 64), Time: 200 * time.Millisecond, Timeout: 10 * time.Millisecond})
	r.p.from = int64(100 * time.Millisecond)
	r.start()
	c := r.wait()
	if c.elapsed != 100*time.Millisecond || c.idle > c.elapsed || c.idle < 80*time.Millisecond {
		t.Errorf("idle for %v of %v", c.idle, c.elapsed)
	}
}
