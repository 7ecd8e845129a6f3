package parley

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/transport"
)

// TestTimers holds each timer of a session against simulated time.
func TestTimers(t *testing.T) {
	ender := func(c *Conn, msg []byte) error { c.End(); return nil }
	for _, test := range []struct {
		name    string
		limits  Limits
		options string
		serve   ServiceFunc
		talk    func(c net.Conn) // what the peer does
		want    error
		after   time.Duration
	}{
		{"idle", Limits{Idle: time.Minute}, "", echo, nil, ErrIdle, time.Minute},
		{"idle by default", Limits{}, "", echo, nil, ErrIdle, defaultIdle},
		{"idle by option", Limits{Idle: time.Minute}, "?idle=7s", echo, nil, ErrIdle, 7 * time.Second},
		{"idle after traffic", Limits{Idle: time.Minute}, "", echo, func(c net.Conn) {
			time.Sleep(50 * time.Second)
			c.Write([]byte("x"))
			io.ReadFull(c, make([]byte, 1))
		}, ErrIdle, 110 * time.Second},
		{"total", Limits{Total: time.Minute, Idle: 20 * time.Second}, "", echo, func(c net.Conn) {
			for range 5 {
				time.Sleep(10 * time.Second)
				c.Write([]byte("x"))
				io.ReadFull(c, make([]byte, 1))
			}
		}, ErrTotal, time.Minute},
		{"total only", Limits{Total: time.Hour, Idle: -1}, "", echo, nil, ErrTotal, time.Hour},
		{"linger", Limits{Linger: 3 * time.Second}, "", ender, func(c net.Conn) { c.Write([]byte("x")) }, ErrLinger, 3 * time.Second},
		{"stall", Limits{Stall: 4 * time.Second}, "", func(c *Conn, _ []byte) error { return c.Send(make([]byte, 1<<20)) },
			func(c net.Conn) { c.Write([]byte("x")) }, ErrStalled, 4 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := newEvents()
				got.simulated = true
				s := Server{Limits: test.limits, Events: got.add}
				e := start(t, &s, test.serve, "mem:TestTimers"+test.options)[0]
				c := dial(t, e)
				began := time.Now()
				if test.talk != nil {
					test.talk(c)
				}
				end := got.await(t, "end", func(ev *Event) bool { return ev.Kind == EventEnd })
				if !errors.Is(end.Err, test.want) || time.Since(began) != test.after {
					t.Errorf("ended with %v after %v, want %v after %v", end.Err, time.Since(began), test.want, test.after)
				}
				if !errors.Is(end.Err, os.ErrDeadlineExceeded) {
					t.Errorf("%v does not match os.ErrDeadlineExceeded", end.Err)
				}
				if n := s.Stats()[0].Ended[Reason(test.want)]; n != 1 {
					t.Errorf("counted %d ends by %q, want 1", n, Reason(test.want))
				}
				s.Close()
			})
		})
	}
}

// TestIdleOff shows that a negative limit and the option 0 switch a timer off.
func TestIdleOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Server
		c := dial(t, start(t, &s, echo, "mem:TestIdleOff?idle=0")[0])
		send(t, c, "x")
		expect(t, c, "x")
		time.Sleep(1000 * time.Hour)
		send(t, c, "y")
		expect(t, c, "y")
		c.Close()
		s.Close()
	})
}

func TestSetIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := newEvents()
		s := Server{Events: got.add}
		svc := ServiceFunc(func(c *Conn, msg []byte) error { c.SetIdle(2 * time.Second); return nil })
		c := dial(t, start(t, &s, svc, "mem:TestSetIdle")[0])
		time.Sleep(time.Minute)
		send(t, c, "x")
		began := time.Now()
		got.ended(t, ErrIdle)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("ended after %v, want 2s", took)
		}
		s.Close()
	})
}

func TestSessionsAndAddressesAreLimited(t *testing.T) {
	for _, test := range []struct {
		options string
		want    error
		allowed int
	}{
		{"?maxsessions=2", ErrSessions, 2},
		{"?peraddr=3", ErrPerAddress, 3},
		{"?deny=127.0.0.0/8", ErrDenied, 0},
		{"?allow=10.0.0.0/8,192.168.0.1", ErrDenied, 0},
		{"?allow=127.0.0.0/8&deny=127.0.0.1", ErrDenied, 0},
	} {
		t.Run(test.options, func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			e := start(t, &s, echo, "tcp://127.0.0.1:0"+test.options)[0]
			var open []net.Conn
			for range test.allowed {
				c := dial(t, e)
				send(t, c, "x")
				expect(t, c, "x")
				open = append(open, c)
			}
			c := dial(t, e)
			if n, err := c.Read(make([]byte, 1)); err == nil {
				t.Errorf("a session over the limit read %d bytes", n)
			}
			got.rejected(t, test.want)
			if n := s.Stats()[0].Rejected[Reason(test.want)]; n != 1 {
				t.Errorf("counted %d rejects, want 1", n)
			}
			if test.allowed == 0 {
				return
			}
			open[0].Close() // makes room
			got.ended(t, nil)
			c = dial(t, e)
			send(t, c, "x")
			expect(t, c, "x")
		})
	}
}

func TestAllowedAddress(t *testing.T) {
	var s Server
	for _, e := range start(t, &s, echo, "tcp://127.0.0.1:0?allow=127.0.0.0/8", "udp://127.0.0.1:0?allow=127.0.0.1&deny=127.0.0.2") {
		c := dial(t, e)
		send(t, c, "x")
		expect(t, c, "x")
	}
}

func TestMessageTooLong(t *testing.T) {
	for frame, stream := range map[string]string{
		"line": "ok\n" + strings.Repeat("x", 20), "text": "ok\n" + strings.Repeat("x", 20), "nul": "ok\x00" + strings.Repeat("x", 20),
		"len32": "\x00\x00\x00\x02ok\x00\x00\x00\x11", "fixed:17": "x",
	} {
		t.Run(frame, func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			e := start(t, &s, echo, "tcp://127.0.0.1:0?maxmessage=16&frame="+frame)[0]
			c := dial(t, e)
			send(t, c, stream)
			c.(*net.TCPConn).CloseWrite()
			answers, err := io.ReadAll(c)
			if err != nil {
				t.Errorf("the answers before the long message: %v", err)
			}
			if frame != "fixed:17" && !strings.Contains(string(answers), "ok") {
				t.Errorf("answers %q do not hold those before the long message", answers)
			}
			got.ended(t, ErrMessageTooLong)
			if n := s.Stats()[0].Ended["too-long"]; n != 1 {
				t.Errorf("counted %d, want 1", n)
			}
		})
	}
	for _, at := range []string{"ws://127.0.0.1:0", "unixpacket:" + t.TempDir() + "/p"} {
		t.Run(at[:2], func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			c := dial(t, start(t, &s, echo, at+"?maxmessage=16")[0])
			send(t, c, "sixteen bytes ok")
			expect(t, c, "sixteen bytes ok")
			send(t, c, "seventeen is over")
			got.ended(t, ErrMessageTooLong)
		})
	}
}

// TestPeerThatNeverReads floods a peer with answers that it does not take: the
// memory is bounded, the session is not read from, and ends by the stall limit.
func TestPeerThatNeverReads(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add, Limits: Limits{Stall: 300 * time.Millisecond, Pending: 64 << 10}}
	svc := ServiceFunc(func(c *Conn, msg []byte) error { return c.Send(make([]byte, 32<<10)) })
	c := dial(t, start(t, &s, svc, "tcp://127.0.0.1:0")[0])
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wrote := make(chan int)
	go func() { // until the session is not read from any more
		total := 0
		for {
			n, err := c.Write(make([]byte, 4096))
			if total += n; err != nil {
				wrote <- total
				return
			}
		}
	}()
	got.ended(t, ErrStalled)
	runtime.ReadMemStats(&after)
	<-wrote
	if grew := int64(after.HeapInuse) - int64(before.HeapInuse); grew > 8<<20 {
		t.Errorf("the heap grew by %d bytes for one peer that does not read", grew)
	}
	if n := s.Stats()[0].Ended["stall"]; n != 1 {
		t.Errorf("counted %d, want 1", n)
	}
}

// TestSendIsBounded shows what a broadcaster gets for a peer that does not read.
func TestSendIsBounded(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "mem:TestSendIsBounded"} {
		t.Run(at, func(t *testing.T) {
			k := newKeeper()
			s := Server{Limits: Limits{Pending: 64 << 10, Stall: time.Minute}}
			c := dial(t, start(t, &s, k, at)[0])
			session := <-k.opened
			sent := 0
			for { // ends, since the system's buffers do
				err := session.Send(make([]byte, 4096))
				if errors.Is(err, ErrBacklogged) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				sent += 4096
			}
			// Everything that was accepted arrives once the peer reads.
			session.End()
			n, err := io.Copy(io.Discard, c)
			if int(n) != sent || err != nil {
				t.Errorf("%d bytes arrived, %v; want the %d that were accepted", n, err, sent)
			}
		})
	}
}

// TestSilentHandshakesDelayNobody opens sessions that never shake hands.
func TestSilentHandshakesDelayNobody(t *testing.T) {
	for _, at := range []string{"tls://127.0.0.1:0", "ws://127.0.0.1:0/x", "wss://127.0.0.1:0/x"} {
		t.Run(at, func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add, Limits: Limits{Handshake: 500 * time.Millisecond}}
			e := start(t, &s, echo, at)[0]
			for range 20 {
				silent, err := net.Dial("tcp", e.Address())
				if err != nil {
					t.Fatal(err)
				}
				defer silent.Close()
			}
			d := e
			if pin := s.Stats()[0].Pin; pin != "" {
				d = e.With("pin", pin)
			}
			c, err := transport.Dial(context.Background(), d)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			send(t, c, "x")
			expect(t, c, "x")
			if n := s.Stats()[0].Rejected["handshake"]; n != 0 {
				t.Fatalf("%d handshakes had timed out before the good peer was served: the test shows nothing", n)
			}
			got.rejected(t, ErrHandshake)
		})
	}
}

func TestGarbageHandshake(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	for _, e := range start(t, &s, echo, "tls://127.0.0.1:0", "ws://127.0.0.1:0/x") {
		c, err := net.Dial("tcp", e.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		send(t, c, "this is no handshake at all\r\n\r\n")
		got.await(t, "reject", func(ev *Event) bool {
			return ev.Kind == EventReject && ev.Endpoint.Scheme == e.Scheme && Reason(ev.Err) == "handshake"
		})
	}
}

func TestLimitsString(t *testing.T) {
	got := Limits{Idle: -1, Sessions: 5, Stall: time.Second}.String()
	want := "maxsessions=5 peraddr=1024 handshake=10s idle=off total=off maxmessage=65536 pending=262144 stall=1s linger=5s answer=+256"
	if got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestParsePrefixes(t *testing.T) {
	got, err := parsePrefixes("10.1.2.3/8,::ffff:192.168.0.1,fe80::1%lo,2001:db8::/32")
	want := []string{"10.0.0.0/8", "192.168.0.1/32", "fe80::1/128", "2001:db8::/32"}
	if texts := fmt.Sprint(got); err != nil || texts != fmt.Sprint(want) {
		t.Errorf("parsePrefixes = %v, %v; want %v", texts, err, want)
	}
	for _, bad := range []string{"", ",", "10.0.0.0/33", "host", "10.0.0.1, 10.0.0.2"} {
		if got, err := parsePrefixes(bad); err == nil {
			t.Errorf("parsePrefixes(%q) = %v, want an error", bad, got)
		}
	}
}

func TestBadOptionsAreErrors(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0?idle=fast", "tcp://127.0.0.1:0?frame=lines", "tcp://127.0.0.1:0?maxsessions=-1",
		"tcp://127.0.0.1:0?allow=all", "udp://127.0.0.1:0?frame=line", "tcp://127.0.0.1:0?secret=1", "ip://127.0.0.1?proto=253"} {
		var s Server
		if err := s.Listen(context.Background(), echo, at); err == nil {
			t.Errorf("Listen(%q) did not fail", at)
			s.Close()
		}
	}
}

// TestReasons keeps the words that limits are counted by apart.
func TestReasons(t *testing.T) {
	var words []string
	for _, err := range []error{nil, ErrIdle, ErrTotal, ErrHandshake, ErrStalled, ErrLinger, ErrSessions, ErrPerAddress, ErrDenied,
		ErrLoop, ErrAnswerCap, ErrMessageTooLong, ErrBacklogged, errDrained, io.ErrUnexpectedEOF} {
		word := Reason(fmt.Errorf("wrapped: %w", err))
		if err == nil {
			word = Reason(nil)
		}
		if slices.Contains(words, word) {
			t.Errorf("%q stands for two reasons", word)
		}
		words = append(words, word)
	}
}
