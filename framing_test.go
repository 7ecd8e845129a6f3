package parley

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
)

// slowSplit is the oracle of the framings: it cuts a whole stream into messages
// a byte at a time, without any of their code.
func slowSplit(name string, size int, stream []byte, max int) (msgs [][]byte, err error) {
	switch name {
	case "line", "nul", "text":
		return slowSplitEnded(name, stream, max)
	case "len32":
		for len(stream) > 0 {
			if len(stream) < 4 {
				return msgs, io.ErrUnexpectedEOF
			}
			n := int64(stream[0])<<24 | int64(stream[1])<<16 | int64(stream[2])<<8 | int64(stream[3])
			if n > int64(max) {
				return msgs, ErrMessageTooLong
			}
			if n > int64(len(stream)-4) {
				return msgs, io.ErrUnexpectedEOF
			}
			msgs, stream = append(msgs, stream[4:4+n]), stream[4+n:]
		}
	case "fixed":
		for len(stream) > 0 {
			if size > max {
				return msgs, ErrMessageTooLong
			}
			if len(stream) < size {
				return msgs, io.ErrUnexpectedEOF
			}
			msgs, stream = append(msgs, stream[:size]), stream[size:]
		}
	}
	return msgs, nil
}

func slowSplitEnded(name string, stream []byte, max int) (msgs [][]byte, err error) {
	end := byte('\n')
	if name == "nul" {
		end = 0
	}
	var msg []byte
	open := false
	for i, b := range stream {
		msg, open = append(msg, b), true
		done := b == end
		if done && name != "text" {
			msg = msg[:len(msg)-1]
			if name == "line" {
				msg = bytes.TrimSuffix(msg, []byte("\r"))
			}
		}
		if !done && i < len(stream)-1 {
			continue
		}
		if len(msg) > max {
			return msgs, ErrMessageTooLong
		}
		msgs, msg, open = append(msgs, msg), nil, false
	}
	if open {
		msgs = append(msgs, msg)
	}
	return msgs, nil
}

// splitAll feeds stream to f in chunks, as a session does, and returns the
// messages until the end or an error.
func splitAll(f Framing, stream []byte, max, chunk int) (msgs [][]byte, err error) {
	var data []byte
	for {
		n := min(chunk, len(stream))
		data, stream = append(data, stream[:n]...), stream[n:]
		last := len(stream) == 0
		for len(data) > 0 {
			msg, n, err := f.Split(data, max, last)
			if err != nil {
				return msgs, err
			}
			if n == 0 {
				break
			}
			if n < 0 || n > len(data) || len(msg) > max {
				return msgs, fmt.Errorf("Split(%q) = %q, %d: out of range", data, msg, n)
			}
			msgs, data = append(msgs, slices.Clone(msg)), data[n:]
		}
		if last {
			if len(data) > 0 {
				return msgs, fmt.Errorf("%q was left at the end", data)
			}
			return msgs, nil
		}
	}
}

func FuzzFraming(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nlast"), 8, 3, 2)
	f.Add([]byte("\x00\x00\x00\x02hi\x00\x00\x00\x00"), 4, 5, 2)
	f.Add([]byte("one\x00two\x00"), 3, 1, 1)
	f.Fuzz(func(t *testing.T, stream []byte, max, chunk, size int) {
		max, chunk, size = 1+abs(max)%64, 1+abs(chunk)%16, 1+abs(size)%8
		for _, framing := range []Framing{Line, Nul, Text, Len32, Fixed(size)} {
			name := framing.String()
			if framing == Fixed(size) {
				name = "fixed"
			}
			want, wantErr := slowSplit(name, size, stream, max)
			got, err := splitAll(framing, stream, max, chunk)
			if !errors.Is(err, wantErr) || (err != nil) != (wantErr != nil) {
				t.Fatalf("%s of %q, max %d, in chunks of %d: error %v, want %v", framing, stream, max, chunk, err, wantErr)
			}
			// On an error the oracle may have seen fewer messages only
			// because a framing reports what is too long early.
			if !slices.EqualFunc(got, want[:min(len(got), len(want))], bytes.Equal) || err == nil && len(got) != len(want) {
				t.Fatalf("%s of %q, max %d, in chunks of %d: %q, want %q", framing, stream, max, chunk, got, want)
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

// FuzzFramingAppend checks that what is appended is split again as it was.
func FuzzFramingAppend(f *testing.F) {
	f.Add([]byte("hello"), []byte(""))
	f.Add([]byte("a\nb"), []byte("\x00"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, framing := range []Framing{Line, Nul, Len32, Fixed(max(1, len(a)))} {
			var stream []byte
			var want [][]byte
			for _, msg := range [][]byte{a, b} {
				next, err := framing.Append(stream, msg)
				if err != nil {
					if !errors.Is(err, ErrUnframeable) || !bytes.Equal(next, stream) {
						t.Fatalf("%s.Append(%q) = %q, %v", framing, msg, next, err)
					}
					continue
				}
				stream = next
				want = append(want, msg)
				if framing == Line {
					line := bytes.TrimSuffix(msg, []byte("\n"))
					want[len(want)-1] = bytes.TrimSuffix(line, []byte("\r"))
				}
			}
			got, err := splitAll(framing, stream, max(len(a), len(b), 1)+1, 7)
			if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("%s: %q became %q, %v; want %q", framing, stream, got, err, want)
			}
		}
	})
}

func FuzzParseFraming(f *testing.F) {
	for _, s := range []string{"raw", "line", "text", "len32", "nul", "fixed:8", "fixed:", "fixed:-1", "fixed:08"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		framing, err := ParseFraming(s)
		if err != nil {
			return
		}
		again, err := ParseFraming(framing.String())
		if err != nil || again != framing {
			t.Fatalf("ParseFraming(%q) = %v, which reads as %v, %v", s, framing, again, err)
		}
	})
}

func TestParseFramingErrors(t *testing.T) {
	for _, s := range []string{"", "RAW", "lines", "fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:+8", "fixed:1073741825", "fixed:8 ", "fixed:99999999999999999999"} {
		if f, err := ParseFraming(s); err == nil {
			t.Errorf("ParseFraming(%q) = %v, want an error", s, f)
		} else if !bytes.Contains([]byte(err.Error()), fmt.Appendf(nil, "%q", s)) {
			t.Errorf("ParseFraming(%q): error %q does not quote the input", s, err)
		}
	}
}

func TestSplitTooLong(t *testing.T) {
	long := binary.BigEndian.AppendUint32(nil, 1<<31)
	for _, test := range []struct {
		framing Framing
		data    string
	}{
		{Line, "1234567890"}, {Nul, "123456789"}, {Text, "123456789"}, {Text, "12345678\n"},
		{Len32, string(long)}, {Fixed(9), "1"},
	} {
		if msg, n, err := test.framing.Split([]byte(test.data), 8, false); !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("%s.Split(%q, 8) = %q, %d, %v; want ErrMessageTooLong", test.framing, test.data, msg, n, err)
		}
	}
	// The frame around a message does not count.
	for _, test := range []struct {
		framing Framing
		data    string
	}{{Line, "12345678\n"}, {Line, "12345678\r\n"}, {Nul, "12345678\x00"}, {Len32, "\x00\x00\x00\x0812345678"}} {
		if msg, n, err := test.framing.Split([]byte(test.data), 8, false); string(msg) != "12345678" || n != len(test.data) || err != nil {
			t.Errorf("%s.Split(%q, 8) = %q, %d, %v; want the 8 bytes", test.framing, test.data, msg, n, err)
		}
	}
}
