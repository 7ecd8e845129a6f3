package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeNet answers the lookups and dials of a race and keeps its diary. Used in
// a synctest bubble: times are exact.
type fakeNet struct {
	begun  time.Time
	v4, v6 fakeAnswer
	dials  map[string]fakeDial // by address

	events chan string // what happened when
	open   map[string]*fakeConn
}

type fakeAnswer struct {
	after time.Duration
	addrs string // with spaces
	err   error
}

type fakeDial struct {
	after time.Duration
	err   error // nil: connected
	deaf  bool  // connects even when the context has ended before
}

type fakeConn struct {
	net.Conn
	closed bool
}

func (c *fakeConn) Close() error {
	c.closed = true
	return nil
}

func (f *fakeNet) note(format string, args ...any) {
	f.events <- fmt.Sprintf("%v ", time.Since(f.begun)) + fmt.Sprintf(format, args...)
}

func (f *fakeNet) lookup(ctx context.Context, network, _ string) ([]netip.Addr, error) {
	f.note("ask %s", network)
	answer := f.v4
	if network == "ip6" {
		answer = f.v6
	}
	select {
	case <-time.After(answer.after):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var addrs []netip.Addr
	for word := range strings.FieldsSeq(answer.addrs) {
		addrs = append(addrs, netip.MustParseAddr(word))
	}
	return addrs, answer.err
}

func (f *fakeNet) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	f.note("dial %v", to.Addr())
	d := f.dials[to.Addr().String()]
	if d.deaf {
		time.Sleep(d.after)
	} else {
		select {
		case <-time.After(d.after):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return f.open[to.Addr().String()], nil
}

// connect runs a race and returns its result and the diary.
func (f *fakeNet) connect(ctx context.Context, fam families) (won string, diary []string, err error) {
	f.begun = time.Now()
	f.events = make(chan string, 100)
	f.open = make(map[string]*fakeConn)
	for addr := range f.dials {
		f.open[addr] = &fakeConn{}
	}
	h := happy{families: fam, port: 7, lookup: f.lookup, dial: f.dial}
	c, err := h.connect(ctx, "host.test")
	f.note("end")
	close(f.events)
	for e := range f.events {
		diary = append(diary, e)
	}
	for addr, open := range f.open {
		if c == net.Conn(open) {
			won = addr
		}
	}
	return won, diary, err
}

const hour = time.Hour // longer than any race here

var (
	both    = families{v4: true, v6: true}
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	missing = &net.DNSError{Err: "no such host", Name: "host.test", IsNotFound: true}
	broken  = &net.DNSError{Err: "server misbehaving", Name: "host.test", Server: "192.0.2.53:53"}
)

func TestHappyOrder(t *testing.T) {
	const a4, b4, a6, b6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
	tests := []struct {
		name   string
		net    fakeNet
		fam    families
		won    string
		diary  []string // without the two questions
		errors string
	}{{
		name: "AAAA and A at once: IPv6 first",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{addrs: a6},
			dials: map[string]fakeDial{a4: {}, a6: {after: 10 * time.Millisecond}}},
		won: a6, diary: []string{"0s dial " + a6, "10ms end"},
	}, {
		name: "AAAA first: no waiting for A",
		net: fakeNet{v4: fakeAnswer{after: hour}, v6: fakeAnswer{after: time.Millisecond, addrs: a6},
			dials: map[string]fakeDial{a6: {after: time.Millisecond}}},
		won: a6, diary: []string{"1ms dial " + a6, "2ms end"},
	}, {
		name: "A first, AAAA within the resolution delay",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{after: 30 * time.Millisecond, addrs: a6},
			dials: map[string]fakeDial{a4: {}, a6: {}}},
		won: a6, diary: []string{"30ms dial " + a6, "30ms end"},
	}, {
		name: "A first, AAAA after the resolution delay, joins at its turn",
		net: fakeNet{v4: fakeAnswer{addrs: a4 + " " + b4}, v6: fakeAnswer{after: 80 * time.Millisecond, addrs: a6},
			dials: map[string]fakeDial{a4: {after: hour}, b4: {after: hour}, a6: {}}},
		won: a6, diary: []string{"50ms dial " + a4, "300ms dial " + a6, "300ms end"},
	}, {
		name: "A first, no AAAA: no more waiting",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{after: 20 * time.Millisecond, err: missing},
			dials: map[string]fakeDial{a4: {}}},
		won: a4, diary: []string{"20ms dial " + a4, "20ms end"},
	}, {
		name: "no AAAA first, then A: at once",
		net: fakeNet{v4: fakeAnswer{after: 70 * time.Millisecond, addrs: a4}, v6: fakeAnswer{err: missing},
			dials: map[string]fakeDial{a4: {}}},
		won: a4, diary: []string{"70ms dial " + a4, "70ms end"},
	}, {
		name: "families take turns every attempt delay",
		net: fakeNet{v4: fakeAnswer{addrs: a4 + " " + b4}, v6: fakeAnswer{addrs: a6 + " " + b6},
			dials: map[string]fakeDial{a4: {after: hour}, b4: {after: time.Millisecond}, a6: {after: hour}, b6: {after: hour}}},
		won: b4, diary: []string{"0s dial " + a6, "250ms dial " + a4, "500ms dial " + b6, "750ms dial " + b4, "751ms end"},
	}, {
		name: "a failure starts the next at once",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{addrs: a6 + " " + b6},
			dials: map[string]fakeDial{a6: {after: 3 * time.Millisecond, err: refused}, a4: {after: hour}, b6: {after: 5 * time.Millisecond}}},
		won: b6, diary: []string{"0s dial " + a6, "3ms dial " + a4, "253ms dial " + b6, "258ms end"},
	}, {
		name: "the first attempt wins after the second began",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{addrs: a6},
			dials: map[string]fakeDial{a6: {after: 260 * time.Millisecond}, a4: {after: 20 * time.Millisecond}}},
		won: a6, diary: []string{"0s dial " + a6, "250ms dial " + a4, "260ms end"},
	}, {
		name: "every address refuses",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{addrs: a6},
			dials: map[string]fakeDial{a6: {err: refused}, a4: {after: time.Millisecond, err: refused}}},
		diary:  []string{"0s dial " + a6, "0s dial " + a4, "1ms end"},
		errors: "[2001:db8::1]:7: connection refused; 192.0.2.1:7: connection refused",
	}, {
		name: "all refuse, then the other family's answer comes",
		net: fakeNet{v4: fakeAnswer{after: 2 * time.Second, addrs: a4}, v6: fakeAnswer{addrs: a6},
			dials: map[string]fakeDial{a6: {err: refused}, a4: {}}},
		won: a4, diary: []string{"0s dial " + a6, "2s dial " + a4, "2s end"},
	}, {
		name: "a private IPv6 address comes after IPv4 (RFC 6724)",
		net: fakeNet{v4: fakeAnswer{addrs: a4}, v6: fakeAnswer{after: 10 * time.Millisecond, addrs: "fd00::1"},
			dials: map[string]fakeDial{a4: {}, "fd00::1": {}}},
		won: a4, diary: []string{"10ms dial " + a4, "10ms end"},
	}, {
		name: "IPv4 alone is not asked for the rest",
		net:  fakeNet{v4: fakeAnswer{addrs: a4}, dials: map[string]fakeDial{a4: {}}},
		fam:  families{v4: true},
		won:  a4, diary: []string{"0s dial " + a4, "0s end"},
	}, {
		name:   "no address",
		net:    fakeNet{v4: fakeAnswer{err: missing}, v6: fakeAnswer{err: missing}},
		diary:  []string{"0s end"},
		errors: "lookup host.test: no such host",
	}, {
		name:   "a server that fails says more than a name that is not there",
		net:    fakeNet{v4: fakeAnswer{err: missing}, v6: fakeAnswer{after: time.Second, err: broken}},
		diary:  []string{"1s end"},
		errors: "lookup host.test on 192.0.2.53:53: server misbehaving",
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.fam == (families{}) {
					tt.fam = both
				}
				won, diary, err := tt.net.connect(context.Background(), tt.fam)
				text := ""
				if err != nil {
					text = err.Error()
				}
				if won != tt.won || text != tt.errors {
					t.Errorf("connect: got %q, error %q; want %q, %q", won, text, tt.won, tt.errors)
				}
				asks := slices.DeleteFunc(slices.Clone(diary), func(e string) bool { return !strings.Contains(e, "ask") })
				if len(asks) == 2 != (tt.fam == both) || len(asks) == 0 {
					t.Errorf("questions: got %q for %+v", asks, tt.fam)
				}
				diary = slices.DeleteFunc(diary, func(e string) bool { return strings.HasPrefix(e, "0s ask") })
				if !slices.Equal(diary, tt.diary) {
					t.Errorf("diary:\ngot  %q\nwant %q", diary, tt.diary)
				}
			})
		})
	}
}

// Losers are closed, and connect returns only when they have ended.
func TestHappyLosers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeNet{
			v4: fakeAnswer{addrs: "192.0.2.1"}, v6: fakeAnswer{addrs: "2001:db8::1"},
			dials: map[string]fakeDial{
				"2001:db8::1": {after: 400 * time.Millisecond, deaf: true}, // too late, and cannot be stopped
				"192.0.2.1":   {after: 10 * time.Millisecond},
			},
		}
		won, diary, err := f.connect(context.Background(), both)
		if err != nil || won != "192.0.2.1" {
			t.Fatalf("connect: got %q, %v; want 192.0.2.1", won, err)
		}
		if !f.open["2001:db8::1"].closed {
			t.Error("the losing connection is open")
		}
		if f.open["192.0.2.1"].closed {
			t.Error("the winning connection is closed")
		}
		if got, want := diary[len(diary)-1], "400ms end"; got != want {
			t.Errorf("connect returned at %q, want %q: with the loser", got, want)
		}
	})
}

func TestHappyDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 900*time.Millisecond)
		defer cancel()
		f := fakeNet{
			v4: fakeAnswer{addrs: "192.0.2.1"}, v6: fakeAnswer{after: time.Millisecond, addrs: "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5 2001:db8::6"},
			dials: map[string]fakeDial{"2001:db8::1": {err: refused}, "192.0.2.1": {after: hour},
				"2001:db8::2": {err: refused}, "2001:db8::3": {after: hour}, "2001:db8::4": {after: hour}, "2001:db8::5": {after: hour}},
		}
		_, diary, err := f.connect(ctx, both)
		want := "[2001:db8::1]:7: connection refused; 192.0.2.1:7: context deadline exceeded; " +
			"[2001:db8::2]:7: connection refused; [2001:db8::3]:7: context deadline exceeded; " +
			"[2001:db8::4]:7: context deadline exceeded; [2001:db8::5]:7: context deadline exceeded"
		if err == nil || err.Error() != want {
			t.Errorf("connect: got %v, want %s", err, want)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connect: %v does not match both causes", err)
		}
		if got, want := diary[len(diary)-1], "900ms end"; got != want {
			t.Errorf("connect returned at %q, want %q", got, want)
		}
	})
}

// A context that ends during the lookups ends them too.
func TestHappyLookupDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		f := fakeNet{v4: fakeAnswer{after: hour}, v6: fakeAnswer{after: hour}}
		if _, _, err := f.connect(ctx, both); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("connect: got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// A connection that is there when the context ends is not thrown away.
func TestHappyReadyWinsOverCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		f := fakeNet{
			v4: fakeAnswer{addrs: "192.0.2.1"}, v6: fakeAnswer{err: missing},
			dials: map[string]fakeDial{"192.0.2.1": {after: 1100 * time.Millisecond, deaf: true}},
		}
		if won, _, err := f.connect(ctx, both); won != "192.0.2.1" {
			t.Errorf("connect: got %q, %v; want 192.0.2.1", won, err)
		}
	})
}

func TestHappyAddress(t *testing.T) {
	var dialled string
	h := happy{families: families{v4: true}, port: 7, dial: func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
		dialled = to.String()
		return nil, nil
	}}
	if _, err := h.connect(context.Background(), "::ffff:192.0.2.1"); err != nil || dialled != "192.0.2.1:7" {
		t.Errorf("connect to a mapped address: got %q, %v; want 192.0.2.1:7", dialled, err)
	}
	if _, err := h.connect(context.Background(), "::1"); err == nil {
		t.Error("connect to ::1 with IPv4 only: no error")
	}
}

func TestPrecedence(t *testing.T) {
	order := []string{"::1", "2001:db8::1", "192.0.2.1", "2002::1", "2001::1", "fd00::1", "::192.0.2.1"}
	for i := 1; i < len(order); i++ {
		a, b := netip.MustParseAddr(order[i-1]), netip.MustParseAddr(order[i])
		if precedence(a) <= precedence(b) {
			t.Errorf("precedence(%v) = %d, precedence(%v) = %d; want the first greater", a, precedence(a), b, precedence(b))
		}
	}
	if got := precedence(netip.MustParseAddr("fe80::1%eth0")); got != 40 {
		t.Errorf("precedence with a zone: got %d, want 40", got)
	}
}
