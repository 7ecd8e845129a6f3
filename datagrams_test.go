package parley

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestDatagramTooLong(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	for _, e := range start(t, &s, echo, "udp://127.0.0.1:0?maxmessage=16", "unixgram:"+t.TempDir()+"/g?maxmessage=16") {
		c := dial(t, e)
		send(t, c, "seventeen is over")
		send(t, c, "sixteen bytes ok")
		expect(t, c, "sixteen bytes ok")
		got.await(t, "reject", func(ev *Event) bool {
			return ev.Kind == EventReject && ev.Endpoint.Scheme == e.Scheme && errors.Is(ev.Err, ErrMessageTooLong)
		})
	}
}

func TestEmptyDatagramIsAMessage(t *testing.T) {
	var s Server
	svc := ServiceFunc(func(c *Conn, msg []byte) error { return c.Send([]byte("got " + string(msg) + ".")) })
	c := dial(t, start(t, &s, svc, "udp://127.0.0.1:0")[0])
	send(t, c, "")
	expect(t, c, "got .")
	send(t, c, "x")
	expect(t, c, "got x.")
}

// TestAnswerCap shows that datagrams do not amplify.
func TestAnswerCap(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	var errs []error
	svc := ServiceFunc(func(c *Conn, msg []byte) error {
		errs = append(errs, c.Send(make([]byte, len(msg)+defaultAnswer)), c.Send([]byte("x")), c.Send(nil))
		return nil
	})
	c := dial(t, start(t, &s, svc, "udp://127.0.0.1:0")[0])
	send(t, c, "four")
	expect(t, c, string(make([]byte, 4+defaultAnswer)))
	got.rejected(t, ErrAnswerCap)
	if n := s.Stats()[0].Rejected["answer"]; n != 1 {
		t.Errorf("counted %d, want 1", n)
	}
	s.Close()
	if errs[0] != nil || errs[1] != ErrAnswerCap || errs[2] != nil {
		t.Errorf("Send returned %v, want only the second to be over the cap", errs)
	}
}

// TestLoopPorts sends from the port of a service that would answer the answer.
func TestLoopPorts(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	e := start(t, &s, echo, "udp://127.0.0.1:0")[0]
	from, err := net.ListenPacket("udp", "127.0.0.2:"+e.Port)
	if err != nil {
		t.Skipf("no second loopback address here: %v", err)
	}
	defer from.Close()
	to, _ := net.ResolveUDPAddr("udp", e.Address())
	from.WriteTo([]byte("answer me"), to)
	got.rejected(t, ErrLoop)
	for _, port := range []uint16{0, 7, 13, 17, 19, 37, 123, 7007, 21567} {
		if !loopPort(port) {
			t.Errorf("port %d is not known to loop", port)
		}
	}
	for _, port := range []uint16{53, 1024, 32768, 65535} {
		if loopPort(port) {
			t.Errorf("port %d is taken for one that loops", port)
		}
	}
}

// TestOwnListenersDoNotLoop gives an answering listener a datagram from the port
// of another of the same server, as a forged one would be, and one from a port
// that is nobody's.
func TestOwnListenersDoNotLoop(t *testing.T) {
	var s Server // which does not serve: the loop's own fields are used below
	if err := s.Listen(context.Background(), echo, "udp://127.0.0.1:0", "udp://127.0.0.1:0", "tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := s.Endpoints()
	for _, test := range []struct {
		from string
		want bool
	}{
		{"127.0.0.1:" + e[1].Port, true},
		{"127.0.0.2:" + e[1].Port, true},
		{"203.0.113.9:" + e[1].Port, false}, // a stranger's port may be any
		{"127.0.0.1:1", false},
	} {
		if got := s.answersAt(netip.MustParseAddrPort(test.from)); got != test.want {
			t.Errorf("answersAt(%s) = %v, want %v", test.from, got, test.want)
		}
	}
	d := s.listeners[0].loops[0]
	d.from = peer{udp: netip.MustParseAddrPort("127.0.0.1:" + e[1].Port)}
	if _, err := d.admit(1, true); err != ErrLoop {
		t.Errorf("a datagram from another listener of ours: %v, want ErrLoop", err)
	}
}

// quiet is a service that cannot loop.
type quiet struct{ ServiceFunc }

func (quiet) LoopFree() bool { return true }

func TestLoopFreeServiceHearsEverybody(t *testing.T) {
	heard := make(chan string, 1)
	var s Server
	e := start(t, &s, quiet{func(c *Conn, msg []byte) error { heard <- string(msg); return nil }}, "udp://127.0.0.1:0")[0]
	from, err := net.ListenPacket("udp", "127.0.0.2:"+e.Port)
	if err != nil {
		t.Skipf("no second loopback address here: %v", err)
	}
	defer from.Close()
	to, _ := net.ResolveUDPAddr("udp", e.Address())
	from.WriteTo([]byte("hello"), to)
	if msg := <-heard; msg != "hello" {
		t.Errorf("heard %q", msg)
	}
}

// TestDatagramSessions gives a service with sessions a table of peers.
func TestDatagramSessions(t *testing.T) {
	for _, at := range []string{"udp://127.0.0.1:0", "unixgram:" + t.TempDir() + "/g"} {
		t.Run(at[:4], func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			k := newKeeper()
			k.serve = func(c *Conn, msg []byte) error {
				if strings.HasPrefix(string(msg), "q") {
					c.End()
				}
				return c.Send(msg)
			}
			e := start(t, &s, k, at+"?idle=200ms&maxsessions=2")[0]
			a, b := dial(t, e), dial(t, e)
			for range 3 {
				send(t, a, "a")
				expect(t, a, "a")
				send(t, b, "b")
				expect(t, b, "b")
			}
			first, second := <-k.opened, <-k.opened
			if first == second || first.ID() == second.ID() || len(k.opened) != 0 {
				t.Fatal("two peers want two sessions")
			}
			send(t, dial(t, e), "c")
			got.rejected(t, ErrSessions)
			send(t, a, "q") // Send after End does nothing
			if err := <-k.closed; !errors.Is(err, net.ErrClosed) {
				t.Errorf("Closed with %v, want the error of Send after End", err)
			}
			if err := <-k.closed; err != ErrIdle {
				t.Errorf("Closed with %v, want ErrIdle", err)
			}
			if n := s.Stats()[0].Open; n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	}
}

// TestOpenerOnDatagrams shows that a datagram is a session of its own to a
// service that is no Closer.
func TestOpenerOnDatagrams(t *testing.T) {
	var s Server
	c := dial(t, start(t, &s, opener{}, "udp://127.0.0.1:0")[0])
	for range 3 {
		send(t, c, "x")
		expect(t, c, "hello ")
		expect(t, c, "x")
	}
	send(t, c, "end")
	expect(t, c, "hello ")
	expect(t, c, "end")
	if n := s.Stats()[0].Accepted; n != 0 {
		t.Errorf("%d sessions were counted, want none", n)
	}
}

type opener struct{}

func (opener) Open(c *Conn) error              { return c.Send([]byte("hello ")) }
func (opener) Serve(c *Conn, msg []byte) error { return c.Send(msg) }

func TestDatagramsOfBothFamilies(t *testing.T) {
	var s Server
	e := start(t, &s, echo, "udp://:0")[0]
	for _, host := range []string{"127.0.0.1", "::1"} {
		c, err := net.Dial("udp", net.JoinHostPort(host, e.Port))
		if err != nil {
			t.Logf("no %s here: %v", host, err)
			continue
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		send(t, c, "from "+host)
		expect(t, c, "from "+host)
	}
}
