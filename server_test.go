package parley

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// echo is the service of most tests.
var echo = ServiceFunc(func(c *Conn, msg []byte) error { return c.Send(msg) })

// start serves svc at the endpoints, and what s listens at already, until the
// test ends.
func start(t testing.TB, s *Server, svc Service, at ...string) []endpoint.Endpoint {
	t.Helper()
	if len(at) > 0 {
		if err := s.Listen(context.Background(), svc, at...); err != nil {
			t.Fatal(err)
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != ErrServerClosed {
			t.Errorf("Serve() = %v, want ErrServerClosed", err)
		}
	})
	return s.Endpoints()
}

// dial dials e until the test ends.
func dial(t testing.TB, e endpoint.Endpoint) net.Conn {
	t.Helper()
	c, err := transport.Dial(context.Background(), e.Bare())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatalf("write %q: %v", s, err)
	}
}

func expect(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

func expectEnd(t testing.TB, c net.Conn) {
	t.Helper()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Fatalf("read %q, %v; want the end", rest, err)
	}
}

// events collects the events of a server.
type events struct {
	mu   sync.Mutex
	list []Event
	more chan struct{}

	simulated bool // time is
}

func newEvents() *events { return &events{more: make(chan struct{}, 1)} }

func (e *events) add(ev *Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cp := *ev
	cp.Data = bytes.Clone(ev.Data)
	e.list = append(e.list, cp)
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// await returns the first event that match holds for.
func (e *events) await(t testing.TB, what string, match func(*Event) bool) Event {
	t.Helper()
	patience := 20 * time.Second // more than any limit in a test on sockets
	if e.simulated {
		patience = 1000 * time.Hour
	}
	timeout := time.After(patience)
	for {
		e.mu.Lock()
		for i := range e.list {
			if match(&e.list[i]) {
				defer e.mu.Unlock()
				return e.list[i]
			}
		}
		e.mu.Unlock()
		select {
		case <-e.more:
		case <-timeout:
			t.Fatalf("no event: %s", what)
		}
	}
}

// ended waits for the end of a session with that reason.
func (e *events) ended(t testing.TB, want error) Event {
	t.Helper()
	return e.await(t, "end with "+Reason(want), func(ev *Event) bool {
		return ev.Kind == EventEnd && (want == nil && ev.Err == nil || want != nil && errors.Is(ev.Err, want))
	})
}

func (e *events) rejected(t testing.TB, want error) Event {
	t.Helper()
	return e.await(t, "reject with "+Reason(want), func(ev *Event) bool {
		return ev.Kind == EventReject && errors.Is(ev.Err, want)
	})
}

func TestEchoOverEveryTransport(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []string{
		"tcp://127.0.0.1:0", "tcp4://127.0.0.1:0", "udp://127.0.0.1:0", "unix:" + dir + "/s", "unixgram:" + dir + "/g",
		"unixpacket:" + dir + "/p", "tls://127.0.0.1:0", "ws://127.0.0.1:0/echo", "wss://127.0.0.1:0/echo", "mem:TestEcho",
	} {
		t.Run(strings.SplitN(at, ":", 2)[0], func(t *testing.T) {
			var s Server
			e := start(t, &s, echo, at)[0]
			if pin := s.Stats()[0].Pin; pin != "" {
				e = e.With("pin", pin)
			}
			c, err := transport.Dial(context.Background(), e)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, msg := range []string{"hello", "again", strings.Repeat("x", 2000)} {
				send(t, c, msg)
				expect(t, c, msg)
			}
		})
	}
}

func TestListenAllOrNone(t *testing.T) {
	var s Server
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	err = s.Listen(context.Background(), echo, "tcp://"+free.Addr().String(), "tcp://"+taken.Addr().String(), "tpc://:1", "tcp://127.0.0.1:0?idel=1s")
	if err == nil {
		t.Fatal("Listen took a port that is in use")
	}
	for _, want := range []string{taken.Addr().String(), "address already in use", `"tpc"`, "idel"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if again, err := net.Listen("tcp", free.Addr().String()); err != nil {
		t.Errorf("the endpoint that could be bound was not closed again: %v", err)
	} else {
		again.Close()
	}
	if err := s.Serve(); err == nil || err == ErrServerClosed {
		t.Errorf("Serve() with nothing to serve = %v", err)
	}
}

// TestEventsMayAskTheServer asks for the statistics from every event.
func TestEventsMayAskTheServer(t *testing.T) {
	var s Server
	s.Events = func(*Event) { s.Stats() }
	c := dial(t, start(t, &s, echo, "tcp://127.0.0.1:0", "udp://127.0.0.1:0")[0])
	send(t, c, "x")
	expect(t, c, "x")
	s.Close()
}

func TestListenWantsAServiceAndAnEndpoint(t *testing.T) {
	var s Server
	if s.Listen(context.Background(), nil, "tcp://127.0.0.1:0") == nil || s.Listen(context.Background(), echo) == nil {
		t.Error("Listen did not fail")
	}
}

// TestBareListenRefusesServerOptions: a deny that nobody heeds would be a hole.
func TestBareListenRefusesServerOptions(t *testing.T) {
	for _, name := range serverOptions {
		value := map[string]string{"allow": "127.0.0.1", "deny": "127.0.0.1", "frame": "line"}[name]
		if value == "" {
			value = "1"
		}
		if l, err := Listen(context.Background(), "tcp://127.0.0.1:0?"+name+"="+value); err == nil {
			l.Close()
			t.Errorf("Listen took the option %s", name)
		}
		if pc, err := ListenPacket(context.Background(), "udp://127.0.0.1:0?"+name+"="+value); err == nil {
			pc.Close()
			t.Errorf("ListenPacket took the option %s", name)
		}
	}
	l, err := Listen(context.Background(), "tcp://127.0.0.1:0?backlog=5")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, echo, "mem:TestServe") }()
	var c net.Conn
	for c == nil { // until it listens
		c, _ = Dial(context.Background(), "mem:TestServe")
	}
	defer c.Close()
	send(t, c, "x")
	expect(t, c, "x")
	cancel()
	expectEnd(t, c)
	c.Close()
	if err := <-served; err != ErrServerClosed {
		t.Errorf("Serve() = %v, want ErrServerClosed", err)
	}
}

func TestHalfCloseThenAnswer(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	e := start(t, &s, echo, "tcp://127.0.0.1:0?frame=line")[0]
	c := dial(t, e)
	send(t, c, "one\ntwo\nlast without its end")
	c.(*net.TCPConn).CloseWrite()
	expect(t, c, "one\ntwo\nlast without its end\n")
	expectEnd(t, c)
	end := got.ended(t, nil)
	if end.MessagesIn != 3 || end.MessagesOut != 3 || end.BytesIn != 28 || end.BytesOut != 29 {
		t.Errorf("end event counts %+v", end)
	}
}

func TestUnfinishedFrameIsAnError(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	e := start(t, &s, echo, "tcp://127.0.0.1:0?frame=len32")[0]
	c := dial(t, e)
	send(t, c, "\x00\x00\x00\x05hel")
	c.(*net.TCPConn).CloseWrite()
	expectEnd(t, c)
	got.ended(t, io.ErrUnexpectedEOF)
}

// TestTextPause shows when text without a line end is a message: after 100 ms,
// not before, in simulated time.
func TestTextPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Server
		e := start(t, &s, echo, "mem:TestTextPause?frame=text")[0]
		c := dial(t, e)
		began := time.Now()
		send(t, c, "no newline")
		expect(t, c, "no newline")
		if took := time.Since(began); took != textPause {
			t.Errorf("answered after %v, want %v", took, textPause)
		}
		began = time.Now()
		send(t, c, "a line\n")
		expect(t, c, "a line\n")
		if took := time.Since(began); took != 0 {
			t.Errorf("a line was answered after %v, want at once", took)
		}
		send(t, c, "in ")
		time.Sleep(textPause - time.Millisecond)
		send(t, c, "parts")
		expect(t, c, "in parts")
		c.Close()
		s.Close()
	})
}

// keeper is a service that hands out its sessions.
type keeper struct {
	opened chan *Conn
	closed chan error
	serve  func(c *Conn, msg []byte) error
}

func newKeeper() *keeper {
	return &keeper{opened: make(chan *Conn, 100), closed: make(chan error, 100)}
}

func (k *keeper) Open(c *Conn) error { k.opened <- c; return nil }
func (k *keeper) Serve(c *Conn, msg []byte) error {
	if k.serve == nil {
		return nil
	}
	return k.serve(c, msg)
}
func (k *keeper) Closed(c *Conn, err error) { k.closed <- err }

// TestSendFromElsewhere sends to sessions outside their own calls, as a room
// does, over a raw socket, a transport without one, and datagrams.
func TestSendFromElsewhere(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "mem:TestSendFromElsewhere", "udp://127.0.0.1:0", "ws://127.0.0.1:0"} {
		t.Run(at, func(t *testing.T) {
			k := newKeeper()
			var s Server
			c := dial(t, start(t, &s, k, at)[0])
			send(t, c, "hi")
			session := <-k.opened
			session.Trust()
			for i := range 100 {
				if err := session.Send(fmt.Appendf(nil, "%03d", i)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 100 {
				expect(t, c, fmt.Sprintf("%03d", i))
			}
			session.End()
			c.Close()
			if err := <-k.closed; err != nil {
				t.Errorf("Closed with %v, want nil", err)
			}
			if err := session.Send([]byte("late")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Send after the end = %v, want net.ErrClosed", err)
			}
		})
	}
}

// TestEndFromElsewhere ends a session whose peer is silent.
func TestEndFromElsewhere(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "mem:TestEndFromElsewhere"} {
		t.Run(at, func(t *testing.T) {
			k := newKeeper()
			var s Server
			c := dial(t, start(t, &s, k, at)[0])
			session := <-k.opened
			session.Send([]byte("bye"))
			session.End()
			expect(t, c, "bye")
			expectEnd(t, c)
			c.Close()
			if err := <-k.closed; err != nil {
				t.Errorf("Closed with %v, want nil", err)
			}
		})
	}
}

// ender goes on after its peer's end.
type ender struct {
	*keeper
	ended chan *Conn
}

func (e ender) Ended(c *Conn) error { e.ended <- c; return nil }

func TestEnderGoesOnAfterThePeersEnd(t *testing.T) {
	svc := ender{newKeeper(), make(chan *Conn, 1)}
	var s Server
	c := dial(t, start(t, &s, svc, "tcp://127.0.0.1:0")[0])
	c.(*net.TCPConn).CloseWrite()
	session := <-svc.ended
	session.Send([]byte("still here"))
	expect(t, c, "still here")
	session.End()
	expectEnd(t, c)
	if err := <-svc.closed; err != nil {
		t.Errorf("Closed with %v, want nil", err)
	}
}

// TestPanicEndsOneSession shows that a service that panics loses that session,
// not the server.
func TestPanicEndsOneSession(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"} {
		t.Run(at, func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			svc := ServiceFunc(func(c *Conn, msg []byte) error {
				if string(msg) == "boom" {
					panic("boom")
				}
				return c.Send(msg)
			})
			e := start(t, &s, svc, at)[0]
			send(t, dial(t, e), "boom")
			fail := got.await(t, "fail", func(ev *Event) bool { return ev.Kind == EventFail })
			if !strings.Contains(fail.Err.Error(), "boom") || !strings.Contains(fail.Text, "server_test.go") {
				t.Errorf("fail event %v does not tell the panic and its place", fail.Err)
			}
			c := dial(t, e)
			send(t, c, "fine")
			expect(t, c, "fine")
		})
	}
}

// streamer upper-cases a stream.
type streamer struct{}

func (streamer) Serve(c *Conn, msg []byte) error { return c.Send(bytes.ToUpper(msg)) }
func (streamer) Stream(ctx context.Context, conn net.Conn) error {
	ConnOf(ctx).Note("streaming")
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(bytes.ToUpper(line)); err != nil {
			return err
		}
	}
}

func TestStreamer(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	es := start(t, &s, streamer{}, "tcp://127.0.0.1:0?idle=300ms", "udp://127.0.0.1:0")
	c := dial(t, es[0])
	send(t, c, "hello\n")
	expect(t, c, "HELLO\n")
	got.await(t, "note", func(ev *Event) bool { return ev.Kind == EventNote && ev.Text == "streaming" && ev.Session == 1 })
	c.(*net.TCPConn).CloseWrite()
	expectEnd(t, c)
	if end := got.ended(t, nil); end.BytesIn != 6 || end.BytesOut != 6 {
		t.Errorf("end event counts %+v", end)
	}
	c = dial(t, es[1])
	send(t, c, "datagram")
	expect(t, c, "DATAGRAM")
	dial(t, es[0]) // silent
	got.ended(t, ErrIdle)
}

// TestMessageEvents shows what Server.Messages reports.
func TestMessageEvents(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add, Messages: true}
	c := dial(t, start(t, &s, echo, "tcp://127.0.0.1:0")[0])
	send(t, c, "hello")
	expect(t, c, "hello")
	for _, out := range []bool{false, true} {
		got.await(t, "message", func(ev *Event) bool {
			return ev.Kind == EventMessage && ev.Out == out && string(ev.Data) == "hello" && ev.Remote.String() == c.LocalAddr().String()
		})
	}
}

// TestResetInMidWrite resets a session that is being written to.
func TestResetInMidWrite(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	flood := ServiceFunc(func(c *Conn, msg []byte) error { return c.Send(make([]byte, 32<<20)) })
	e := start(t, &s, flood, "tcp://127.0.0.1:0")[0]
	c := dial(t, e).(*net.TCPConn)
	send(t, c, "go")
	expect(t, c, string(make([]byte, 1000)))
	c.SetLinger(0)
	c.Close()
	end := got.await(t, "end", func(ev *Event) bool { return ev.Kind == EventEnd })
	if Reason(end.Err) != "error" || end.BytesOut < 1000 || end.BytesOut >= 32<<20 {
		t.Errorf("end event %v with %d bytes out, want a network error and the bytes that went out", end.Err, end.BytesOut)
	}
	other := dial(t, e)
	send(t, other, "go")
	expect(t, other, string(make([]byte, 1000)))
}

// TestEmptyMessages serves messages of no bytes where a transport has them.
func TestEmptyMessages(t *testing.T) {
	svc := ServiceFunc(func(c *Conn, msg []byte) error { return c.Send([]byte("<" + string(msg) + ">")) })
	for _, at := range []string{"ws://127.0.0.1:0", "udp://127.0.0.1:0", "tcp://127.0.0.1:0?frame=len32"} {
		t.Run(at, func(t *testing.T) {
			var s Server
			e := start(t, &s, svc, at)[0]
			c := dial(t, e)
			empty, want := "", "<>"
			if e.Scheme == "tcp" {
				empty, want = "\x00\x00\x00\x00", "\x00\x00\x00\x02<>"
			}
			for range 2 {
				send(t, c, empty)
				expect(t, c, want)
			}
		})
	}
}

// TestAddOwnsItsListener serves a listener of the caller's.
func TestAddOwnsItsListener(t *testing.T) {
	var s Server
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(echo, ln, endpoint.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddPacket(echo, pc, endpoint.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	for i, addr := range []net.Addr{ln.Addr(), pc.LocalAddr()} {
		e := s.Endpoints()[i]
		if want := addr.Network() + "://" + addr.String(); e.String() != want {
			t.Errorf("endpoint %s, want %s", e, want)
		}
		c := dial(t, e)
		send(t, c, "x")
		expect(t, c, "x")
	}
	s.Close()
	if err := s.Listen(context.Background(), echo, "tcp://127.0.0.1:0"); !errors.Is(err, ErrServerClosed) {
		t.Errorf("Listen after Close = %v, want ErrServerClosed", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v, want net.ErrClosed", err)
	}
	if _, _, err := pc.ReadFrom(nil); !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ReadFrom after Close = %v, want net.ErrClosed", err)
	}
}

// A session that changes its framing has its next messages, even of the same
// read, cut by the new one, without the pause of the old.
func TestSetFraming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc := ServiceFunc(func(c *Conn, msg []byte) error {
			if string(msg) == "upgrade\n" {
				c.SetFraming(Nul)
				return nil
			}
			return c.Send(fmt.Appendf(nil, "<%s>", msg))
		})
		var s Server
		c := dial(t, start(t, &s, svc, "mem:TestSetFraming?frame=text")[0])
		send(t, c, "plain\nupgrade\na\nb\x00unfinished")
		expect(t, c, "<plain\n><a\nb>\x00")
		time.Sleep(10 * textPause)
		send(t, c, " now\x00")
		expect(t, c, "<unfinished now>\x00")
		c.Close()
		s.Close()
	})
}
