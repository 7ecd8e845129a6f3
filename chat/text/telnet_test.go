package text

import (
	"bytes"
	"testing"
)

// slowStrip is the oracle of StripTelnet: a byte at a time, one state each.
func slowStrip(b []byte) (out []byte) {
	state := "text"
	for _, c := range b {
		switch state {
		case "text":
			if c == 255 {
				state = "iac"
			} else {
				out = append(out, c)
			}
		case "iac":
			switch {
			case c == 255:
				state = "text"
			case c >= 251:
				state = "option"
			case c == 250:
				state = "sub"
			case c >= 236:
				state = "text"
			default:
				out, state = append(out, c), "text"
			}
		case "option":
			state = "text"
		case "sub":
			if c == 255 {
				state = "subiac"
			}
		case "subiac":
			state = "sub"
			if c == 240 {
				state = "text"
			}
		}
	}
	return out
}

func TestStripTelnet(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"no commands", "no commands"},
		{"\xff\xfb\x1f\xff\xfd\x01hello\r\n", "hello\r\n"},
		{"a\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0b", "ab"},
		{"a\xff\xfa\x18\x00x\xff\xff\xf0y\xff\xf0b", "ab"}, // IAC IAC in a subnegotiation is data
		{"a\xff\xffb", "ab"},
		{"a\xff\xf1b\xff\xf4c", "abc"},
		{"a\xff\xecb", "ab"},
		{"a\xffb", "ab"},
		{"a\xff", "a"},
		{"a\xff\xfb", "a"},
		{"a\xff\xfa\x18 not ended\n", "a"},
		{"a\xff\xfa\xff", "a"},
		{"\x00\x18\xff\xf0rest", "\x00\x18rest"}, // the end of one whose start was in another line
		{"ü\xff\xfe\x03€", "ü€"},
	} {
		if got := StripTelnet([]byte(c.in)); string(got) != c.want {
			t.Errorf("StripTelnet(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestStripTelnetInPlace(t *testing.T) {
	b := []byte("\xff\xfb\x01abc")
	if got := StripTelnet(b); &got[0] != &b[0] {
		t.Error("StripTelnet copied")
	}
}

func FuzzStripTelnet(f *testing.F) {
	for _, s := range []string{"", "\xff\xfb\x1fhi", "\xff\xfa\x1f\xff\xff\xff\xf0x", "\xff\xff\xff\xf0", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want := slowStrip(b)
		got := StripTelnet(bytes.Clone(b))
		if !bytes.Equal(got, want) {
			t.Errorf("StripTelnet(%q) = %q, want %q", b, got, want)
		}
		if bytes.IndexByte(got, 255) >= 0 {
			t.Errorf("StripTelnet(%q) = %q has an IAC", b, got)
		}
	})
}
