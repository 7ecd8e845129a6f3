//go:build !parleyportable

package parley

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRunLength(t *testing.T) {
	a := peer{udp: netip.MustParseAddrPort("127.0.0.1:1")}
	b := peer{udp: netip.MustParseAddrPort("127.0.0.1:2")}
	for _, test := range []struct {
		to    []peer
		sizes []int
		want  int
	}{
		{[]peer{a}, []int{10}, 1},
		{[]peer{a, a, a}, []int{10, 10, 10}, 3},
		{[]peer{a, a, b}, []int{10, 10, 10}, 2},
		{[]peer{a, a, a}, []int{10, 4, 10}, 2},
		{[]peer{a, a}, []int{10, 11}, 1},
		{[]peer{a, a}, []int{0, 0}, 1},
		{[]peer{a, a}, []int{10, 0}, 1},
		{[]peer{a, a}, []int{segmentMost, segmentMost}, 2},
		{[]peer{a, a}, []int{segmentMost + 1, segmentMost + 1}, 1},
	} {
		var list []packet
		end := 0
		for i, size := range test.sizes {
			list = append(list, packet{to: test.to[i], start: end, end: end + size})
			end += size
		}
		if got := runLength(list); got != test.want {
			t.Errorf("runLength of sizes %v = %d, want %d", test.sizes, got, test.want)
		}
	}
	long := make([]packet, 200)
	for i := range long {
		long[i] = packet{to: a, start: i * 1000, end: (i + 1) * 1000}
	}
	if got := runLength(long); got != segmentsMost {
		t.Errorf("runLength of 200 datagrams = %d, want %d", got, segmentsMost)
	}
}

// TestSegmentsArriveAsDatagrams answers one datagram by many, of sizes that make
// runs of every kind, and expects each by itself, also after segmentation was
// refused.
func TestSegmentsArriveAsDatagrams(t *testing.T) {
	sizes := []int{10, 10, 10, 4, 10, 0, 1300, 1300, 20, 20, 30, 30, 1}
	svc := ServiceFunc(func(c *Conn, msg []byte) error {
		var errs []error
		for i, size := range sizes {
			errs = append(errs, c.Send(bytes.Repeat([]byte{byte('a' + i)}, size)))
		}
		return errors.Join(errs...)
	})
	for _, gso := range []bool{true, false} {
		got := newEvents()
		s := Server{Events: got.add}
		if err := s.Listen(context.Background(), svc, "udp://127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		io := s.listeners[0].loops[0].io.(*batchIO)
		if gso && !io.gso {
			t.Log("no segmentation here")
		}
		io.gso = io.gso && gso
		c := dial(t, start(t, &s, svc)[0])
		send(t, c, string(make([]byte, 4000)))
		buf := make([]byte, 2000)
		for i, size := range sizes {
			n, err := c.Read(buf)
			if want := bytes.Repeat([]byte{byte('a' + i)}, size); err != nil || !bytes.Equal(buf[:n], want) {
				t.Fatalf("datagram %d: %d bytes of %q, %v; want %d of %q", i, n, buf[:min(n, 1)], err, size, want[:min(size, 1)])
			}
		}
		s.Close()
		if n := s.Stats()[0]; n.MessagesOut != int64(len(sizes)) || n.BytesOut != 2745 {
			t.Errorf("counted %d datagrams of %d bytes", n.MessagesOut, n.BytesOut)
		}
	}
}

// TestSegmentationRefused takes the way back to single datagrams.
func TestSegmentationRefused(t *testing.T) {
	lost := 0
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := peer{udp: netip.MustParseAddrPort("127.0.0.1:9")}
	b := &batchIO{gso: true, report: func(string, error) { lost++ }}
	b.out.init()
	b.pending = &packets{data: make([]byte, 70000), list: []packet{{to: to, end: 1000}, {to: to, start: 1000, end: 2000}}}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) // which segmentation cannot do without
	if !b.sendReady(uintptr(fd)) {
		t.Fatal("would block")
	}
	if lost != 1 || b.gso || b.next != 2 || b.sent != 2000 || b.sendErr != nil {
		t.Errorf("lost %d, gso %v, %d datagrams, %d bytes, %v; want the run refused once, then both sent", lost, b.gso, b.next, b.sent, b.sendErr)
	}
}
