package probe

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
)

func lookPing(ctx context.Context, scheme, host string, o Options) Result {
	return newLooker(o).look(ctx, Target{Endpoint: endpoint.Endpoint{Scheme: scheme, Host: host}})
}

// TestPingLoopback pings this machine, where this process may.
func TestPingLoopback(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		r := lookPing(t.Context(), "icmp", host, Options{Count: 3, Interval: time.Millisecond})
		if errors.Is(r.Err, os.ErrPermission) {
			t.Skip(r.Err)
		}
		if errors.Is(r.Err, syscall.EADDRNOTAVAIL) || errors.Is(r.Err, syscall.EAFNOSUPPORT) {
			continue // no IPv6 here
		}
		if !r.Up || r.State != Answered || r.Ping == nil || r.Ping.Received != 3 || r.Ping.TTL == 0 || r.Time <= 0 || r.Time > time.Second || r.Ping.From.String() != r.Address {
			t.Errorf("%s: %+v, ping %+v", host, r, r.Ping)
		}
	}
}

// TestPingBesidePing compares our times with those of ping(8).
func TestPingBesidePing(t *testing.T) {
	program, err := exec.LookPath("ping")
	if err != nil {
		t.Skip("no ping to compare with: ", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "-c", "10", "-i", "0.02", "127.0.0.1").CombinedOutput()
	if err != nil {
		t.Skipf("ping: %v: %s", err, out)
	}
	r := lookPing(ctx, "icmp4", "127.0.0.1", Options{Count: 10, Interval: 20 * time.Millisecond})
	if errors.Is(r.Err, os.ErrPermission) {
		t.Skip(r.Err)
	}
	fields := regexp.MustCompile(`ttl=(\d+)[^$]* = ([0-9.]+)/([0-9.]+)/[0-9.]+(?:/[0-9.]+)? ms`).FindStringSubmatch(string(out))
	if fields == nil {
		t.Skipf("ping says something else: %s", out)
	}
	ttl, _ := strconv.Atoi(fields[1])
	low, _ := strconv.ParseFloat(fields[2], 64)
	mean, _ := strconv.ParseFloat(fields[3], 64)
	t.Logf("ours: min %v mean %v by a %s socket; ping's: min %v ms mean %v ms", r.Ping.Min, r.Ping.Mean, r.Ping.Method, low, mean)
	if r.Ping.Received != 10 || r.Ping.TTL != ttl {
		t.Errorf("%+v; ping(8): %s", r.Ping, out)
	}
	if apart := r.Ping.Min - time.Duration(low*float64(time.Millisecond)); apart.Abs() > time.Millisecond {
		t.Errorf("the shortest round trip is %v, and ping(8) has %v ms", r.Ping.Min, low)
	}
}

func TestPingEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	r := lookPing(ctx, "icmp4", "127.0.0.1", Options{Count: 100, Interval: time.Minute})
	if errors.Is(r.Err, os.ErrPermission) {
		t.Skip(r.Err)
	}
	if took := time.Since(begun); took > patience || r.Ping.Sent != 1 || r.Ping.Received != 1 || !r.Up {
		t.Errorf("after %v: %+v", took, r.Ping)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if r := lookPing(ended, "icmp4", "127.0.0.1", Options{}); r.Up || r.Ping == nil || r.Ping.Sent != 0 || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("%+v", r)
	}
}

func TestPingOfNoInterface(t *testing.T) {
	if r := lookPing(t.Context(), "icmp6", "fe80::1%nosuch0", Options{}); r.State != Failed || !strings.Contains(r.Err.Error(), `no interface "nosuch0"`) {
		t.Errorf("%+v", r)
	}
}

// A scriptedPinger answers as it is told to.
type scriptedPinger struct {
	send1    func(n int, e echoRequest) error
	receive1 func() (arrival, error)
	n        int
}

func (s *scriptedPinger) send(e echoRequest) error { s.n++; return s.send1(s.n-1, e) }
func (s *scriptedPinger) method() string           { return "raw" }
func (s *scriptedPinger) close()                   {}
func (s *scriptedPinger) receive(time.Time) (arrival, error) {
	return s.receive1()
}

// What cannot be sent at first ends it; later it is lost, and the others go on.
func TestPingCannotSend(t *testing.T) {
	l := newLooker(Options{Count: 3, Interval: time.Nanosecond, Timeout: time.Second})
	for failing, want := range map[int]Ping{0: {Sent: 1}, 1: {Sent: 3, Received: 2}} {
		p := newPinging(pinged, time.Second)
		var queue []echoRequest
		s := &scriptedPinger{
			send1: func(n int, e echoRequest) error {
				if n == failing {
					return os.NewSyscallError("sendto", syscall.ENETUNREACH)
				}
				queue = append(queue, e)
				return nil
			},
			receive1: func() (arrival, error) {
				if len(queue) == 0 {
					return arrival{}, os.ErrDeadlineExceeded
				}
				e := queue[0]
				queue = queue[1:]
				return arrival{message: message{kind: echoReply, id: e.id, seq: e.seq, data: e.data}, from: pinged, ttl: 9, at: time.Now()}, nil
			},
		}
		err := l.pingAll(t.Context(), s, p)
		r := Result{}
		l.judgePing(&r, endpoint.Endpoint{Scheme: "icmp", Host: pinged.String()}, p, "raw", err)
		if r.Ping.Sent != want.Sent || r.Ping.Received != want.Received {
			t.Errorf("request %d fails: %+v", failing, r.Ping)
		}
		switch {
		case failing == 0 && (r.State != Unreachable || r.Errno != "ENETUNREACH"):
			t.Errorf("no way at all: %+v", r)
		case failing == 1 && (!r.Up || !strings.HasPrefix(r.Answer, "1 not answered: sendto: ")):
			t.Errorf("no way once: %+v", r)
		}
	}
}
