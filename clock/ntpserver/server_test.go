package ntpserver

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"parley"
	"parley/clock/ntp"
	"parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var (
	noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	far  = netip.MustParseAddrPort("192.0.2.1:40000")
)

// ask is Serve without a socket: what s answers to a packet that arrives at the moment
// received; ok is false for nothing.
func ask(s *Service, b []byte, from netip.AddrPort, received time.Time) (answer ntp.Packet, ok bool) {
	r := request{from: from, received: received}
	if !r.parse(b) {
		return answer, false
	}
	kiss, ok := s.admit(&r, received)
	switch {
	case !ok:
		return answer, false
	case kiss:
		return r.kiss(), true
	}
	return s.answer(&r), true
}

func clientRequest(version uint8) ntp.Packet {
	return ntp.Packet{Version: version, Mode: ntp.Client, Poll: 6, Transmit: 0x1234567812345678}
}

func TestBasicMode(t *testing.T) {
	left := noon.Add(30 * time.Microsecond)
	s := New(Config{Own: true, Now: func() time.Time { return left }})
	for version := uint8(1); version <= 4; version++ {
		p := clientRequest(version)
		got, ok := ask(s, p.Append(nil), far, noon)
		want := ntp.Packet{
			Version: version, Mode: ntp.Server, Stratum: 10, Poll: 6, Precision: got.Precision,
			ReferenceID: ntp.ReferenceID{'L', 'O', 'C', 'L'}, Reference: ntp.TimestampOf(noon),
			Origin: p.Transmit, Receive: ntp.TimestampOf(noon) | 1, Transmit: ntp.TimestampOf(left) &^ 1,
		}
		if !ok || got != want {
			t.Errorf("version %d: %+v, %v\nwant %+v", version, got, ok, want)
		}
	}
}

// TestNotAnswered goes through every first byte: all leaps, versions and modes.
func TestNotAnswered(t *testing.T) {
	s := New(Config{PerSource: -1})
	for first := range 256 {
		b := make([]byte, ntp.PacketSize)
		b[0] = byte(first)
		version, mode := first>>3&7, ntp.Mode(first&7)
		for _, port := range []uint16{123, 40000} {
			want := version >= 1 && version <= 4 && mode == ntp.Client || version == 1 && mode == ntp.Reserved && port != 123
			if _, got := ask(s, b, netip.AddrPortFrom(far.Addr(), port), noon); got != want {
				t.Errorf("version %d, mode %d, port %d: answered %v, want %v", version, mode, port, got, want)
			}
		}
	}
	if _, ok := ask(s, make([]byte, ntp.PacketSize-1), far, noon); ok {
		t.Error("47 bytes were answered")
	}
}

func TestConfigIsTold(t *testing.T) {
	gps, err := ntp.ReferenceIDOf("GPS")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{
		Own: true, Now: func() time.Time { return noon }, Offset: -time.Hour,
		State: func(now time.Time) State {
			return State{Stratum: 1, ReferenceID: gps, Reference: noon.Add(-time.Minute), RootDelay: time.Second, RootDispersion: 2 * time.Second}
		},
		Leap: func(now time.Time) uint8 {
			if !now.Equal(noon.Add(-time.Hour)) {
				t.Errorf("leap asked for %v, not for the time that is told", now)
			}
			return ntp.LeapInsert
		},
	})
	p := clientRequest(4)
	got, _ := ask(s, p.Append(nil), far, noon)
	want := ntp.Packet{
		Leap: ntp.LeapInsert, Version: 4, Mode: ntp.Server, Stratum: 1, Poll: 6, Precision: got.Precision, RootDelay: 1 << 16, RootDispersion: 2 << 16,
		ReferenceID: gps, Reference: ntp.TimestampOf(noon.Add(-time.Hour - time.Minute)),
		Origin: p.Transmit, Receive: ntp.TimestampOf(noon.Add(-time.Hour)) | 1, Transmit: ntp.TimestampOf(noon.Add(-time.Hour)),
	}
	if got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestNotSynchronized(t *testing.T) {
	for _, stratum := range []uint8{0, 16} {
		s := New(Config{State: func(time.Time) State { return State{Stratum: stratum} }})
		p := clientRequest(4)
		if got, _ := ask(s, p.Append(nil), far, noon); got.Stratum != 0 || got.Leap != ntp.LeapUnknown {
			t.Errorf("a clock of stratum %d was told as stratum %d, leap %d", stratum, got.Stratum, got.Leap)
		}
	}
}

// TestInterleavedMode has the exchanges of RFC 9769 figure 1: basic, then interleaved,
// whose transmit timestamp is that of the answer before, as the system stamped it.
func TestInterleavedMode(t *testing.T) {
	now := noon
	s := New(Config{Now: func() time.Time { return now }, Own: true})
	s.config.Own = false // the stamps are given by hand
	first := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: 7, Receive: 8, Transmit: 9}
	a1, _ := ask(s, first.Append(nil), far, noon)
	if a1.Origin != 9 {
		t.Fatalf("an origin that nobody knows: answered to %d, want basic mode, to 9", a1.Origin)
	}
	left := noon.Add(17 * time.Microsecond)
	s.Stamped(uint64(a1.Receive), left)

	now = noon.Add(time.Minute)
	second := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: a1.Receive, Receive: 100, Transmit: 101}
	a2, _ := ask(s, second.Append(nil), far, now)
	if a2.Origin != 100 || a2.Transmit != ntp.TimestampOf(left)&^1 || a2.Receive != ntp.TimestampOf(now)|1 {
		t.Errorf("interleaved answer %+v; want origin 100, transmit %x", a2, ntp.TimestampOf(left))
	}
	// A basic client gives back the moment of departure, not that of arrival.
	basic := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: a1.Transmit, Receive: 100, Transmit: 101}
	if a3, _ := ask(s, basic.Append(nil), far, now); a3.Origin != 101 {
		t.Errorf("a client in basic mode was answered in interleaved mode: %+v", a3)
	}
}

// TestStep: what was noted before a step is of another scale.
func TestStep(t *testing.T) {
	s := New(Config{Own: true, Now: func() time.Time { return noon }, PerSource: -1})
	origin := ntp.Timestamp(9)
	for i, c := range []struct {
		gained      time.Duration
		interleaved bool
	}{
		{0, false}, // nothing was noted
		{0, true},
		{5 * time.Millisecond, true},
		{-5 * time.Millisecond, true},
		{time.Second, false},
		{time.Second, true},
		{-time.Second, false},
		{-time.Second, true},
	} {
		s.gained(c.gained)
		p := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: origin, Receive: 100, Transmit: 101}
		a, _ := ask(s, p.Append(nil), far, noon)
		if got := a.Origin == 100; got != c.interleaved {
			t.Errorf("exchange %d, %v gained: interleaved is %v", i, c.gained, got)
		}
		origin = a.Receive
	}
}

// TestReferenceIsOfTheScale that is told: a clock that was set after the moment of its answer
// would not be believed.
func TestReferenceIsOfTheScale(t *testing.T) {
	for _, off := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		s := New(Config{Own: true, Now: func() time.Time { return noon }, PerSource: -1, Offset: off})
		p := ntp.Packet{Version: 4, Mode: ntp.Client, Transmit: 101}
		a, _ := ask(s, p.Append(nil), far, noon)
		if d := a.Transmit.Sub(a.Reference); d < 0 || d > time.Minute {
			t.Errorf("offset %v: the clock was set %v before it was read", off, d)
		}
	}
}

// TestArrivalsDiffer has many requests arrive at one moment.
func TestArrivalsDiffer(t *testing.T) {
	s := New(Config{Own: true, Now: func() time.Time { return noon }, PerSource: -1})
	seen := make(map[ntp.Timestamp]bool)
	for i := range 1000 {
		p := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: 7, Receive: 8, Transmit: ntp.Timestamp(i + 100)}
		a, _ := ask(s, p.Append(nil), far, noon)
		if seen[a.Receive] || a.Receive&1 == 0 || a.Transmit&1 != 0 {
			t.Fatalf("answer %d: received %x (seen before: %v), transmitted %x", i, a.Receive, seen[a.Receive], a.Transmit)
		}
		seen[a.Receive] = true
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	var m memory
	const most = memoryParts * memoryWays
	random := rand.New(rand.NewPCG(1, 1))
	var list []ntp.Timestamp
	for range 4 * most {
		list = append(list, m.note(ntp.Timestamp(random.Uint64())|1, 5))
	}
	for i, ts := range list[len(list)-most/4:] {
		if _, ok := m.find(ts); !ok {
			t.Fatalf("%d answers later one is forgotten, of %d places", most/4-i, most)
		}
	}
	known := 0
	for _, ts := range list {
		if _, ok := m.find(ts); ok {
			known++
		}
	}
	if known > most {
		t.Errorf("%d are kept in %d places", known, most)
	}
	m.clear()
	if _, ok := m.find(list[len(list)-1]); ok {
		t.Error("known after clear")
	}
}

func TestSourceLimit(t *testing.T) {
	s := New(Config{PerSource: 1})
	p := clientRequest(4)
	answers, kisses := 0, 0
	for range 100 {
		switch got, ok := ask(s, p.Append(nil), far, noon); {
		case !ok:
		case got.Kiss() == "RATE":
			if got.Origin != p.Transmit {
				t.Error("a kiss for nobody's request")
			}
			kisses++
		default:
			answers++
		}
	}
	if answers != 4 || kisses != 1 {
		t.Errorf("100 requests at once: %d answers and %d kisses; want 4 and 1", answers, kisses)
	}
	kisses = 0
	for i := range 1000 { // one who goes on for ten seconds
		if got, ok := ask(s, p.Append(nil), far, noon.Add(time.Duration(i)*10*time.Millisecond)); ok && got.Kiss() == "RATE" {
			kisses++
		}
	}
	if kisses < 8 || kisses > 11 {
		t.Errorf("in ten seconds %d kisses, want one a second", kisses)
	}
	for _, port := range []string{"7", "13", "17", "19", "37"} {
		if _, ok := ask(s, p.Append(nil), netip.MustParseAddrPort("127.0.0.1:"+port), noon); ok {
			t.Errorf("port %s was answered", port)
		}
	}
	for range 100 {
		if got, ok := ask(s, p.Append(nil), netip.MustParseAddrPort("127.0.0.1:5"), noon); !ok || got.Stratum == 0 {
			t.Fatal("loopback was limited")
		}
	}
}

// serveNTP serves s on a real socket and returns a socket connected to it.
func serveNTP(t testing.TB, s *Service) net.Conn {
	t.Helper()
	srv := &parley.Server{}
	if err := srv.Listen(t.Context(), s, "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() { srv.Close(); <-served })
	c, err := net.Dial("udp", srv.Endpoints()[0].Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func exchangeNTP(t *testing.T, c net.Conn, p ntp.Packet) ntp.Packet {
	t.Helper()
	if _, err := c.Write(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	n, err := c.Read(buf)
	if err != nil || n != ntp.PacketSize {
		t.Fatalf("answer of %d bytes, %v", n, err)
	}
	got, _ := ntp.Parse(buf[:n])
	return got
}

// TestOverUDP reads the server's clock over a socket, in both modes.
func TestOverUDP(t *testing.T) {
	c := serveNTP(t, New(Config{Offset: time.Hour}))
	before := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: 1, Receive: 2, Transmit: 3}
	var last ntp.Packet
	for i := range 20 {
		t1 := time.Now()
		got := exchangeNTP(t, c, before)
		t4 := time.Now()
		interleaved := got.Origin == before.Receive
		if i > 0 && !interleaved {
			t.Errorf("answer %d is in basic mode: %+v", i, got)
		}
		m := ntp.Measure(t1, got.Receive.Time(t1), got.Receive.Time(t1), t4)
		if off := m.Offset - time.Hour; off.Abs() > 100*time.Millisecond {
			t.Errorf("offset %v, want an hour", m.Offset)
		}
		if interleaved && (got.Transmit.Sub(last.Receive) < 0 || got.Transmit.Sub(last.Receive) > 10*time.Second) {
			t.Errorf("the answer before left %v after its request came", got.Transmit.Sub(last.Receive))
		}
		last = got
		before = ntp.Packet{Version: 4, Mode: ntp.Client, Origin: got.Receive, Receive: ntp.Timestamp(1000 + i), Transmit: ntp.Timestamp(5000 + i)}
	}
}

// TestBeforeItsTime shows a clock that is before the floor: nothing is answered, until
// it is set.
func TestBeforeItsTime(t *testing.T) {
	s := New(Config{Floor: time.Now().Add(time.Hour)})
	c := serveNTP(t, s)
	p := clientRequest(4)
	if _, err := c.Write(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
	for !s.early.Load() { // until the request was seen
		time.Sleep(time.Millisecond)
	}
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 100)); err == nil {
		t.Errorf("answered %d bytes", n)
	}
}

func TestServeAllocatesNothing(t *testing.T) {
	s := New(Config{PerSource: 1000})
	p := clientRequest(4)
	b := p.Append(nil)
	if n := testing.AllocsPerRun(1000, func() { ask(s, b, far, noon) }); n != 0 {
		t.Errorf("a request allocates %v times", n)
	}
	kept := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: 1, Receive: 2, Transmit: 3}
	b = kept.Append(nil)
	for range 2 * memoryParts * memoryWays { // the memory is full
		ask(s, b, netip.MustParseAddrPort("127.0.0.1:5"), time.Now())
	}
	if n := testing.AllocsPerRun(1000, func() { ask(s, b, netip.MustParseAddrPort("127.0.0.1:5"), time.Now()) }); n > 0.1 {
		t.Errorf("a request in interleaved mode allocates %v times", n)
	}
}

// FuzzAnswer asks with any bytes: the answer is never longer, and there is none to what
// is no request.
func FuzzAnswer(f *testing.F) {
	p := clientRequest(4)
	f.Add(p.Append(nil), uint16(123), int64(0))
	f.Add([]byte{0x1b}, uint16(1), int64(1<<62))
	s := New(Config{PerSource: 100})
	f.Fuzz(func(t *testing.T, b []byte, port uint16, at int64) {
		got, ok := ask(s, b, netip.AddrPortFrom(far.Addr(), port), time.Unix(at%(1<<40), 0))
		if !ok {
			return
		}
		if len(got.Append(nil)) > len(b) {
			t.Fatalf("%d bytes were answered by more", len(b))
		}
		if got.Mode != ntp.Server || got.Version != b[0]>>3&7 {
			t.Fatalf("%x was answered %+v", b, got)
		}
	})
}

// TestOwnClock: of a clock of its own neither the system's stamps nor its steps are told of.
func TestOwnClock(t *testing.T) {
	const ahead = 100 * 24 * time.Hour
	var set atomic.Int64
	now := func() time.Time { return time.Now().Add(ahead + time.Duration(set.Load())) }
	s := New(Config{Own: true, Now: now, Floor: time.Now().Add(ahead)})
	c := serveNTP(t, s)
	p := ntp.Packet{Version: 4, Mode: ntp.Client, Origin: 1, Receive: 2, Transmit: 3}
	for i := range 4 {
		got := exchangeNTP(t, c, p)
		for name, at := range map[string]ntp.Timestamp{"came": got.Receive, "left": got.Transmit} {
			if off := time.Until(at.Time(now())) - ahead; off.Abs() > time.Minute {
				t.Errorf("answer %d %s %v from its own clock", i, name, off)
			}
		}
		if interleaved := got.Origin == p.Receive; interleaved != (i > 0) {
			t.Errorf("answer %d: interleaved is %v", i, interleaved)
		}
		p.Origin, p.Receive, p.Transmit = got.Receive, p.Receive+10, p.Transmit+10
	}
}
