package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/endpoint"
)

// A fakeNet is a network of made answers: how long each address takes to connect,
// and with what error.
type fakeNet struct {
	hosts map[string][]string // addresses of names
	takes map[string]time.Duration
	fails map[string]error
	slow  time.Duration // of a lookup

	mu      sync.Mutex // guards what follows
	lookups int
	dialled []string
	open    int
}

func (f *fakeNet) looker(o Options) *looker {
	l := newLooker(o)
	l.names, l.dial = newNames(f), f.dial
	return l
}

func (f *fakeNet) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	f.mu.Lock()
	f.lookups++
	f.mu.Unlock()
	if err := sleepUntil(ctx, time.Now().Add(f.slow)); err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, text := range f.hosts[host] {
		if a := netip.MustParseAddr(text); network == "ip" || a.Is4() == (network == "ip4") {
			addrs = append(addrs, a)
		}
	}
	if addrs == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

func (f *fakeNet) LookupPort(context.Context, string, string) (int, error) {
	return 0, errors.New("no ports by name here")
}

// dial takes its time and then fails, or gives a connection; an address without
// an entry never answers.
func (f *fakeNet) dial(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	f.mu.Lock()
	f.dialled = append(f.dialled, e.Host)
	f.mu.Unlock()
	d, ok := f.takes[e.Host]
	if !ok {
		d = time.Hour
	}
	if err := sleepUntil(ctx, time.Now().Add(d)); err != nil {
		return nil, opError("dial", e, err)
	}
	if err := f.fails[e.Host]; err != nil {
		return nil, opError("dial", e, err)
	}
	f.mu.Lock()
	f.open++
	f.mu.Unlock()
	c, far := net.Pipe()
	far.Close()
	return &fakeConn{Conn: c, net: f, to: fakeAddr(e.Address())}, nil
}

type fakeAddr string

func (a fakeAddr) Network() string { return "fake" }
func (a fakeAddr) String() string  { return string(a) }

// fakeConn counts itself.
type fakeConn struct {
	net.Conn
	net  *fakeNet
	to   fakeAddr
	once sync.Once
}

func (c *fakeConn) RemoteAddr() net.Addr { return c.to }

func (c *fakeConn) Close() error {
	c.once.Do(func() {
		c.net.mu.Lock()
		c.net.open--
		c.net.mu.Unlock()
	})
	return c.Conn.Close()
}

// lookAt is what l finds at text, which names one target.
func lookAt(t testing.TB, ctx context.Context, l *looker, text string) Result {
	t.Helper()
	for one := range mustParse(t, text)[0].All() {
		return l.look(ctx, one)
	}
	t.Fatalf("%q names nothing", text)
	return Result{}
}

// What no test can make without privileges is made by the fake: silence, and the
// errors of routers.
func TestStatesOfErrors(t *testing.T) {
	for _, tt := range []struct {
		err   error // nil is silence
		state State
		errno bool
	}{
		{syscall.ECONNREFUSED, Refused, true},
		{syscall.EHOSTUNREACH, Unreachable, true},
		{syscall.ENETUNREACH, Unreachable, true},
		{syscall.ETIMEDOUT, TimedOut, true},
		{syscall.EACCES, Failed, true},
		{errors.New("something else"), Failed, false},
		{nil, TimedOut, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeNet{takes: map[string]time.Duration{"192.0.2.1": 30 * time.Millisecond}, fails: map[string]error{"192.0.2.1": tt.err}}
			took := 30 * time.Millisecond
			if tt.err == nil {
				f.takes, took = nil, 3*time.Second
			}
			for _, scheme := range []string{"tcp", "ws"} {
				r := lookAt(t, t.Context(), f.looker(Options{Timeout: 3 * time.Second}), scheme+"://192.0.2.1:80")
				if r.State != tt.state || r.Up || r.Err == nil || (r.Errno != "") != tt.errno || (r.Number != 0) != tt.errno {
					t.Errorf("%s, %v: %s %s %d, %v; want %s", scheme, tt.err, r.State, r.Errno, r.Number, r.Err, tt.state)
				}
				if r.Time != took || r.Address != "192.0.2.1:80" {
					t.Errorf("%s, %v: at %s in %v, want %v", scheme, tt.err, r.Address, r.Time, took)
				}
			}
		})
	}
}

// The time is that of connecting alone, and a host is looked up once for all its
// ports.
func TestLookupOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNet{
			hosts: map[string][]string{"h": {"192.0.2.1"}},
			takes: map[string]time.Duration{"192.0.2.1": 20 * time.Millisecond},
			slow:  time.Second,
		}
		l := f.looker(Options{Banner: -1})
		var found []Result
		testRunner(mustParse(t, "tcp://h:1-30"), 0, 100, l.look, &found).round(t.Context(), 0)
		if f.lookups != 1 || len(found) != 30 || f.open != 0 {
			t.Errorf("%d lookups for %d targets, %d connections left", f.lookups, len(found), f.open)
		}
		for _, r := range found {
			if r.State != Open || !r.Up || r.Time != 20*time.Millisecond || !strings.HasPrefix(r.Address, "192.0.2.1:") {
				t.Errorf("%v: %s at %s in %v", r.Target, r.State, r.Address, r.Time)
			}
		}
	})
}

func TestNoName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNet{}
		for _, text := range []string{"tcp://h:1", "udp://h:1", "ws://h"} {
			r := lookAt(t, t.Context(), f.looker(Options{}), text)
			if r.State != Failed || r.Up || r.Address != "" || !strings.Contains(fmt.Sprint(r.Err), "no such host") {
				t.Errorf("%s: %s at %q, %v", text, r.State, r.Address, r.Err)
			}
		}
		f.slow = time.Hour
		if r := lookAt(t, t.Context(), f.looker(Options{}), "tcp://h:1"); r.State != Failed {
			t.Errorf("a lookup without end: %s, %v", r.State, r.Err)
		}
	})
}

// Addresses race: the families take turns, the next begins after a delay or a
// failure, and who wins is told.
func TestRace(t *testing.T) {
	const ms = time.Millisecond
	both := []string{"2001:db8::1", "2001:db8::2", "192.0.2.1"}
	for _, tt := range []struct {
		name    string
		text    string
		takes   map[string]time.Duration
		fails   map[string]error
		state   State
		address string
		took    time.Duration // of the winner
		dialled string
	}{
		{"the first is silent", "tcp://h:1", map[string]time.Duration{"192.0.2.1": 20 * ms}, nil,
			Open, "192.0.2.1:1", 20 * ms, "2001:db8::1 192.0.2.1"},
		{"the first is slow and wins", "tcp://h:1", map[string]time.Duration{"2001:db8::1": 260 * ms, "192.0.2.1": 20 * ms}, nil,
			Open, "[2001:db8::1]:1", 260 * ms, "2001:db8::1 192.0.2.1"},
		{"the first fails", "tcp://h:1", map[string]time.Duration{"2001:db8::1": 0, "192.0.2.1": 7 * ms}, map[string]error{"2001:db8::1": syscall.ENETUNREACH},
			Open, "192.0.2.1:1", 7 * ms, "2001:db8::1 192.0.2.1"},
		{"one refuses, others are silent", "tcp://h:1", map[string]time.Duration{"192.0.2.1": 9 * ms}, map[string]error{"192.0.2.1": syscall.ECONNREFUSED},
			Refused, "192.0.2.1:1", 9 * ms, "2001:db8::1 192.0.2.1 2001:db8::2"},
		{"of one family", "tcp4://h:1", nil, nil, TimedOut, "192.0.2.1:1", 2 * time.Second, "192.0.2.1"},
		{"of the source's family", "tcp://h:1?source=127.0.0.1", nil, nil, TimedOut, "192.0.2.1:1", 2 * time.Second, "192.0.2.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeNet{hosts: map[string][]string{"h": both}, takes: tt.takes, fails: tt.fails}
				r := lookAt(t, t.Context(), f.looker(Options{Banner: -1}), tt.text)
				if r.State != tt.state || r.Address != tt.address || r.Time != tt.took {
					t.Errorf("%s at %s in %v (%v), want %s at %s in %v", r.State, r.Address, r.Time, r.Err, tt.state, tt.address, tt.took)
				}
				if got := strings.Join(f.dialled, " "); got != tt.dialled || f.open != 0 {
					t.Errorf("dialled %s, %d left open; want %s", got, f.open, tt.dialled)
				}
			})
		})
	}
}

func TestRaceErrorNamesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNet{
			hosts: map[string][]string{"h": {"192.0.2.1", "192.0.2.2"}},
			takes: map[string]time.Duration{"192.0.2.1": 0, "192.0.2.2": 0},
			fails: map[string]error{"192.0.2.1": syscall.EHOSTUNREACH, "192.0.2.2": syscall.ECONNREFUSED},
		}
		r := lookAt(t, t.Context(), f.looker(Options{}), "tcp://h:1")
		want := "dial tcp://h:1: 192.0.2.1:1: " + syscall.EHOSTUNREACH.Error() + "; 192.0.2.2:1: " + syscall.ECONNREFUSED.Error()
		if r.Err.Error() != want || r.State != Refused || !errors.Is(r.Err, syscall.ECONNREFUSED) || r.Number != int(syscall.ECONNREFUSED) {
			t.Errorf("%s %d, %v; want %s", r.State, r.Number, r.Err, want)
		}
	})
}

// Both win in the same moment: one of them is closed.
func TestRaceClosesTheLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNet{
			hosts: map[string][]string{"h": {"192.0.2.1", "192.0.2.2"}},
			takes: map[string]time.Duration{"192.0.2.1": attemptDelay + time.Second, "192.0.2.2": time.Second},
		}
		for range 20 {
			r := lookAt(t, t.Context(), f.looker(Options{Banner: -1}), "tcp://h:1")
			if r.State != Open || f.open != 0 {
				t.Fatalf("%s, %d connections left", r.State, f.open)
			}
		}
	})
}

// Datagrams go to the first IPv4 address to which there is a way.
func TestDatagramAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNet{
			hosts: map[string][]string{"h": {"2001:db8::1", "192.0.2.1", "192.0.2.2"}},
			takes: map[string]time.Duration{"192.0.2.1": 0, "192.0.2.2": 0},
			fails: map[string]error{"192.0.2.1": syscall.ENETUNREACH, "192.0.2.2": syscall.EHOSTUNREACH},
		}
		r := lookAt(t, t.Context(), f.looker(Options{}), "udp4://h:1")
		if got := strings.Join(f.dialled, " "); got != "192.0.2.1 192.0.2.2" || r.State != Unreachable || r.Address != "192.0.2.1:1" || strings.Contains(r.Err.Error(), "\n") {
			t.Errorf("dialled %s, %s at %s: %v", got, r.State, r.Address, r.Err)
		}
		f.dialled = nil
		delete(f.fails, "192.0.2.1")
		if r := lookAt(t, t.Context(), f.looker(Options{}), "udp://h:1"); r.Address != "192.0.2.1:1" || len(f.dialled) != 1 {
			t.Errorf("dialled %s, %s at %s: %v", f.dialled, r.State, r.Address, r.Err)
		}
	})
}

// The families of a name are looked up apart.
func TestFamiliesOfAName(t *testing.T) {
	f := &fakeNet{hosts: map[string][]string{"h": {"192.0.2.1", "2001:db8::1"}}, takes: map[string]time.Duration{"192.0.2.1": 0, "2001:db8::1": 0}}
	l := f.looker(Options{Banner: -1})
	for text, want := range map[string]string{"tcp4://h:1": "192.0.2.1:1", "tcp6://h:1": "[2001:db8::1]:1"} {
		if r := lookAt(t, t.Context(), l, text); r.State != Open || r.Address != want {
			t.Errorf("%s: %s at %s, want %s: %v", text, r.State, r.Address, want, r.Err)
		}
	}
}
