package endpoint

import (
	"strings"
	"testing"
	"unicode"
)

// checkError fails t unless err is a *ParseError that points into in and prints
// as one line.
func checkError(t *testing.T, in string, err error) {
	t.Helper()
	bad, ok := err.(*ParseError)
	if !ok {
		t.Fatalf("parse of %q: error %v, want a *ParseError", in, err)
	}
	if bad.Input != in || bad.Offset < 0 || bad.Length < 0 || bad.Offset+bad.Length > len(in) {
		t.Errorf("parse of %q: got Input %q, Offset %d, Length %d: outside of the text", in, bad.Input, bad.Offset, bad.Length)
	}
	if strings.ContainsFunc(bad.Error(), unicode.IsControl) {
		t.Errorf("parse of %q: error %q has a control character", in, bad.Error())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		":7", "h:7", "[::1]:7", "/p", "./p?a=b&c", "tcp://[fe80::1%25eth0]:echo?a=%26", "ws://h/a%3Fb//",
		"unix:////a", "unixgram:@a%00b", "ip://[::1]?proto=1", "fd:3", "mem:x", "::1:7", "tcp://[fe80::1%25]:7",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			checkError(t, s, err)
			return
		}
		text := e.String()
		again, err := Parse(text)
		if err != nil || again != e || again.String() != text {
			t.Errorf("Parse(%q) = %#v, as text %q, which is read as %#v, %v", s, e, text, again, err)
		}
		rebuilt := e.Bare()
		for name, value := range e.Options() {
			if got, ok := e.Option(name); !ok || got != value {
				t.Errorf("%s: Option(%q) = %q, %v, want %q", e, name, got, ok, value)
			}
			rebuilt = rebuilt.With(name, value)
		}
		if rebuilt != e {
			t.Errorf("%s: put together from its options: %s", e, rebuilt)
		}
	})
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{
		"echo@tcp://:7", "gate?secret=1&wait=5s@unix:/run/g.sock", "echo", "greet?text=x%40", "a@unix:@b", "a?b=c@d@:7", ":7",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := ParseTarget(s)
		if err != nil {
			checkError(t, s, err)
			return
		}
		text := target.String()
		again, err := ParseTarget(text)
		if err != nil || again != target || again.String() != text {
			t.Errorf("ParseTarget(%q) = %#v, as text %q, which is read as %#v, %v", s, target, text, again, err)
		}
		for name, value := range target.Params() {
			if got, ok := target.Param(name); !ok || got != value {
				t.Errorf("%s: Param(%q) = %q, %v, want %q", target, name, got, ok, value)
			}
		}
	})
}
