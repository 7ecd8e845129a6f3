package parley

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// streamFunc is a Streamer.
type streamFunc func(ctx context.Context, conn net.Conn) error

func (streamFunc) Serve(*Conn, []byte) error                         { return nil }
func (f streamFunc) Stream(ctx context.Context, conn net.Conn) error { return f(ctx, conn) }

// TestStreamOwnDeadlines shows that a Streamer's own write deadline holds, by
// whichever method it was set, and also when it is set while Write is under way.
func TestStreamOwnDeadlines(t *testing.T) {
	tests := map[string]func(conn net.Conn){
		"SetWriteDeadline": func(conn net.Conn) { conn.SetWriteDeadline(time.Now().Add(time.Second)) },
		"SetDeadline":      func(conn net.Conn) { conn.SetDeadline(time.Now().Add(time.Second)) },
		"in Write": func(conn net.Conn) {
			time.AfterFunc(time.Second, func() { conn.SetWriteDeadline(longAgo) })
		},
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result := make(chan error, 1)
				var s Server
				dial(t, start(t, &s, streamFunc(func(_ context.Context, conn net.Conn) error {
					set(conn)
					_, err := conn.Write(make([]byte, 1<<20))
					result <- err
					return nil
				}), "mem:TestStreamOwnDeadlines")[0])
				began := time.Now()
				if err := <-result; err != os.ErrDeadlineExceeded || time.Since(began) != time.Second {
					t.Errorf("Write: %v after %v, want %v after 1s", err, time.Since(began), os.ErrDeadlineExceeded)
				}
				s.Close()
			})
		})
	}
}

// TestStreamTotalWhileWriting shows that a Streamer that only writes is ended by
// the total limit too.
func TestStreamTotalWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := make(chan error, 1)
		s := Server{Limits: Limits{Total: 2 * time.Second}}
		c := dial(t, start(t, &s, streamFunc(func(_ context.Context, conn net.Conn) error {
			for {
				if _, err := conn.Write(make([]byte, 1000)); err != nil {
					result <- err
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
		}), "mem:TestStreamTotalWhileWriting")[0])
		go io.Copy(io.Discard, c)
		began := time.Now()
		select {
		case err := <-result:
			if !errors.Is(err, ErrTotal) || time.Since(began) > 3*time.Second {
				t.Errorf("Write: %v after %v, want %v after 2s", err, time.Since(began), ErrTotal)
			}
		case <-time.After(time.Minute):
			t.Error("still writing after a minute")
		}
		s.Close()
	})
}

// TestStreamEndsAfterReset shows that a Streamer that takes its peer's reset for
// the end has an end in order.
func TestStreamEndsAfterReset(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "tls://127.0.0.1:0", "mem:TestStreamEndsAfterReset", "unix:" + t.TempDir() + "/s"} {
		t.Run(at[:3], func(t *testing.T) {
			got := newEvents()
			s := Server{Events: got.add}
			e := start(t, &s, streamFunc(func(_ context.Context, conn net.Conn) error {
				for {
					if _, err := conn.Write(make([]byte, 1000)); err != nil {
						return nil // the peer has had enough
					}
				}
			}), at)[0]
			if pin := s.Stats()[0].Pin; pin != "" {
				e = e.With("pin", pin)
			}
			c, err := Dial(context.Background(), e.String())
			if err != nil {
				t.Fatal(err)
			}
			io.ReadFull(c, make([]byte, 5000))
			c.Close()
			end := got.await(t, "end", func(ev *Event) bool { return ev.Kind == EventEnd })
			if end.Err != nil {
				t.Errorf("the session ends with %v, want in order", end.Err)
			}
		})
	}
}

// TestStreamDrainLingersOnce shows that a Streamer's peer that stays is waited for
// as long as any other's.
func TestStreamDrainLingersOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Server
		dial(t, start(t, &s, streamFunc(func(ctx context.Context, _ net.Conn) error {
			<-ctx.Done()
			time.Sleep(drainLongest / 10)
			return ctx.Err()
		}), "mem:TestStreamDrainLingersOnce")[0])
		synctest.Wait()
		began := time.Now()
		s.Shutdown(context.Background())
		if took := time.Since(began); took > drainLongest+drainLongest/10 {
			t.Errorf("Shutdown took %v, want %v", took, drainLongest+drainLongest/10)
		}
	})
}

// TestOpenThenGone shows that Closed is called for an Open that returned nil,
// also when what Open sent cannot be written any more.
func TestOpenThenGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &goneKeeper{newKeeper()}
		var s Server
		dial(t, start(t, &s, k, "mem:TestOpenThenGone")[0]).Close()
		<-k.opened
		select {
		case <-k.closed:
		case <-time.After(time.Hour):
			t.Error("Closed was not called")
		}
		s.Close()
	})
}

type goneKeeper struct{ *keeper }

func (k goneKeeper) Open(c *Conn) error {
	time.Sleep(time.Second) // the peer has gone by then
	c.Send([]byte("hello"))
	return k.keeper.Open(c)
}

// TestUnixgramPeerThatDoesNotRead shows that it does not keep the loop from others.
func TestUnixgramPeerThatDoesNotRead(t *testing.T) {
	served := make(chan bool, 1000)
	svc := ServiceFunc(func(c *Conn, msg []byte) error { served <- true; return c.Send(msg) })
	var s Server
	c := dial(t, start(t, &s, svc, "unixgram:"+t.TempDir()+"/g")[0])
	for range 400 {
		send(t, c, "hello")
		select {
		case <-served:
		case <-time.After(10 * time.Second):
			t.Fatal("the loop waits for a peer that does not read")
		}
	}
}
