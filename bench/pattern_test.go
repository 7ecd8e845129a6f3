package bench

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestNumbersAreReadBack(t *testing.T) {
	for _, c := range []struct {
		written uint64
		digits  int
		newest  uint64
		want    uint64
		ok      bool
	}{
		{0, 8, 0, 0, true},
		{5, 8, 1000, 5, true},
		{1<<48 - 1, 8, 1<<48 + 3, 1<<48 - 1, true},
		{1 << 48, 8, 1<<48 + 3, 1 << 48, true},
		{7, 8, 3, 7, true}, // never sent
		{63, 1, 63, 63, true},
		{63, 1, 64, 63, true},
		{64, 1, 64, 64, true},
		{64, 1, 127, 64, true},
		{64, 1, 128, 128, true},  // as 64 looks like 128
		{10, 1, 1000, 970, true}, // 15*64+10
		{4095, 2, 4096, 4095, true},
		{4096, 2, 4096, 4096, true},
		{5, 1, 3, 5, true}, // never sent
		{5, 0, 9, 0, false},
	} {
		var b []byte
		for n, i := c.written, 0; i < c.digits; i++ { // the slow way
			b = append(b, alphabet[n%64])
			n /= 64
		}
		if got := appendNumber(nil, c.written, c.digits); !bytes.Equal(got, b) {
			t.Errorf("appendNumber(%d, %d) = %q, want %q", c.written, c.digits, got, b)
		}
		got, ok := readNumber(b, c.digits, c.newest)
		if got != c.want || ok != c.ok {
			t.Errorf("readNumber of %d in %d digits, newest %d = %d, %v, want %d, %v", c.written, c.digits, c.newest, got, ok, c.want, c.ok)
		}
	}
	for _, b := range []string{"", "AAAAAAA", "AAAA AAA", "AAAAAAA\xff", "AAAAAAA="} {
		if n, ok := readNumber([]byte(b), 8, 9); ok {
			t.Errorf("readNumber(%q) = %d, true, want false", b, n)
		}
	}
	if n, ok := readNumber([]byte("________"), 8, math.MaxUint64); !ok || n != math.MaxUint64 {
		t.Errorf("readNumber of all ones = %d, %v, want the newest", n, ok)
	}
}

func TestContentIsTextOfItsSize(t *testing.T) {
	for _, lines := range []bool{false, true} {
		for _, size := range []int{1, 2, 7, 8, 9, 10, 64, 1000, 70_000} {
			m, err := newContent(Content{Size: size, Lines: lines}, 64)
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			for _, seq := range []uint64{0, 1, 63, 64, 1 << 40, math.MaxUint64} {
				b := m.appendTo([]byte("x"), 3, seq)[1:]
				if len(b) != size || m.sizeOf(seq) != size {
					t.Errorf("message %d of size %d has %d bytes, sizeOf says %d", seq, size, len(b), m.sizeOf(seq))
				}
				if text, ended := bytes.CutSuffix(b, []byte("\n")); ended != lines || strings.Trim(string(text), alphabet) != "" {
					t.Errorf("message of size %d, lines %v is %.40q", size, lines, b)
				}
				if !m.is(b, 3, seq) {
					t.Errorf("message %d of size %d is not itself", seq, size)
				}
				for i := range min(size, 100) {
					b[i] ^= 1
					if m.is(b, 3, seq) {
						t.Errorf("message %d of size %d is still itself with byte %d changed", seq, size, i)
					}
					b[i] ^= 1
				}
				if m.is(append(b, 'A'), 3, seq) || !lines && m.is(b[:size-1], 3, seq) {
					t.Errorf("message %d of size %d is itself at another length", seq, size)
				}
				if lines && (!m.is(b[:size-1], 3, seq) || size > 1 && m.is(b[:size-2], 3, seq)) {
					t.Errorf("line %d of size %d without its end is not itself, or without more it is", seq, size)
				}
			}
		}
	}
}

func TestPartsMakeTheWhole(t *testing.T) {
	given := [][]byte{[]byte("one"), {}, []byte("three three three\n")}
	for _, c := range []Content{{Size: 1}, {Size: 5}, {Size: 5, Lines: true}, {Size: 9, Lines: true}, {Size: 8}, {Size: 40}, {Size: 40, Lines: true}, {Messages: given}, {Messages: given, Lines: true}} {
		m, err := newContent(c, 64)
		if err != nil {
			t.Fatal(err)
		}
		for seq := range uint64(5) {
			whole := m.appendTo(nil, 7, seq)
			for from := range len(whole) + 1 {
				for to := from; to <= len(whole); to++ {
					if got := m.appendPart([]byte("<"), 7, seq, from, to-from); string(got) != "<"+string(whole[from:to]) {
						t.Fatalf("%+v: bytes %d to %d of message %d are %q, want %q", c, from, to, seq, got[1:], whole[from:to])
					}
				}
			}
		}
	}
}

func TestMessagesDoNotLookAlike(t *testing.T) {
	m, err := newContent(Content{Size: 24}, 64)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for session := range 300 {
		for seq := range uint64(300) {
			seen[string(m.appendTo(nil, session, seq))] = true
		}
	}
	if len(seen) != 300*300 {
		t.Errorf("of %d messages %d are different", 300*300, len(seen))
	}
	other, _ := newContent(Content{Size: 24, Seed: 1}, 64)
	if other.is(m.appendTo(nil, 0, 0), 0, 0) {
		t.Error("messages of two seeds are alike")
	}
	again, _ := newContent(Content{Size: 24}, 64)
	if !again.is(m.appendTo(nil, 5, 6), 5, 6) {
		t.Error("messages of one seed are not alike")
	}
}
