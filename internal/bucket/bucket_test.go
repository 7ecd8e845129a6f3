package bucket

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)

func TestTake(t *testing.T) {
	b := New(2, 4, 64)
	a := netip.MustParseAddr("192.0.2.1")
	for i := range 4 {
		if left, ok := b.Take(a, start); !ok || left != float64(3-i) {
			t.Fatalf("take %d of a full bucket of 4 = %v, %v", i, left, ok)
		}
	}
	if left, ok := b.Take(a, start); ok || left != -1 {
		t.Errorf("take of an empty bucket = %v, %v; want -1, false", left, ok)
	}
	if _, ok := b.Take(a, start.Add(500*time.Millisecond)); ok {
		t.Error("one that went on without was served after the time of a single token")
	}
	if _, ok := b.Take(a, start.Add(2*time.Second)); !ok {
		t.Error("not served after a silence of four tokens")
	}
	if _, ok := b.Take(netip.MustParseAddr("192.0.2.2"), start); !ok {
		t.Error("an address paid for another")
	}
}

func TestTakeGoesBackInTime(t *testing.T) {
	b := New(1, 1, 1)
	a := netip.MustParseAddr("192.0.2.1")
	b.Take(a, start)
	if _, ok := b.Take(a, start.Add(-time.Hour)); ok {
		t.Error("a clock that was set back filled the bucket")
	}
}

func TestPrefix(t *testing.T) {
	b := New(1, 1, 64)
	for _, same := range [][2]string{
		{"2001:db8::1", "2001:db8::ffff:1"},
		{"192.0.2.1", "::ffff:192.0.2.1"},
		{"fe80::1%eth0", "fe80::2%eth1"},
	} {
		b.Take(netip.MustParseAddr(same[0]), start)
		if _, ok := b.Take(netip.MustParseAddr(same[1]), start); ok {
			t.Errorf("%s and %s have a bucket each", same[0], same[1])
		}
	}
	if _, ok := b.Take(netip.MustParseAddr("2001:db8:0:1::1"), start); !ok {
		t.Error("two /64 share a bucket")
	}
}

// TestFlood shows that one that is over its limit stays so under a flood of others.
func TestFlood(t *testing.T) {
	b := New(1, 8, 4096)
	greedy := netip.MustParseAddr("192.0.2.1")
	for range 20 {
		b.Take(greedy, start)
	}
	for i := range 100_000 {
		b.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), start)
	}
	if _, ok := b.Take(greedy, start.Add(time.Second)); ok {
		t.Error("a flood of others made an address forgotten that was over its limit")
	}
}

func TestTakeAllocatesNothing(t *testing.T) {
	b := New(1, 8, 4096)
	a := netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() { b.Take(a, start) }); n != 0 {
		t.Errorf("Take allocates %v times", n)
	}
}

func ExampleTable() {
	perSource := New(1, 2, 1024) // two at once, then one a second
	source := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		_, ok := perSource.Take(source, start)
		fmt.Println(ok)
	}
	// Output:
	// true
	// true
	// false
}
