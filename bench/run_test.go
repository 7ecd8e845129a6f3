package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/service"
)

// What a run counts is what the server counts.
func TestAgreesWithTheServer(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []string{
		"tcp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0/", "wss://127.0.0.1:0/",
		"udp://127.0.0.1:0", "unix:" + dir + "/s", "unixgram:" + dir + "/g", "unixpacket:" + dir + "/p", "mem:TestAgrees",
	} {
		for _, rate := range []float64{0, 2000} {
			scheme, _, _ := strings.Cut(at, ":")
			t.Run(fmt.Sprintf("%s/rate=%v", scheme, rate), func(t *testing.T) {
				const sessions, depth, size = 3, 2, 100
				var s parley.Server
				s.Framing = parley.Fixed(size)
				l := Load{
					Endpoint: serveEcho(t, &s, at), Exchange: echoing(t, size), Sessions: sessions, Depth: depth, Rate: rate,
					Time: 200 * time.Millisecond, Warmup: -1,
				}
				r := mustRun(t, awhile(t), l)
				st := s.Stats()[0]
				wantErrors(t, r)
				if r.Failure != "" || r.Interrupted || r.Opened != sessions || r.Open != sessions || r.Failed != 0 {
					t.Errorf("%+v", r)
				}
				if r.Sent == 0 || rate > 0 && r.Latency.TotalCount() != 400 {
					t.Errorf("%d messages sent, want %v a second", r.Sent, rate)
				}
				// What went and came after the time is not counted here: the last messages of
				// each session, and of a schedule what a busy machine sent late, which the
				// latencies below have.
				late := int64(sessions * depth)
				if rate > 0 {
					late = 200
				}
				if d := st.MessagesIn - r.Sent; d < 0 || d > late {
					t.Errorf("%d messages sent, the server received %d", r.Sent, st.MessagesIn)
				}
				if d := st.MessagesOut - r.Answered; d < 0 || d > late {
					t.Errorf("%d messages answered, the server sent %d", r.Answered, st.MessagesOut)
				}
				if r.BytesOut != r.Sent*size || r.BytesIn != r.Answered*size {
					t.Errorf("%d bytes out and %d in for %d messages sent and %d answered", r.BytesOut, r.BytesIn, r.Sent, r.Answered)
				}
				if got := r.Latency.TotalCount(); got != st.MessagesOut {
					t.Errorf("%d latencies of %d answers", got, st.MessagesOut)
				}
				if r.Elapsed != l.Time {
					t.Errorf("measured for %v, want %v", r.Elapsed, l.Time)
				}
				if lossy := l.lossy(); (r.Datagrams != nil) != lossy {
					t.Errorf("Datagrams %+v", r.Datagrams)
				} else if lossy && *r.Datagrams != (Datagrams{DroppedHere: r.Datagrams.DroppedHere}) {
					t.Errorf("Datagrams %+v, want no losses", r.Datagrams)
				}
			})
		}
	}
}

// The warm-up is not in what was measured, and is shown as it passes.
func TestWarmupIsNotMeasured(t *testing.T) {
	s := parley.Server{Framing: parley.Fixed(64)}
	var warm, measured []Interval
	l := Load{
		Endpoint: serveEcho(t, &s, "tcp://127.0.0.1:0"), Exchange: echoing(t, 64), Rate: 1000,
		Time: 200 * time.Millisecond, Warmup: 1100 * time.Millisecond,
		Progress: func(i Interval) {
			if i.At <= 0 {
				warm = append(warm, i)
			} else {
				measured = append(measured, i)
			}
		},
	}
	r := mustRun(t, awhile(t), l)
	if r.Latency.TotalCount() != 200 || s.Stats()[0].MessagesIn != 1300 {
		t.Errorf("%d messages of the %d that the server received, want 200 of 1300", r.Sent, s.Stats()[0].MessagesIn)
	}
	if len(warm) != 1 || warm[0].Sent != 0 || warm[0].Open != 1 {
		t.Errorf("in the warm-up: %+v", warm)
	}
	if len(measured) != 1 || measured[0] != r.Intervals[0] || measured[0].At != l.Time {
		t.Errorf("then: %+v, want %+v", measured, r.Intervals)
	}
}

// A default is what the Load says it is.
func TestDefaults(t *testing.T) {
	local := Load{Sessions: 8}.filled()
	if local.Time != 10*time.Second || local.Warmup != time.Second || local.Depth != 1 || local.Workers != 1 {
		t.Errorf("%+v", local)
	}
	if l := (Load{Time: time.Second}).filled(); l.Warmup != 100*time.Millisecond || l.Sessions != 1 {
		t.Errorf("%+v", l)
	}
	if l := (Load{Time: time.Second, Warmup: -1}).filled(); l.Warmup != 0 {
		t.Errorf("warm-up %v, want none", l.Warmup)
	}
	if l := (Load{Mode: Holds}).filled(); l.Time != 0 {
		t.Errorf("holds for %v, want until ctx ends", l.Time)
	}
}

// Several workers share the schedule and the sessions.
func TestWorkers(t *testing.T) {
	s := parley.Server{Framing: parley.Fixed(64)}
	l := Load{
		Endpoint: serveEcho(t, &s, "tcp://127.0.0.1:0"), Exchange: echoing(t, 64), Sessions: 5, Workers: 3, Rate: 3000,
		Time: 200 * time.Millisecond, Warmup: -1,
	}
	r := mustRun(t, awhile(t), l)
	if r.Workers != 3 || r.Latency.TotalCount() != 600 || r.Opened != 5 || s.Stats()[0].MessagesIn != 600 {
		t.Errorf("%d workers sent %d messages on %d sessions, want 3, 600, 5", r.Workers, r.Sent, r.Opened)
	}
}

// ctx ends a run in whatever phase it is, and the report says what was measured.
func TestInterrupted(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(awhile(t))
		cancel()
		r := mustRun(t, ctx, Load{Endpoint: lonely(t), Exchange: echoing(t, 64)})
		wantErrors(t, r)
		if !r.Interrupted || r.Opened != 0 || r.Elapsed != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("opening", func(t *testing.T) {
		ctx, cancel := context.WithCancel(awhile(t))
		defer cancel()
		// The handshake of the second session is never answered.
		p, e := listen(t, "tcp://127.0.0.1:0", silent)
		time.AfterFunc(50*time.Millisecond, cancel)
		e.Scheme = "tls"
		r := mustRun(t, ctx, Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 200})
		wantErrors(t, r)
		if !r.Interrupted || r.Opened != 0 || r.Elapsed != 0 || r.Sent != 0 || p.sessions() > atATime {
			t.Errorf("%d sessions: %+v", p.sessions(), r)
		}
	})
	for _, at := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0", "ws://127.0.0.1:0/"} {
		scheme, _, _ := strings.Cut(at, ":")
		t.Run("warmup/"+scheme, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(awhile(t))
			defer cancel()
			var s parley.Server
			l := Load{
				Endpoint: serveEcho(t, &s, at), Exchange: echoing(t, 64), Warmup: time.Hour, Time: time.Hour,
				Progress: func(Interval) { cancel() },
			}
			r := mustRun(t, ctx, l)
			wantErrors(t, r)
			if !r.Interrupted || r.Elapsed != 0 || r.Sent != 0 || s.Stats()[0].MessagesIn == 0 {
				t.Errorf("%+v", r)
			}
		})
		t.Run("measuring/"+scheme, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(awhile(t))
			defer cancel()
			var s parley.Server
			l := Load{
				Endpoint: serveEcho(t, &s, at), Exchange: echoing(t, 64), Warmup: -1, Time: time.Hour,
				Progress: func(Interval) { cancel() },
			}
			r := mustRun(t, ctx, l)
			wantErrors(t, r)
			if !r.Interrupted || r.Elapsed < interval || r.Elapsed > patience || r.Sent == 0 || r.Open != 1 || len(r.Intervals) < 1 {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("draining", func(t *testing.T) {
		ctx, cancel := context.WithCancel(awhile(t))
		defer cancel()
		_, e := listen(t, "tcp://127.0.0.1:0", silent)
		time.AfterFunc(150*time.Millisecond, cancel)
		l := Load{Endpoint: e, Exchange: echoing(t, 64), Warmup: -1, Time: 50 * time.Millisecond, Timeout: time.Minute}
		r := mustRun(t, ctx, l)
		wantErrors(t, r)
		if !r.Interrupted || r.Elapsed != l.Time || r.Sent != 1 || r.Unanswered != 1 || r.Open != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// A run leaves no descriptor behind, however it ends.
func TestNoDescriptorIsLeft(t *testing.T) {
	if _, _, ok := descriptors(); !ok {
		t.Skip("the system does not tell how many descriptors are in use")
	}
	leave := func(at string, l Load) {
		t.Helper()
		_, before, _ := descriptors()
		func() {
			var s parley.Server
			s.Limits.Sessions = 5
			served := make(chan error, 1)
			if err := s.Listen(context.Background(), service.Echo{}, at); err != nil {
				t.Fatal(err)
			}
			go func() { served <- s.Serve() }()
			l.Endpoint, l.Sessions, l.Warmup = s.Endpoints()[0].Bare().With("insecure", ""), 8, -1
			if !strings.HasPrefix(at, "tls") {
				l.Endpoint = l.Endpoint.Without("insecure")
			}
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			mustRun(t, ctx, l)
			s.Close()
			<-served
		}()
		_, after, _ := descriptors()
		if after > before {
			t.Errorf("%s, %v: %d descriptors more than before", at, l.Mode, after-before)
		}
	}
	x := echoing(t, 64)
	mustRun(t, awhile(t), Load{Endpoint: lonely(t), Exchange: x}) // opens what the runtime keeps
	for _, at := range []string{"tcp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0/", "udp://127.0.0.1:0", "unix:" + t.TempDir() + "/s"} {
		for _, l := range []Load{
			{Exchange: x, Time: 100 * time.Millisecond},
			{Exchange: x, Time: 100 * time.Millisecond, Retry: true},
			{Exchange: x, Time: time.Hour, Retry: true},
			{Mode: Connects, Time: 100 * time.Millisecond},
			{Mode: Connects, Exchange: x, Time: time.Hour},
			{Mode: Holds, Exchange: x, Time: 100 * time.Millisecond},
			{Mode: Holds, Time: time.Hour, Retry: true},
		} {
			leave(at, l)
		}
	}
}
