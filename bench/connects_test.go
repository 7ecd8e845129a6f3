package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/endpoint"
)

// How many sessions were opened is what the server accepted.
func TestConnects(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0/", "unix:" + t.TempDir() + "/s", "mem:TestConnects"} {
		for _, said := range []bool{false, true} {
			scheme, _, _ := strings.Cut(at, ":")
			t.Run(fmt.Sprintf("%s/exchange=%v", scheme, said), func(t *testing.T) {
				var s parley.Server
				l := Load{
					Mode: Connects, Endpoint: serveEcho(t, &s, at), Sessions: 3, Time: 200 * time.Millisecond, Warmup: -1,
					Reset: scheme == "tcp",
				}
				if said {
					l.Exchange = echoing(t, 64)
				}
				r := mustRun(t, awhile(t), l)
				wantErrors(t, r)
				if accepted := settled(t, &s, r.Opened); r.Opened == 0 || accepted < r.Opened && !l.Reset || accepted > r.Opened+3 {
					t.Errorf("%d sessions opened, the server accepted %d", r.Opened, accepted)
				}
				if d := r.Latency.TotalCount() - r.Opened; d < 0 || d > 3 {
					t.Errorf("%d latencies of %d sessions", r.Latency.TotalCount(), r.Opened)
				}
				if said && (r.Answered < r.Opened-3 || r.Answered > r.Opened+3) || !said && r.Sent+r.Answered > 0 {
					t.Errorf("%d sessions opened, %d messages sent, %d answered", r.Opened, r.Sent, r.Answered)
				}
				if r.Failed != 0 || r.Open != 0 || r.Failure != "" || r.Elapsed != l.Time {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// settled waits until the server has accepted n sessions: those that were closed before
// wait in its backlog. After a while it gives up.
func settled(t *testing.T, s *parley.Server, n int64) int64 {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && s.Stats()[0].Accepted < n; {
		time.Sleep(time.Millisecond)
	}
	return s.Stats()[0].Accepted
}

// At a rate the latency is from the moment at which a session was to be opened.
func TestConnectsAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := listen(t, "mem:TestConnectsAtARate", echoBytes)
		r := mustRun(t, context.Background(), Load{Mode: Connects, Endpoint: e, Rate: 50, Sessions: 4, Time: 10 * time.Second, Warmup: 2 * time.Second})
		if r.Opened != 500 || p.sessions() < 599 || p.sessions() > 600 || r.Latency.TotalCount() != 500 || r.Unsent != 0 || len(r.Intervals) != 10 {
			t.Errorf("%d of %d sessions opened, %d latencies, %d intervals: want 500 of 600, 500, 10", r.Opened, p.sessions(), r.Latency.TotalCount(), len(r.Intervals))
		}
		for _, i := range r.Intervals {
			if i.Opened < 49 || i.Opened > 51 || i.Length != time.Second || i.Mode != Connects {
				t.Errorf("%+v, want 50 sessions in a second", i)
			}
		}
	})
}

// Sessions that cannot be opened in time are charged for it.
func TestConnectsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A slot is taken for 100 ms by the exchange: 4 make 40 a second of the 50 asked for.
		_, e := listen(t, "mem:TestConnectsThatWait", func(c net.Conn) {
			buf := make([]byte, 64)
			c.Read(buf)
			time.Sleep(100 * time.Millisecond)
			c.Write(buf)
			c.Read(buf)
		})
		r := mustRun(t, context.Background(), Load{
			Mode: Connects, Endpoint: e, Exchange: echoing(t, 64), Rate: 50, Sessions: 4, Time: 10 * time.Second, Warmup: -1,
		})
		if r.Opened < 399 || r.Opened > 404 || r.Opened+r.Unsent != 500 {
			t.Errorf("%d sessions opened and %d not, want 400 and 100", r.Opened, r.Unsent)
		}
		if got := time.Duration(r.Latency.Max()); got < 1900*time.Millisecond || got > 2100*time.Millisecond {
			t.Errorf("the last was opened %v late, want 2s", got)
		}
		if r.Generator.Missed != 0 {
			t.Errorf("%d moments missed by the generator, want none: it was the server", r.Generator.Missed)
		}
	})
}

func TestConnectsWhereNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, retry := range []bool{false, true} {
			began := time.Now()
			r := mustRun(t, context.Background(), Load{
				Mode: Connects, Endpoint: endpoint.MustParse("mem:nobody"), Sessions: 3, Retry: retry, Time: time.Hour, Timeout: time.Second, Warmup: -1,
			})
			wantErrors(t, r, "refused")
			took, want := time.Since(began), time.Duration(0)
			if retry {
				want = 5 * time.Second
			}
			if r.Failure == "" || r.Failed < 3 || r.Opened != 0 || took < want || took > want+2*time.Second {
				t.Errorf("retry=%v: took %v, want %v: %+v", retry, took, want, r)
			}
		}
	})
}

// A server that ends ends the run; one that refuses now and then does not.
func TestConnectsToAServerThatDies(t *testing.T) {
	var n atomic.Int64
	var server atomic.Pointer[peer]
	p, e := listen(t, "tcp://127.0.0.1:0", func(net.Conn) {
		if n.Add(1) == 20 {
			server.Load().ln.Close()
		}
	})
	server.Store(p)
	r := mustRun(t, awhile(t), Load{Mode: Connects, Endpoint: e, Sessions: 2, Reset: true, Time: time.Hour, Warmup: -1})
	if r.Failure == "" || r.Opened < 20 || r.Errors["refused"]+r.Errors["reset"] < 2 || r.Errors["refused"] == 0 || r.Interrupted {
		t.Errorf("%+v", r)
	}
}

// What answers wrongly is counted, and the next session is opened.
func TestConnectsWithWrongAnswers(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		c.Write(make([]byte, 64))
		silent(c)
	})
	r := mustRun(t, awhile(t), Load{
		Mode: Connects, Endpoint: e, Exchange: echoing(t, 64), Reset: true, Time: 100 * time.Millisecond, Warmup: -1,
	})
	wantErrors(t, r, "wrong answer")
	if r.Opened < 2 || r.Errors["wrong answer"] < r.Opened-1 || r.Failed < r.Opened-1 || r.Failure != "" {
		t.Errorf("%+v", r)
	}
}

func TestConnectsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, at := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(context.Background(), at)
			// The session that is being talked on when the run is interrupted is never answered.
			_, e := listen(t, "mem:TestConnectsInterrupted"+at.String(), func(c net.Conn) {
				if ctx.Err() == nil {
					stalling(c, at-20*time.Millisecond, time.Hour)
				}
				io.Copy(io.Discard, c) // the run ends it, and not we
			})
			began := time.Now()
			r := mustRun(t, ctx, Load{
				Mode: Connects, Endpoint: e, Exchange: echoing(t, 64), Sessions: 2, Time: time.Minute, Warmup: time.Second,
			})
			cancel()
			wantErrors(t, r)
			if took := time.Since(began); !r.Interrupted || took != at || r.Elapsed != max(at-time.Second, 0) {
				t.Errorf("took %v, measured %v: %+v", took, r.Elapsed, r)
			}
		}
	})
}

// A reset leaves no local port in TIME_WAIT.
func TestReset(t *testing.T) {
	got := make(chan error, 1000)
	_, e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		_, err := c.Read(make([]byte, 1))
		select {
		case got <- err:
		default:
		}
	})
	for _, reset := range []bool{true, false} {
		r := mustRun(t, awhile(t), Load{Mode: Connects, Endpoint: e, Reset: reset, Time: 30 * time.Millisecond, Warmup: -1})
		if r.Opened == 0 {
			t.Fatalf("%+v", r)
		}
		if err := <-got; errors.Is(err, syscall.ECONNRESET) != reset {
			t.Errorf("Reset %v: the server read %v", reset, err)
		}
		for len(got) > 0 {
			<-got
		}
		time.Sleep(10 * time.Millisecond) // those that are under way
		for len(got) > 0 {
			<-got
		}
	}
}

// No local port being left is said in words that help.
func TestNoLocalPort(t *testing.T) {
	d := &dialer{load: Load{Mode: Connects, Endpoint: endpoint.MustParse("tcp://127.0.0.1:7")}}
	err := d.explain(os.NewSyscallError("connect", syscall.EADDRNOTAVAIL))
	if !errors.Is(err, syscall.EADDRNOTAVAIL) || !strings.Contains(err.Error(), "Reset") || !strings.Contains(err.Error(), "TIME_WAIT") {
		t.Errorf("%v", err)
	}
	if kind := kindOf(err); kind != "no local address" {
		t.Errorf("kind %q", kind)
	}
	if err := d.explain(syscall.ECONNREFUSED); err != syscall.ECONNREFUSED {
		t.Errorf("%v", err)
	}
}
