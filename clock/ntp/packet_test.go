package ntp

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTimestampKnown(t *testing.T) {
	pivot := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		ts   Timestamp
		want time.Time
	}{
		{0x83AA7E80 << 32, time.Unix(0, 0)}, // RFC 5905 figure 4
		{0xE47E2B80 << 32, time.Date(2021, 6, 23, 21, 52, 0, 0, time.UTC)},
		{1 << 32, time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC)}, // era 1
		{0x83AA7E80<<32 | 1<<31, time.Unix(0, 5e8)},
		{0, time.Time{}},
	} {
		if got := test.ts.Time(pivot); !got.Equal(test.want) {
			t.Errorf("%#x = %v, want %v", uint64(test.ts), got, test.want)
		}
	}
}

// TestTimestampRoundTrip goes there and back over five eras, with the pivot 67 years off.
func TestTimestampRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	first := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for range 100_000 {
		want := time.Unix(first+random.Int64N(5<<32), random.Int64N(1e9))
		pivot := time.Unix(want.Unix()+random.Int64N(2*67*365*86400)-67*365*86400, 0)
		ts := TimestampOf(want)
		if ts == 0 {
			continue
		}
		if got := ts.Time(pivot); !got.Equal(want) {
			t.Fatalf("%v became %v seen from %v", want, got, pivot)
		}
		later := want.Add(time.Duration(random.Int64N(1e18) - 5e17))
		if got, want := TimestampOf(later).Sub(ts), later.Sub(want); (got - want).Abs() > 1 {
			t.Fatalf("Sub = %v, want %v", got, want)
		}
	}
}

func TestTimestampIsNeverZero(t *testing.T) {
	if got := TimestampOf(time.Unix(1<<32-unixEpoch, 0)); got != 1 {
		t.Errorf("the first moment of era 1 is %d, want 1: 0 says that there is none", got)
	}
	if got := TimestampOf(time.Time{}); got != 0 {
		t.Errorf("no time is %d", got)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]Short{
		0: 0, -1: 0, 1: 1, time.Second: 1 << 16, time.Second / 2: 1 << 15,
		65536 * time.Second: 1<<32 - 1, 1 << 62: 1<<32 - 1, 65535*time.Second + 999_999_999: 1<<32 - 1,
		15259: 2, 15258: 1, // 2^-16 s is 15258.8 ns
	} {
		if got := ShortOf(d); got != want {
			t.Errorf("ShortOf(%v) = %#x, want %#x", d, got, want)
		}
	}
	for range 10_000 {
		d := time.Duration(rand.Int64N(int64(65535 * time.Second)))
		if back := ShortOf(d).Duration(); back < d-1 || back > d+15259 {
			t.Fatalf("%v became %v", d, back)
		}
	}
}

func TestPacketBytes(t *testing.T) {
	p := Packet{
		Leap: LeapDelete, Version: 4, Mode: Server, Stratum: 2, Poll: -6, Precision: -20,
		RootDelay: 0x01020304, RootDispersion: 0x05060708, ReferenceID: ReferenceID{192, 0, 2, 1},
		Reference: 0x1112131415161718, Origin: 0x2122232425262728, Receive: 0x3132333435363738, Transmit: 0x4142434445464748,
	}
	want := []byte("\xa4\x02\xfa\xec\x01\x02\x03\x04\x05\x06\x07\x08\xc0\x00\x02\x01" +
		"\x11\x12\x13\x14\x15\x16\x17\x18\x21\x22\x23\x24\x25\x26\x27\x28" +
		"\x31\x32\x33\x34\x35\x36\x37\x38\x41\x42\x43\x44\x45\x46\x47\x48")
	if got := p.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("Append = %x, want %x", got, want)
	}
	if got, err := Parse(want); err != nil || got != p {
		t.Errorf("Parse = %+v, %v; want %+v", got, err, p)
	}
	if _, err := Parse(want[:47]); err != ErrShort {
		t.Errorf("Parse of 47 bytes: %v, want %v", err, ErrShort)
	}
}

func TestReferenceID(t *testing.T) {
	for _, test := range []struct {
		id      ReferenceID
		stratum uint8
		want    string
	}{
		{ReferenceID{'G', 'P', 'S'}, 1, "GPS"},
		{ReferenceID{'R', 'A', 'T', 'E'}, 0, "RATE"},
		{ReferenceID{192, 0, 2, 1}, 2, "192.0.2.1"},
		{ReferenceID{}, 1, ""},
		{ReferenceID{1, 'a', '\n', 0}, 1, "0x01610A00"},
	} {
		if got := test.id.Text(test.stratum); got != test.want {
			t.Errorf("%v at stratum %d = %q, want %q", test.id, test.stratum, got, test.want)
		}
	}
	for _, bad := range []string{"", "LOCAL", "é"} {
		if _, err := ReferenceIDOf(bad); err == nil {
			t.Errorf("ReferenceIDOf(%q) is no error", bad)
		}
	}
}

// TestMeasure compares with the formulas of RFC 5905 in exact arithmetic.
func TestMeasure(t *testing.T) {
	base := time.Date(2036, 2, 7, 6, 28, 0, 0, time.UTC)
	for range 10_000 {
		var at [4]time.Time
		var ns [4]*big.Int
		for i := range at {
			d := rand.Int64N(1e18) - 5e17
			at[i], ns[i] = base.Add(time.Duration(d)), big.NewInt(d)
		}
		sub := func(a, b int) *big.Int { return new(big.Int).Sub(ns[a], ns[b]) }
		offset := new(big.Int).Quo(new(big.Int).Add(sub(1, 0), sub(2, 3)), big.NewInt(2)).Int64()
		delay := new(big.Int).Sub(sub(3, 0), sub(2, 1)).Int64()
		got := Measure(at[0], at[1], at[2], at[3])
		if (int64(got.Offset)-offset)/2 != 0 || int64(got.Delay) != delay {
			t.Fatalf("Measure = %v; want %d, %d", got, offset, delay)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 48))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			if len(b) >= PacketSize {
				t.Fatalf("%d bytes: %v", len(b), err)
			}
			return
		}
		if got := p.Append(nil); !bytes.Equal(got, b[:PacketSize]) {
			t.Fatalf("%x became %x", b[:PacketSize], got)
		}
		p.Kiss()
		p.ReferenceID.Text(p.Stratum)
	})
}
