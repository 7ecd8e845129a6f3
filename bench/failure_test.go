package bench

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// lonely is an endpoint where nobody listens.
func lonely(t testing.TB) endpoint.Endpoint {
	t.Helper()
	e := endpoint.MustParse("tcp://127.0.0.1:0")
	ln, err := transport.Listen(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return e.WithAddr(ln.Addr())
}

func TestNobodyListens(t *testing.T) {
	r := mustRun(t, awhile(t), Load{Endpoint: lonely(t), Exchange: echoing(t, 64), Sessions: 3})
	wantErrors(t, r, "refused")
	if r.Failed != 3 || r.Opened != 0 || r.Interrupted || !strings.Contains(r.Failure, "refused") {
		t.Errorf("%+v", r)
	}
	if r.Elapsed > time.Second {
		t.Errorf("measured for %v", r.Elapsed)
	}
}

// A connected UDP socket hears that nobody listens.
func TestNobodyListensOnUDP(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint.MustParse("udp://127.0.0.1:0").WithAddr(pc.LocalAddr())
	pc.Close()
	r := mustRun(t, awhile(t), Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 3})
	wantErrors(t, r, "refused")
	if r.Failed != 3 || r.Open != 0 || !strings.Contains(r.Failure, "refused") {
		t.Errorf("%+v", r)
	}
}

// With Retry a target that is not there is waited for.
func TestNobodyListensWithRetry(t *testing.T) {
	l := Load{Endpoint: lonely(t), Exchange: echoing(t, 64), Sessions: 3, Retry: true, Time: 300 * time.Millisecond, Warmup: -1}
	r := mustRun(t, awhile(t), l)
	wantErrors(t, r, "refused")
	if r.Failed < 6 || r.Opened != 0 || r.Failure != "" || r.Elapsed != l.Time {
		t.Errorf("%+v", r)
	}
}

// A server that ends ends the run.
func TestServerDies(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0/", "mem:TestServerDies"} {
		scheme, _, _ := strings.Cut(at, ":")
		t.Run(scheme, func(t *testing.T) {
			var s parley.Server
			s.Framing = parley.Fixed(64)
			l := Load{Endpoint: serveEcho(t, &s, at), Exchange: echoing(t, 64), Sessions: 4, Warmup: -1, Time: time.Hour, Timeout: time.Second}
			time.AfterFunc(200*time.Millisecond, func() { s.Close() })
			r := mustRun(t, awhile(t), l)
			if r.Failed != 4 || r.Open != 0 || r.Interrupted || r.Failure == "" || len(r.Errors) == 0 {
				t.Errorf("%+v", r)
			}
			if r.Sent == 0 || r.Elapsed < 100*time.Millisecond || r.Elapsed > patience {
				t.Errorf("sent %d in %v", r.Sent, r.Elapsed)
			}
		})
	}
}

// With Retry its sessions are opened again when it is back.
func TestServerDiesAndComesBack(t *testing.T) {
	for _, scheme := range []string{"tcp", "udp", "tls"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			first := new(parley.Server)
			first.Framing = parley.Fixed(64)
			e := serveEcho(t, first, scheme+"://127.0.0.1:0")
			second := new(parley.Server)
			second.Framing = parley.Fixed(64)
			step := 0
			l := Load{
				Endpoint: e.Without("pin").With("insecure", ""), Exchange: echoing(t, 64), Sessions: 4, Warmup: -1, Time: 3500 * time.Millisecond,
				Retry: true, Timeout: 300 * time.Millisecond,
				Progress: func(Interval) {
					switch step++; step {
					case 1:
						first.Close()
					case 2:
						serveEcho(t, second, e.Bare().String())
					}
				},
			}
			if scheme != "tls" {
				l.Endpoint = e
			}
			r := mustRun(t, awhile(t), l)
			if r.Failure != "" || r.Interrupted || r.Elapsed != l.Time {
				t.Errorf("%+v", r)
			}
			if r.Open != 4 || r.Opened != 4 || r.Reopened < 4 || r.Failed < 4 {
				t.Errorf("%d opened, %d failed, %d opened again, %d open at the end: want 4, 4 or more, 4 or more, 4", r.Opened, r.Failed, r.Reopened, r.Open)
			}
			if n := second.Stats()[0].MessagesIn; n == 0 {
				t.Error("nothing was sent to the server that came back")
			}
		})
	}
}

// A target that does not come back ends the run even with Retry.
func TestServerVanishesWithRetry(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	t.Parallel()
	var s parley.Server
	l := Load{
		Endpoint: serveEcho(t, &s, "tcp://127.0.0.1:0"), Exchange: echoing(t, 64), Sessions: 4, Warmup: -1, Time: time.Hour,
		Retry: true, Timeout: time.Second,
	}
	time.AfterFunc(200*time.Millisecond, func() { s.Close() })
	r := mustRun(t, awhile(t), l)
	if !strings.Contains(r.Failure, "for 5s") || r.Interrupted || r.Open != 0 || r.Errors["refused"] == 0 {
		t.Errorf("%+v", r)
	}
	if r.Elapsed < 5*time.Second || r.Elapsed > 8*time.Second {
		t.Errorf("ended after %v, want 5s after the server did", r.Elapsed)
	}
}

// misserved is a run over TCP against a server that does something wrong.
func misserved(t *testing.T, l Load, serve func(net.Conn)) *Report {
	t.Helper()
	_, e := listen(t, "tcp://127.0.0.1:0", serve)
	l.Endpoint = e
	if l.Exchange == nil {
		l.Exchange = echoing(t, 64)
	}
	if l.Time == 0 {
		l.Time = time.Hour
	}
	l.Warmup = -1
	return mustRun(t, awhile(t), l)
}

func TestWrongAnswers(t *testing.T) {
	r := misserved(t, Load{Sessions: 2}, func(c net.Conn) {
		echoes(c, 10, 64)
		buf := make([]byte, 64)
		io.ReadFull(c, buf)
		buf[63]++
		c.Write(buf)
		io.Copy(io.Discard, c)
	})
	wantErrors(t, r, "wrong answer")
	if r.Errors["wrong answer"] != 2 || r.Answered != 20 || r.Failed != 2 || !strings.Contains(r.Failure, "wrong answer") {
		t.Errorf("%+v", r)
	}
}

// Sessions that fail leave the others to themselves.
func TestOneWrongAnswer(t *testing.T) {
	var wrong atomic.Bool
	r := misserved(t, Load{Sessions: 3, Time: 200 * time.Millisecond}, func(c net.Conn) {
		if wrong.CompareAndSwap(false, true) {
			c.Write([]byte("unasked"))
		}
		echoBytes(c)
	})
	wantErrors(t, r, "wrong answer")
	if r.Failed != 1 || r.Open != 2 || r.Opened != 3 || r.Failure != "" || r.Elapsed != 200*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

func TestSilentServer(t *testing.T) {
	r := misserved(t, Load{Sessions: 2, Depth: 3, Timeout: 100 * time.Millisecond}, silent)
	wantErrors(t, r, "unanswered")
	if r.Errors["unanswered"] != 2 || r.Unanswered != 6 || r.Answered != 0 || r.Failure == "" {
		t.Errorf("%+v", r)
	}
}

// A server that does not read either blocks our writes.
func TestServerThatDoesNotRead(t *testing.T) {
	for _, scheme := range []string{"tcp", "mem"} {
		t.Run(scheme, func(t *testing.T) {
			at := map[string]string{"tcp": "tcp://127.0.0.1:0", "mem": "mem:" + t.Name()}[scheme]
			hold := make(chan struct{})
			_, e := listen(t, at, func(net.Conn) { <-hold })
			t.Cleanup(func() { close(hold) }) // before the peer is closed
			r := mustRun(t, awhile(t), Load{
				Endpoint: e, Exchange: echoing(t, 1<<20), Depth: 64, Warmup: -1, Time: time.Hour, Timeout: 200 * time.Millisecond,
			})
			wantErrors(t, r, "unanswered")
			if r.Failed != 1 || r.Failure == "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestServerThatResets(t *testing.T) {
	r := misserved(t, Load{Sessions: 2}, func(c net.Conn) {
		echoes(c, 10, 64)
		reset(c)
	})
	wantErrors(t, r, "reset")
	if r.Failed != 2 || r.Answered != 20 || !strings.Contains(r.Failure, "reset") {
		t.Errorf("%+v", r)
	}
}

func TestServerThatCloses(t *testing.T) {
	r := misserved(t, Load{Sessions: 2}, func(c net.Conn) {
		echoes(c, 10, 64)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	wantErrors(t, r, "closed")
	if r.Failed != 2 || r.Answered != 20 || r.Failure == "" {
		t.Errorf("%+v", r)
	}
}

// With Retry each session is opened again, and what it says begins anew.
func TestServerThatClosesWithRetry(t *testing.T) {
	r := misserved(t, Load{Sessions: 2, Retry: true, Time: 500 * time.Millisecond}, func(c net.Conn) {
		echoes(c, 10, 64)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	wantErrors(t, r, "closed")
	if r.Reopened < 4 || r.Opened != 2 || r.Failure != "" || r.Answered < 40 || r.Answered%10 != 0 {
		t.Errorf("%+v", r)
	}
}

// Over the backlog of the listener nothing is accepted: the sessions are open as far
// as the system knows, and nobody answers.
func TestServerThatNeverAccepts(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	e := endpoint.MustParse("tcp://127.0.0.1:0").WithAddr(ln.Addr())
	r := mustRun(t, awhile(t), Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 2, Timeout: 200 * time.Millisecond, Warmup: -1})
	wantErrors(t, r, "unanswered")
	if r.Failed != 2 || r.Failure == "" {
		t.Errorf("%+v", r)
	}
}

// A handshake that is never answered ends by the timeout.
func TestSilentHandshake(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", silent)
	e.Scheme = "tls"
	r := mustRun(t, awhile(t), Load{Endpoint: e, Exchange: echoing(t, 64), Sessions: 2, Timeout: 100 * time.Millisecond})
	wantErrors(t, r, "timed out")
	if r.Failed != 2 || r.Opened != 0 || r.Failure == "" {
		t.Errorf("%+v", r)
	}
}

// More sessions than the server takes: those that it takes are measured.
func TestMoreSessionsThanTheServerTakes(t *testing.T) {
	var s parley.Server
	s.Limits.Sessions = 3
	l := Load{Endpoint: serveEcho(t, &s, "tcp://127.0.0.1:0"), Exchange: echoing(t, 64), Sessions: 8, Time: 300 * time.Millisecond, Warmup: -1}
	r := mustRun(t, awhile(t), l)
	if r.Opened != 8 || r.Failed != 5 || r.Open != 3 || r.Failure != "" || r.Answered == 0 {
		t.Errorf("%+v", r)
	}
	if n := r.Errors["reset"] + r.Errors["closed"]; n != 5 {
		t.Errorf("%v, want 5 sessions reset or closed", r.Errors)
	}
	if got := s.Stats()[0].MessagesIn; got < r.Sent-5 || got > r.Sent+3 {
		t.Errorf("sent %d, the server received %d", r.Sent, got)
	}
}

// Datagrams that get no answer are lost, and the run goes on.
func TestSilentDatagrams(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	e := endpoint.MustParse("udp://127.0.0.1:0").WithAddr(pc.LocalAddr())
	r := mustRun(t, awhile(t), Load{Endpoint: e, Exchange: echoing(t, 64), Time: 500 * time.Millisecond, Timeout: 50 * time.Millisecond, Warmup: -1})
	wantErrors(t, r)
	if r.Sent < 3 || r.Datagrams.Lost != r.Sent || r.Failure != "" || r.Open != 1 {
		t.Errorf("%+v %+v", r, r.Datagrams)
	}
}

// What a bad network does to datagrams is told apart. The relay loses every 10th,
// doubles every 7th and turns every 5th and 6th around.
func TestBadNetwork(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan [3]int64)
	go func() { done <- badEcho(pc) }()
	e := endpoint.MustParse("udp://127.0.0.1:0").WithAddr(pc.LocalAddr())
	r := mustRun(t, awhile(t), Load{
		Endpoint: e, Exchange: echoing(t, 64), Rate: 1000, Time: 500 * time.Millisecond, Timeout: 300 * time.Millisecond, Warmup: -1,
	})
	pc.Close()
	did := <-done
	wantErrors(t, r)
	d := *r.Datagrams
	// What this machine was slow to send may have come back when nothing was counted any more.
	near := func(got, want int64) bool { return got <= want && got >= want-10 }
	if !near(d.Lost, did[0]) || !near(d.Duplicated, did[1]) || !near(d.Reordered, did[2]) || d.Late+d.Stray+d.RefusedHere != 0 {
		t.Errorf("%+v, want %d lost, %d doubled, %d turned around", d, did[0], did[1], did[2])
	}
	if n := r.Latency.TotalCount(); n+d.Lost+r.Unanswered != 500 {
		t.Errorf("%d answered, %d lost and %d unanswered, want 500 together", n, d.Lost, r.Unanswered)
	}
}

// badEcho is an echo behind a bad network. It returns what that did.
func badEcho(pc net.PacketConn) (did [3]int64) {
	var held []byte
	buf := make([]byte, 2048)
	for k := 0; ; k++ {
		n, from, err := pc.ReadFrom(buf)
		if err != nil {
			return did
		}
		switch k % 10 {
		case 0:
			did[0]++
		case 3:
			pc.WriteTo(buf[:n], from)
			pc.WriteTo(buf[:n], from)
			did[1]++
		case 5:
			held = append(held[:0], buf[:n]...)
		case 6:
			pc.WriteTo(buf[:n], from)
			pc.WriteTo(held, from)
			did[2]++
		default:
			pc.WriteTo(buf[:n], from)
		}
	}
}
