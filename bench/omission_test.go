package bench

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/endpoint"
)

// near reports whether a latency is what it should be, as far as a histogram of three
// digits tells.
func near(got int64, want time.Duration) bool {
	d := time.Duration(got) - want
	return max(d, -d) <= want/100+5*time.Millisecond // answers go out 256 at a time, a millisecond each
}

// A server that stalls for a second is charged, in an open loop, for every message that
// it kept waiting: of 10 s at a steady rate a tenth waits for 1 s to 0 s. In a closed loop
// only the one message that was under way does.
func TestCoordinatedOmission(t *testing.T) {
	for _, rate := range []float64{0, 1000} {
		t.Run("rate="+strconv.Itoa(int(rate)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const stall = time.Second
				_, e := listen(t, "mem:TestCoordinatedOmission", func(c net.Conn) { stalling(c, 5*time.Second, stall) })
				r := mustRun(t, context.Background(), Load{
					Endpoint: e, Exchange: echoing(t, 64), Rate: rate, Time: 10 * time.Second, Warmup: -1,
				})
				wantErrors(t, r)
				q := func(p float64) int64 { return r.Latency.ValueAtQuantile(p) }
				if rate == 0 {
					if n := r.Latency.TotalCount(); !near(q(50), time.Millisecond) || !near(r.Latency.Max(), stall+time.Millisecond) || n < 8990 || n > 9010 {
						t.Errorf("closed loop: %d messages, p50 %v, max %v; want 9000, 1ms, 1s", n, time.Duration(q(50)), time.Duration(r.Latency.Max()))
					}
					return
				}
				if r.Latency.TotalCount() != 10000 || r.Sent != 10000 || r.Unsent+r.Unanswered+r.Generator.Missed != 0 {
					t.Errorf("%+v", r)
				}
				for _, w := range []struct {
					p    float64
					want time.Duration
				}{{50, time.Millisecond}, {89, time.Millisecond}, {92.5, stall / 4}, {95, stall / 2}, {99, stall * 9 / 10}, {100, stall}} {
					if got := q(w.p); !near(got, w.want) && got != int64(w.want) {
						t.Errorf("p%v is %v, want %v", w.p, time.Duration(got), w.want)
					}
				}
			})
		})
	}
}

// stalling answers each message of 64 bytes after a millisecond, and between the moments
// from and from+stall not at all.
func stalling(c net.Conn, from, stall time.Duration) {
	began := time.Now()
	buf := make([]byte, 16<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		time.Sleep(time.Millisecond / 2)
		if at := time.Since(began); at >= from && at < from+stall {
			time.Sleep(from + stall - at)
		}
		time.Sleep(time.Millisecond / 2)
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// In simulated time a run ends when it says, whatever its peer does.
func TestTimesOfARun(t *testing.T) {
	for _, tt := range []struct {
		name    string
		serve   func(net.Conn)
		l       Load
		want    time.Duration // from beginning to end
		elapsed time.Duration
		failure bool
	}{
		{"silent", silent, Load{Timeout: 3 * time.Second}, 3 * time.Second, 3 * time.Second, true},
		{"silent at the end", func(c net.Conn) { io.CopyN(c, c, 64*100); silent(c) },
			Load{Time: 4 * time.Second, Rate: 25, Timeout: 3 * time.Second}, 4 * time.Second, 4 * time.Second, false},
		{"silent from the middle on", func(c net.Conn) { io.CopyN(c, c, 64*60); silent(c) },
			Load{Time: 4 * time.Second, Rate: 25, Timeout: 3 * time.Second}, 2400*time.Millisecond + 3*time.Second, 4 * time.Second, false},
		{"warm-up", echoSlowly, Load{Time: 4 * time.Second, Warmup: 2 * time.Second}, 6 * time.Second, 4 * time.Second, false},
		{"retry", func(net.Conn) {}, Load{Time: time.Minute, Retry: true}, time.Minute, time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, e := listen(t, "mem:TestTimesOfARun", tt.serve)
				tt.l.Endpoint, tt.l.Exchange = e, echoing(t, 64)
				if tt.l.Warmup == 0 {
					tt.l.Warmup = -1
				}
				began := time.Now()
				r := mustRun(t, context.Background(), tt.l)
				const tick = 51 * time.Millisecond
				if took := time.Since(began); took < tt.want || took > tt.want+2*tick {
					t.Errorf("took %v, want %v", took, tt.want)
				}
				if r.Elapsed < tt.elapsed || r.Elapsed > tt.elapsed+tick {
					t.Errorf("measured for %v, want %v", r.Elapsed, tt.elapsed)
				}
				if (r.Failure != "") != tt.failure {
					t.Errorf("failure %q", r.Failure)
				}
			})
		})
	}
}

// echoSlowly answers after a millisecond, so that simulated time passes.
func echoSlowly(c net.Conn) { stalling(c, time.Hour, 0) }

// The pauses before a session is opened again grow from 10 ms to 1 s.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := listen(t, "mem:TestBackoff", func(net.Conn) {})
		r := mustRun(t, context.Background(), Load{Endpoint: e, Exchange: echoing(t, 64), Retry: true, Time: 10 * time.Second, Warmup: -1})
		// 10 20 40 80 160 320 640 ms, then one a second: 1.27 s and 8 more.
		if n := p.sessions(); n != 1+7+9 && n != 1+7+8 {
			t.Errorf("%d sessions, want 16", n)
		}
		if r.Opened != 1 || r.Reopened != int64(p.sessions())-1 {
			t.Errorf("%d opened and %d again, the server had %d", r.Opened, r.Reopened, p.sessions())
		}
	})
}

// With Retry nothing is given up before the patience is over, and all is then.
func TestPatience(t *testing.T) {
	for _, timeout := range []time.Duration{time.Second, 20 * time.Second} {
		t.Run(timeout.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want := max(timeout, 5*time.Second)
				began := time.Now()
				r := mustRun(t, context.Background(), Load{
					Endpoint: endpoint.MustParse("mem:nobody"), Exchange: echoing(t, 64), Retry: true, Time: time.Hour, Timeout: timeout, Warmup: -1,
				})
				if took := time.Since(began); took != want || r.Failure == "" || r.Elapsed != want {
					t.Errorf("took %v, want %v: %+v", took, want, r)
				}
			})
		})
	}
}

// A session that lasted is opened again after the first pause, however often it had
// failed before.
func TestBackoffBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, e := listen(t, "mem:TestBackoffBeginsAnew", func(c net.Conn) {
			c.SetReadDeadline(time.Now().Add(2 * time.Second))
			io.Copy(c, c)
		})
		// 2 s and 10 ms each; with pauses that grow it would be fewer.
		mustRun(t, context.Background(), Load{Endpoint: e, Exchange: echoing(t, 64), Rate: 10, Retry: true, Time: 40 * time.Second, Warmup: -1})
		if n := p.sessions(); n != 20 {
			t.Errorf("%d sessions, want 20", n)
		}
	})
}

// A server that takes and answers little by little keeps its session, and our write
// waits for it: the drain ends by the timeout all the same.
func TestDrainOfASlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 64 << 10
		_, e := listen(t, "mem:TestDrainOfASlowServer", func(c net.Conn) {
			for {
				time.Sleep(50 * time.Millisecond)
				if n, err := io.CopyN(c, c, size); n < size || err != nil {
					return
				}
			}
		})
		l := Load{Endpoint: e, Exchange: echoing(t, size), Depth: 64, Time: 220 * time.Millisecond, Timeout: 300 * time.Millisecond, Warmup: -1}
		began := time.Now()
		r := mustRun(t, context.Background(), l)
		wantErrors(t, r)
		if took := time.Since(began); took < l.Time+l.Timeout || took > l.Time+2*l.Timeout {
			t.Errorf("took %v, want %v", took, l.Time+l.Timeout)
		}
		if r.Answered < 3 || r.Answered > 5 || r.Unanswered+r.Unsent == 0 || r.Open != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// The messages of a schedule go to the sessions in turn.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var bytes []int64
		_, e := listen(t, "mem:TestTurns", func(c net.Conn) {
			n, _ := io.Copy(c, c)
			mu.Lock()
			defer mu.Unlock()
			bytes = append(bytes, n)
		})
		mustRun(t, context.Background(), Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 4, Rate: 1000, Time: time.Second, Warmup: -1})
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(bytes) != 4 || slices.Min(bytes) != 250*64 || slices.Max(bytes) != 250*64 {
			t.Errorf("bytes of each session: %v, want 4 times %d", bytes, 250*64)
		}
	})
}
