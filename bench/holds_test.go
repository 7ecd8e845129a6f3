package bench

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley"
)

func TestHolds(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []string{
		"tcp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0/", "udp://127.0.0.1:0",
		"unix:" + dir + "/#s", "unixgram:" + dir + "/#g", "unixpacket:" + dir + "/#p", "mem:TestHolds/#",
	} {
		for _, said := range []bool{false, true} {
			scheme, _, _ := strings.Cut(at, ":")
			t.Run(fmt.Sprintf("%s/exchange=%v", scheme, said), func(t *testing.T) {
				t.Parallel()
				const sessions = 20
				var s parley.Server
				e := serveEcho(t, &s, strings.Replace(at, "#", strconv.FormatBool(said), 1))
				l := Load{Mode: Holds, Endpoint: e, Sessions: sessions, Time: 1200 * time.Millisecond}
				var during atomic.Int64
				l.Progress = func(i Interval) {
					if i.At == time.Second {
						during.Store(int64(s.Stats()[0].Open))
					}
				}
				want := int64(0)
				if said {
					l.Exchange, want = echoing(t, 64), 2*sessions
				}
				r := mustRun(t, awhile(t), l)
				wantErrors(t, r)
				if r.Opened != sessions || r.Open != sessions || r.Failed != 0 || r.Failure != "" || r.Interrupted {
					t.Errorf("%+v", r)
				}
				if r.Latency.TotalCount() != sessions {
					t.Errorf("%d latencies, want of %d sessions", r.Latency.TotalCount(), sessions)
				}
				if r.Sent != want || r.Answered != want || s.Stats()[0].MessagesIn != want {
					t.Errorf("%d sent, %d answered, %d in the server: want %d", r.Sent, r.Answered, s.Stats()[0].MessagesIn, want)
				}
				if got := during.Load(); got != sessions && !l.lossy() {
					t.Errorf("the server had %d sessions in the meantime, want %d", got, sessions)
				}
				if r.Elapsed < l.Time || r.Elapsed > l.Time+2*time.Second || len(r.Intervals) < 2 {
					t.Errorf("%v measured in %d intervals", r.Elapsed, len(r.Intervals))
				}
			})
		}
	}
}

// Sessions are opened at a rate, and Time is from when the last was.
func TestHoldsAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := listen(t, "mem:TestHoldsAtARate", silent)
		began := time.Now()
		r := mustRun(t, context.Background(), Load{Mode: Holds, Endpoint: e, Sessions: 50, Rate: 10, Time: 3 * time.Second})
		if took := time.Since(began); took < 7900*time.Millisecond || took > 8*time.Second || r.Elapsed != took {
			t.Errorf("took %v and measured %v, want 8s", took, r.Elapsed)
		}
		if r.Opened != 50 || r.Open != 50 || len(r.Intervals) != 8 || r.Intervals[2].Opened < 9 || r.Intervals[2].Open > 31 {
			t.Errorf("%+v", r)
		}
	})
}

// Sessions that end while they are held are counted, with the cause and the time.
func TestHoldsThatEnd(t *testing.T) {
	end := map[string]func(net.Conn){
		"closed":       func(c net.Conn) { c.(*net.TCPConn).CloseWrite(); silent(c) },
		"reset":        reset,
		"wrong answer": func(c net.Conn) { c.Write([]byte("are you still there?")); silent(c) },
	}
	for kind, end := range end {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
				echoes(c, 1, 64)
				if n.Add(1) <= 2 {
					time.Sleep(300 * time.Millisecond)
					end(c)
					return
				}
				echoBytes(c)
			})
			r := mustRun(t, awhile(t), Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 5, Time: time.Second})
			wantErrors(t, r, kind)
			if r.Errors[kind] != 2 || r.Failed != 2 || r.Open != 3 || r.Opened != 5 || r.Failure != "" || r.Answered != 8 {
				t.Errorf("%+v", r)
			}
			if text := r.FirstErrors[kind]; !strings.Contains(text, "after 2") && !strings.Contains(text, "after 3") {
				t.Errorf("%q does not say that it was after about 300 ms", text)
			}
		})
	}
}

// Without an exchange a peer may say what it likes.
func TestHoldsHear(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		c.Write([]byte("hello"))
		silent(c)
	})
	r := mustRun(t, awhile(t), Load{Mode: Holds, Endpoint: e, Sessions: 5, Time: 100 * time.Millisecond})
	wantErrors(t, r)
	if r.Open != 5 || r.BytesIn != 25 {
		t.Errorf("%+v", r)
	}
}

// When all are gone there is nothing left to hold.
func TestHoldsAllGone(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "mem:TestHoldsAllGone"} {
		_, e := listen(t, at, func(c net.Conn) { echoes(c, 1, 64) })
		r := mustRun(t, awhile(t), Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 5})
		wantErrors(t, r, "closed")
		if r.Failed != 5 || r.Open != 0 || !strings.Contains(r.Failure, "after") || r.Interrupted {
			t.Errorf("%+v", r)
		}
	}
}

// With Retry they are opened again.
func TestHoldsWithRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		p, e := listen(t, "mem:TestHoldsWithRetry", func(c net.Conn) {
			echoes(c, 1, 64)
			if n.Add(1) <= 5 {
				time.Sleep(2 * time.Second)
				return
			}
			echoBytes(c)
		})
		r := mustRun(t, context.Background(), Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 5, Time: 5 * time.Second, Retry: true})
		wantErrors(t, r, "closed")
		if r.Failed != 5 || r.Reopened != 5 || r.Opened != 5 || r.Open != 5 || r.Failure != "" || r.Answered != 15 || p.sessions() != 10 {
			t.Errorf("%+v", r)
		}
	})
}

// A last exchange that goes wrong is one that did not survive.
func TestHoldsLastExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		_, e := listen(t, "mem:TestHoldsLastExchange", func(c net.Conn) {
			echoes(c, 1, 64)
			if n.Add(1) <= 2 {
				silent(c)
			}
			echoBytes(c)
		})
		r := mustRun(t, context.Background(), Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 5, Time: 5 * time.Second})
		wantErrors(t, r, "unanswered")
		if r.Failed != 2 || r.Open != 3 || r.Opened != 5 || r.Failure != "" || r.Answered != 8 || r.Unanswered != 2 || r.Elapsed != 5*time.Second {
			t.Errorf("%+v", r)
		}
	})
}

// A first exchange that goes wrong is a session that was not opened.
func TestHoldsFirstExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := listen(t, "mem:TestHoldsFirstExchange", silent)
		r := mustRun(t, context.Background(), Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 5, Time: 5 * time.Second, Timeout: time.Second})
		wantErrors(t, r, "unanswered")
		if r.Failed != 5 || r.Opened != 0 || r.Failure == "" || r.Unanswered != 5 {
			t.Errorf("%+v", r)
		}
	})
}

// Without a Time ctx ends the holding in order: it is no interruption, and the last
// exchanges take place.
func TestHoldsUntilInterrupted(t *testing.T) {
	for _, length := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			_, e := listen(t, "mem:TestHoldsUntilInterrupted", echoBytes)
			ctx, cancel := context.WithTimeout(context.Background(), 7*time.Second)
			defer cancel()
			r := mustRun(t, ctx, Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 5, Time: length})
			wantErrors(t, r)
			want := int64(10)
			if length > 0 {
				want = 5
			}
			if r.Interrupted != (length > 0) || r.Answered != want || r.Open != 5 || r.Elapsed != 7*time.Second {
				t.Errorf("Time %v: %d answered, want %d: %+v", length, r.Answered, want, r)
			}
		})
	}
}

// An interruption while sessions are opened, and while the last exchanges take place.
func TestHoldsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := listen(t, "mem:TestHoldsInterrupted", func(c net.Conn) { echoes(c, 1, 64); silent(c) })
		for _, at := range []time.Duration{time.Second, 5500 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(context.Background(), at)
			began := time.Now()
			r := mustRun(t, ctx, Load{Mode: Holds, Endpoint: e, Exchange: echoing(t, 64), Sessions: 20, Rate: 10, Time: 3 * time.Second})
			cancel()
			wantErrors(t, r)
			if took := time.Since(began); took != at || !r.Interrupted || r.Failure != "" || r.Elapsed != min(at, 4900*time.Millisecond) {
				t.Errorf("took %v, want %v: %+v", took, at, r)
			}
		}
	})
}

func TestHoldsWhereNobodyListens(t *testing.T) {
	r := mustRun(t, awhile(t), Load{Mode: Holds, Endpoint: lonely(t), Sessions: 5})
	wantErrors(t, r, "refused")
	if r.Failed != 5 || r.Failure == "" {
		t.Errorf("%+v", r)
	}
}

// The watcher leaves sessions as they were.
func TestWatcherStops(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "mem:TestWatcherStops"} {
		_, e := listen(t, at, echoBytes)
		d := dialer{load: Load{Endpoint: e}}
		c, err := d.dial(awhile(t))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var mu sync.Mutex
		var heard, ended int
		w := newWatcher(&plan{},
			func(int, []byte) error { mu.Lock(); defer mu.Unlock(); heard++; return nil },
			func(int, error) { mu.Lock(); defer mu.Unlock(); ended++ })
		w.add(1, c)
		w.stop()
		w.add(2, c)
		c.Write([]byte("x"))
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("%v: read %d, %v after the watching", at, n, err)
		}
		if heard+ended > 0 {
			t.Errorf("%v: heard %d, ended %d; want nothing", at, heard, ended)
		}
	}
}
