package parley

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/endpoint"
)

// Trust and SetData of one peer do not hold for the next, where there are no
// sessions.
func TestTrustLeaks(t *testing.T) {
	var s Server
	svc := ServiceFunc(func(c *Conn, msg []byte) error {
		if string(msg) == "proof" {
			c.Trust()
			c.SetData("secret of " + c.RemoteAddr().String())
			return c.Send([]byte("ok"))
		}
		if d := c.Data(); d != nil {
			t.Errorf("%s sees %v", c.RemoteAddr(), d)
		}
		if err := c.Send(make([]byte, 4000)); err != ErrAnswerCap {
			t.Errorf("Send of 4000 bytes for %d to a peer that proved nothing = %v", len(msg), err)
		}
		return nil
	})
	e := start(t, &s, svc, "udp://127.0.0.1:0")[0]
	a, b := dial(t, e), dial(t, e)
	send(t, a, "proof")
	expect(t, a, "ok")
	send(t, b, "x")
	b.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, _ := b.Read(make([]byte, 8000)); n > 0 {
		t.Errorf("a stranger got %d bytes for 1", n)
	}
}

// hooks is a service made of functions.
type hooks struct {
	open   func(c *Conn) error
	serve  func(c *Conn, msg []byte) error
	closed func(c *Conn, err error)
}

func (r *hooks) Open(c *Conn) error {
	if r.open != nil {
		return r.open(c)
	}
	return nil
}
func (r *hooks) Serve(c *Conn, m []byte) error {
	if r.serve == nil {
		return c.Send(m)
	}
	return r.serve(c, m)
}
func (r *hooks) Closed(c *Conn, err error) {
	if r.closed != nil {
		r.closed(c, err)
	}
}

// latePC holds back a wake's SetReadDeadline when told to.
type latePC struct {
	net.PacketConn
	hold   atomic.Bool
	held   chan struct{}
	resume chan struct{}
}

func (p *latePC) SetReadDeadline(at time.Time) error {
	if at == longAgo && p.hold.CompareAndSwap(true, false) {
		close(p.held)
		<-p.resume
	}
	return p.PacketConn.SetReadDeadline(at)
}

// A wake is taken by the loop before its deadline is set: the loop is not deaf after
// it.
func TestLoopDeaf(t *testing.T) {
	raw, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc := &latePC{PacketConn: raw, held: make(chan struct{}), resume: make(chan struct{})}
	k := make(chan *Conn, 10)
	var s Server
	if err := s.AddPacket(&hooks{open: func(c *Conn) error { k <- c; return nil }}, pc, endpoint.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	start(t, &s, nil)
	a, _ := net.Dial("udp", raw.LocalAddr().String())
	b, _ := net.Dial("udp", raw.LocalAddr().String())
	send(t, a, "x")
	expect(t, a, "x")
	pc.hold.Store(true)
	go (<-k).End() // held between woken.Store and SetReadDeadline
	<-pc.held
	send(t, b, "y") // the loop comes round, and takes woken
	expect(t, b, "y")
	for s.Stats()[0].Open != 1 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	close(pc.resume)
	time.Sleep(50 * time.Millisecond)
	send(t, b, "z")
	b.SetReadDeadline(time.Now().Add(2 * time.Second))
	expect(t, b, "z")
}

// A drain of a datagram service with sessions answers what is in the socket.
func TestDatagramDrain(t *testing.T) {
	lost := 0
	const rounds, sent, peers = 5, 150, 200
	for range rounds {
		var s Server
		busy := atomic.Bool{}
		first := make(chan struct{}, 2*sent)
		e := start(t, &s, &hooks{serve: func(c *Conn, m []byte) error {
			if busy.Load() {
				first <- struct{}{}
				time.Sleep(time.Millisecond)
			}
			return c.Send(m)
		}}, "udp://127.0.0.1:0")[0]
		for range peers {
			c, _ := net.Dial("udp", e.Address())
			send(t, c, "x")
			expect(t, c, "x")
			c.Close()
		}
		c := dial(t, e)
		busy.Store(true)
		for i := range sent {
			send(t, c, fmt.Sprintf("%03d", i))
		}
		<-first
		go s.Shutdown(context.Background())
		time.Sleep(60 * time.Millisecond)
		s.Shutdown(context.Background())
		for i := range sent {
			c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			if _, err := c.Read(make([]byte, 10)); err != nil {
				t.Logf("lost the answers from %d on", i)
				lost++
				break
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d drains lost answers", lost, rounds)
	}
}

// A session that Open has ended is not served.
func TestServeAfterEnd(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"} {
		var s Server
		served := make(chan struct{}, 1)
		e := start(t, &s, &hooks{open: func(c *Conn) error { c.End(); return nil }, serve: func(*Conn, []byte) error { served <- struct{}{}; return nil }}, at)[0]
		c := dial(t, e)
		c.Write([]byte("x"))
		select {
		case <-served:
			t.Errorf("%s: a message was served after End", at)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// A second End does not shorten the wait for the peer's end.
func TestSecondEndCutsLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := newEvents()
		got.simulated = true
		k := newKeeper()
		s := Server{Events: got.add, Limits: Limits{Linger: 30 * time.Second}}
		dial(t, start(t, &s, k, "mem:E1")[0])
		c := <-k.opened
		began := time.Now()
		c.End()
		time.Sleep(time.Second)
		c.End()
		got.ended(t, ErrLinger)
		if d := time.Since(began); d != 30*time.Second {
			t.Errorf("lingered %v, want 30s", d)
		}
		s.Close()
	})
}

type lateConn struct {
	net.Conn
	hook func(at time.Time)
}

func (c *lateConn) SetReadDeadline(at time.Time) error {
	if c.hook != nil {
		c.hook(at)
	}
	return c.Conn.SetReadDeadline(at)
}
func (c *lateConn) CloseWrite() error { return closeWrite(c.Conn) }

type lateListener struct {
	net.Listener
	hook func(at time.Time)
}

func (l *lateListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lateConn{c, l.hook}, nil
}

// Shutdown's wake, undone by the deadline that linger sets, is not lost.
func TestLingerMissesDrain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var s Server
	s.Limits.Linger = 8 * time.Second
	k := newKeeper()
	held, woke := make(chan struct{}), make(chan struct{})
	var once, once2 sync.Once
	l := &lateListener{Listener: ln, hook: func(at time.Time) {
		switch d := time.Until(at); {
		case at == longAgo && s.draining.Load():
			defer once2.Do(func() { time.AfterFunc(50*time.Millisecond, func() { close(woke) }) })
		case d > 7*time.Second && d < 9*time.Second:
			once.Do(func() { close(held); <-woke })
		}
	}}
	if err := s.Add(k, l, endpoint.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	start(t, &s, nil)
	c, _ := net.Dial("tcp", ln.Addr().String())
	defer c.Close()
	(<-k.opened).End()
	<-held
	began := time.Now()
	s.Shutdown(context.Background())
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("Shutdown took %v, want at most about %v", d, drainLongest)
	}
}

// The largest limits are no limits at all, and overflow nothing.
func TestLargestLimits(t *testing.T) {
	for name, l := range map[string]Limits{"idle": {Idle: math.MaxInt64}, "total": {Total: math.MaxInt64}, "message": {Message: math.MaxInt}} {
		var s Server
		s.Limits = l
		c := dial(t, start(t, &s, echo, "tcp://127.0.0.1:0?frame=line")[0])
		c.Write([]byte("x\n"))
		c.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
			t.Errorf("%s: %v, ended %v", name, err, s.Stats()[0].Ended)
		}
	}
	var s Server
	s.Limits.Answer = math.MaxInt
	c := dial(t, start(t, &s, echo, "udp://127.0.0.1:0")[0])
	c.Write([]byte("x"))
	c.SetReadDeadline(time.Now().Add(time.Second))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("answer: %v %v", err, s.Stats()[0].Rejected)
	}
}

// A slow peer that does take output is not stalled.
func TestSlowIsStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := newEvents()
		got.simulated = true
		s := Server{Events: got.add, Limits: Limits{Stall: 4 * time.Second, Linger: time.Minute}}
		svc := ServiceFunc(func(c *Conn, _ []byte) error { err := c.Send(make([]byte, 200<<10)); c.End(); return err })
		c := dial(t, start(t, &s, svc, "mem:TestSlow")[0])
		send(t, c, "x")
		n := 0
		for {
			m, err := c.Read(make([]byte, 4096)) // 4 KiB/s, every second
			if n += m; err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		c.Close()
		if end := got.await(t, "end", func(ev *Event) bool { return ev.Kind == EventEnd }); end.Err != nil || n != 200<<10 {
			t.Errorf("%d bytes of %d, ended with %v", n, 200<<10, end.Err)
		}
		s.Close()
	})
}

// A peer that goes on talking does not keep a drain from ending.
func TestChattyDrain(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "mem:TestChatty"} {
		synct := func(t *testing.T) {
			var s Server
			c := dial(t, start(t, &s, echo, at)[0])
			go func() {
				for {
					if _, err := c.Write([]byte("x")); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
			go io.Copy(io.Discard, c)
			time.Sleep(100 * time.Millisecond)
			ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
			defer cancel()
			began := time.Now()
			err := s.Shutdown(ctx)
			if err != nil {
				t.Errorf("%s: Shutdown = %v after %v", at, err, time.Since(began))
			}
		}
		synct(t)
	}
}

// A Send that is refused costs nothing of what may be answered, and does not count.
func TestBackloggedCosts(t *testing.T) {
	k := newKeeper()
	var s Server
	s.Limits.Pending = 1000
	s.Limits.Answer = 3000
	type res struct {
		err  error
		left int
	}
	out := make(chan res, 1)
	got := newEvents()
	s.Events = got.add
	k.serve = func(c *Conn, m []byte) error {
		var r res
		ok := 0
		for r.err == nil {
			if r.err = c.Send(make([]byte, 500)); r.err == nil {
				ok++
			}
		}
		c.mu.Lock()
		r.left = c.allowance + ok*500
		if n := c.counts.messagesOut; n != int64(ok) {
			t.Errorf("%d messages counted, %d accepted", n, ok)
		}
		c.mu.Unlock()
		out <- r
		return nil
	}
	send(t, dial(t, start(t, &s, k, "udp://127.0.0.1:0")[0]), "x")
	if r := <-out; r.err != ErrBacklogged || r.left != 3001 {
		t.Errorf("%v, of 3001 bytes %d are left", r.err, r.left)
	}
}

type panicFraming struct{ rawFraming }

func (panicFraming) Append(dst, msg []byte) ([]byte, error) { panic("no") }

// A framing that panics ends its session only.
func TestFramingPanics(t *testing.T) {
	s := Server{Framing: panicFraming{}}
	if err := s.Listen(context.Background(), echo, "tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	c := dial(t, s.Endpoints()[0])
	send(t, c, "x")
	time.Sleep(100 * time.Millisecond)
	done := make(chan struct{})
	go func() { s.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		t.Error("Close does not return")
	}
}

// The total time ends a session that others feed, too.
func TestTotalWhileWriting(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add, Limits: Limits{Total: time.Second, Pending: 64 << 10}}
	k := newKeeper()
	k.serve = func(c *Conn, m []byte) error { c.Send(make([]byte, 60<<10)); return nil }
	c := dial(t, start(t, &s, k, "mem:TestTotal")[0])
	conn := <-k.opened
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if conn.Send(make([]byte, 1000)) != nil {
					time.Sleep(time.Millisecond)
				}
			}
		}
	})
	wg.Go(func() {
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	for range 50 {
		c.Write([]byte("x"))
		time.Sleep(time.Millisecond)
	}
	select {
	case <-k.closed:
	case <-time.After(6 * time.Second):
		t.Errorf("total=1s, and the session is there after 6s")
	}
	c.Close()
}

// Close ends a session that writes, which is not counted as a stall.
func TestCloseCountsStall(t *testing.T) {
	for range 5 {
		got := newEvents()
		s := Server{Events: got.add}
		if err := s.Listen(context.Background(), ServiceFunc(func(c *Conn, _ []byte) error { return c.Send(make([]byte, 1<<20)) }), "mem:TestQ"); err != nil {
			t.Fatal(err)
		}
		go s.Serve()
		c := dial(t, s.Endpoints()[0])
		send(t, c, "x")
		time.Sleep(20 * time.Millisecond)
		s.Close()
		if n := s.Stats()[0].Ended["stall"]; n > 0 {
			t.Errorf("Close counted as stall")
		}
	}
}

// A Send on a datagram session while the server closes starts no goroutine after
// Serve has returned.
func TestSendAfterDrain(t *testing.T) {
	for range 300 {
		k := newKeeper()
		var s Server
		s.Limits.Answer = 1 << 29
		var late atomic.Int64
		var over atomic.Bool
		s.Events = func(e *Event) {
			if over.Load() {
				late.Add(1)
			}
		}
		if err := s.Listen(context.Background(), k, "udp://127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		go s.Serve()
		c, _ := net.Dial("udp", s.Endpoints()[0].Address())
		send(t, c, "x")
		conn := <-k.opened
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for conn.Send([]byte("y")) != net.ErrClosed {
				}
			})
		}
		time.Sleep(time.Millisecond)
		s.Shutdown(context.Background())
		over.Store(true)
		wg.Wait()
		time.Sleep(200 * time.Microsecond)
		c.Close()
		if late.Load() > 0 {
			t.Fatal("an event after Shutdown had returned: a flusher was started")
		}
	}
}
