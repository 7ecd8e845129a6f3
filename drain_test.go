package parley

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"parley/transport"
)

// TestDrainLosesNoAnswer shuts a server down while every session has requests on
// the way: in the service's hands, in the read buffer, and in the system's.
func TestDrainLosesNoAnswer(t *testing.T) {
	const sessions, requests = 8, 100 // as many as any socket takes unread
	for _, at := range []string{"tcp://127.0.0.1:0?frame=line", "unix:" + t.TempDir() + "/s?frame=line", "tls://127.0.0.1:0?frame=line", "mem:TestDrain?frame=line", "ws://127.0.0.1:0/x"} {
		t.Run(at[:3], func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			entered, release := make(chan struct{}, sessions*requests), make(chan struct{})
			svc := ServiceFunc(func(c *Conn, msg []byte) error {
				entered <- struct{}{}
				<-release
				return c.Send(msg)
			})
			if err := s.Listen(context.Background(), svc, at); err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			e := s.Endpoints()[0].Without("frame")
			if pin := s.Stats()[0].Pin; pin != "" {
				e = e.With("pin", pin)
			}
			conns := make([]net.Conn, sessions)
			for i := range conns {
				var err error
				if conns[i], err = transport.Dial(context.Background(), e); err != nil {
					t.Fatal(err)
				}
				defer conns[i].Close()
				for r := range requests {
					send(t, conns[i], fmt.Sprintf("%d\n", r))
				}
			}
			for range sessions {
				<-entered // each session is at its first request
			}
			down := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				down <- s.Shutdown(ctx)
			}()
			for !s.draining.Load() {
				time.Sleep(time.Millisecond)
			}
			close(release)
			var wg sync.WaitGroup
			for _, c := range conns {
				wg.Go(func() { readAnswers(t, c, requests) })
			}
			wg.Wait()
			if err := <-down; err != nil {
				t.Errorf("Shutdown() = %v", err)
			}
			if err := <-served; err != ErrServerClosed {
				t.Errorf("Serve() = %v", err)
			}
		})
	}
}

// readAnswers reads to the end and expects the answers to n requests.
func readAnswers(t *testing.T, c net.Conn, n int) {
	var want []byte
	for r := range n {
		want = fmt.Appendf(want, "%d\n", r)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != string(want) {
		t.Errorf("%s: %d bytes of answers, %v; want %d", c.RemoteAddr(), len(got), err, len(want))
	}
	c.Close()
}

func TestDrainAnswersDatagrams(t *testing.T) {
	entered, release := make(chan struct{}, 100), make(chan struct{})
	var s Server
	svc := ServiceFunc(func(c *Conn, msg []byte) error {
		entered <- struct{}{}
		<-release
		return c.Send(msg)
	})
	c := dial(t, start(t, &s, svc, "udp://127.0.0.1:0")[0])
	for i := range 50 {
		send(t, c, fmt.Sprintf("%02d", i))
	}
	<-entered
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	for !s.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	close(release)
	for i := range 50 {
		expect(t, c, fmt.Sprintf("%02d", i))
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown() = %v", err)
	}
}

// TestShutdownGivesUp ends ctx while a service does not come back, then lets go.
func TestShutdownGivesUp(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	entered, release := make(chan struct{}), make(chan struct{})
	svc := ServiceFunc(func(c *Conn, msg []byte) error { close(entered); <-release; return c.Send(msg) })
	c := dial(t, start(t, &s, svc, "tcp://127.0.0.1:0")[0])
	send(t, c, "x")
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(ctx) }()
	cancel()
	for { // the conn is closed under the service's feet
		if _, err := c.Read(make([]byte, 1)); err != nil {
			break
		}
	}
	close(release)
	if err := <-down; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown() = %v, want context.Canceled", err)
	}
}

func TestShutdownWithoutServe(t *testing.T) {
	var s Server
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown of the zero Server = %v", err)
	}
	var bound Server
	if err := bound.Listen(context.Background(), echo, "tcp://127.0.0.1:0", "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	e := bound.Endpoints()
	bound.Close()
	bound.Close()
	if err := bound.Serve(); err != ErrServerClosed {
		t.Errorf("Serve after Close = %v", err)
	}
	var again Server
	start(t, &again, echo, e[0].String(), e[1].String()) // the ports are free
}

// TestCloseIsNow closes sessions whose peers answer no goodbye.
func TestCloseIsNow(t *testing.T) {
	for _, at := range []string{"ws://127.0.0.1:0/x", "tls://127.0.0.1:0", "tcp://127.0.0.1:0"} {
		t.Run(at, func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			if err := s.Listen(context.Background(), echo, at); err != nil {
				t.Fatal(err)
			}
			go s.Serve()
			e := s.Endpoints()[0]
			if pin := s.Stats()[0].Pin; pin != "" {
				e = e.With("pin", pin)
			}
			const sessions = 20
			for range sessions {
				c, err := transport.Dial(context.Background(), e)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				send(t, c, "x")
				expect(t, c, "x")
			}
			began := time.Now()
			s.Close()
			if took := time.Since(began); took > sessions*time.Second/4 {
				t.Errorf("Close took %v for %d silent peers, one after the other", took, sessions)
			}
		})
	}
}

// TestShortDrainIsNotCut drains a peer that does not close in little time.
func TestShortDrainIsNotCut(t *testing.T) {
	var s Server
	c := dial(t, start(t, &s, echo, "tcp://127.0.0.1:0")[0])
	send(t, c, "x")
	expect(t, c, "x")
	ctx, cancel := context.WithTimeout(context.Background(), drainLongest)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown() = %v: nothing was under way", err)
	}
}

// TestIdleSessionsDoNotDelayShutdown drains silent peers that do not close.
func TestIdleSessionsDoNotDelayShutdown(t *testing.T) {
	got := newEvents()
	s := Server{Events: got.add}
	e := start(t, &s, echo, "tcp://127.0.0.1:0")[0]
	c := dial(t, e)
	send(t, c, "x")
	expect(t, c, "x")
	ctx, cancel := context.WithTimeout(context.Background(), 10*drainLongest)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown() = %v", err)
	}
	got.ended(t, errDrained)
	expectEnd(t, c)
}
