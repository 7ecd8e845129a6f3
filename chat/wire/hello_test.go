package wire

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

const token = "abcdefghijklmnopqrst-_"

func TestHello(t *testing.T) {
	for _, c := range []struct {
		hello Hello
		line  string
	}{
		{Hello{Token: token, Next: 1}, "PARLEY 1 token=" + token + "\n"},
		{Hello{Token: token, Name: "ada", Next: 1}, "PARLEY 1 token=" + token + " name=ada\n"},
		{Hello{Token: token, Next: 2}, "PARLEY 1 token=" + token + " next=2\n"},
		{Hello{Token: token, Name: "ada", Next: 18}, "PARLEY 1 token=" + token + " name=ada next=18\n"},
	} {
		b := c.hello.Append(nil)
		if string(b) != c.line || !IsHello(b) {
			t.Errorf("%+v appended: %q, want %q", c.hello, b, c.line)
		}
		if got, err := ParseHello(reparse(t, b)); got != c.hello || err != nil {
			t.Errorf("ParseHello(%q) = %+v, %v", b, got, err)
		}
	}
	if b := (Hello{Token: token}).Append(nil); string(b) != "PARLEY 1 token="+token+"\n" {
		t.Errorf("Next 0 is appended as %q", b)
	}
	got, err := ParseHello(reparse(t, []byte("PARLEY 1 next=3 color=red name=ada token="+token)))
	if want := (Hello{Token: token, Name: "ada", Next: 3}); got != want || err != nil {
		t.Errorf("in another order, with a key more: %+v, %v, want %+v", got, err, want)
	}
}

func TestParseHelloErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"QUIT", `line "QUIT": expected PARLEY`},
		{"PARLEY", `line "PARLEY": word 1 after the verb, a number, is missing`},
		{"PARLEY one token=" + token, `line "PARLEY one token=…": byte 8: "one" is no decimal number`},
		{"PARLEY 1", `line "PARLEY 1": token= is not 22 to 64 of A-Z a-z 0-9 - _`},
		{"PARLEY 1 token=short", `line "PARLEY 1 token=…": token= is not 22 to 64 of A-Z a-z 0-9 - _`},
		{"PARLEY 1 token=" + token + "!", `line "PARLEY 1 token=…": token= is not 22 to 64 of A-Z a-z 0-9 - _`},
		{"PARLEY 1 ada token=" + token, `line "PARLEY 1 ada token=…": byte 10: "ada" is one word too many`},
		{"PARLEY 1 next=0 token=" + token, `line "PARLEY 1 next=0 token=…": byte 10: next=0: IDs begin with 1`},
		{"PARLEY 1 next=x token=" + token, `line "PARLEY 1 next=x token=…": byte 10: next="x" is no decimal number`},
		{"PARLEY 1 token=" + token + " :x", `line "PARLEY 1 token=…": byte 39: a text, but PARLEY has none`},
		{"PARLEY 2 x token=" + token, "another version of the protocol: 2, expected 1"},
	} {
		h, err := ParseHello(reparse(t, []byte(c.line)))
		if err == nil || err.Error() != c.want || h != (Hello{}) {
			t.Errorf("ParseHello(%q) = %+v, %v\nwant the error %s", c.line, h, err, c.want)
		}
		if errors.Is(err, ErrVersion) != strings.Contains(c.line, "PARLEY 2") {
			t.Errorf("ParseHello(%q): the error %v, by errors.Is", c.line, err)
		}
	}
}

func TestIsHello(t *testing.T) {
	for s, want := range map[string]bool{
		"PARLEY 1 token=x": true, "PARLEY 2 new token=x\r\n": true, "PARLEY 1  token=": true,
		"": false, "PARLEY": false, "PARLEY 1": false, "PARLEY 1 name=x": false, "PARLEY token=x": false, "PARLEY x token=y": false,
		"parley 1 token=x": false, " PARLEY 1 token=x": false, "PARLEYS 1 token=x": false, "PARLEY 1 mytoken=x": false, "hello": false,
	} {
		if IsHello([]byte(s)) != want {
			t.Errorf("IsHello(%q) = %v", s, !want)
		}
	}
}

func TestWelcome(t *testing.T) {
	for _, c := range []struct {
		welcome Welcome
		line    string
	}{
		{
			Welcome{Name: "ada", Self: "0123456789ab", Next: 1, Room: "lobby", Max: 4096},
			"PARLEY 1 name=ada self=0123456789ab next=1 room=lobby max=4096\n",
		},
		{
			Welcome{Name: "guest-3", Self: "0123456789ab", Next: 9, Room: "lobby", Max: 100, Idle: 2 * time.Minute, Prove: "w-1"},
			"PARLEY 1 name=guest-3 self=0123456789ab next=9 room=lobby max=100 idle=120000 prove=w-1\n",
		},
	} {
		b := c.welcome.Append(nil)
		if string(b) != c.line {
			t.Errorf("%+v appended: %q, want %q", c.welcome, b, c.line)
		}
		if got, err := ParseWelcome(reparse(t, b)); got != c.welcome || err != nil {
			t.Errorf("ParseWelcome(%q) = %+v, %v", b, got, err)
		}
	}
}

func TestParseWelcomeErrors(t *testing.T) {
	const good = "PARLEY 1 name=a self=0123456789ab next=1 room=r max=9"
	for _, c := range []struct{ old, new, want string }{
		{"PARLEY 1", "PARLEY 3", "another version of the protocol: 3, expected 1"},
		{"PARLEY", "NOTE", "expected PARLEY"},
		{"name=a ", "", "name= is missing"},
		{"name=a", "name=", "name= is missing"},
		{"0123456789ab", "x", "self= is not 12 hexadecimal digits"},
		{" next=1", "", "next= is missing"},
		{"next=1", "next=0", "next=0: IDs begin with 1"},
		{"room=r", "", "room= is missing"},
		{"max=9", "max=0", "max=0 allows no text"},
		{"max=9", "max=-1", `max="-1" is no decimal number`},
		{"max=9", "max=9 idle=x", `idle="x" is no decimal number`},
	} {
		line := strings.Join(strings.Fields(strings.Replace(good, c.old, c.new, 1)), " ")
		w, err := ParseWelcome(reparse(t, []byte(line)))
		if err == nil || !strings.HasSuffix(err.Error(), c.want) || w != (Welcome{}) {
			t.Errorf("ParseWelcome(%q) = %+v, %v, want the error %s", line, w, err, c.want)
		}
	}
	w, err := ParseWelcome(reparse(t, []byte(good+"99999999999 idle=18446744073709551615")))
	if err != nil || w.Max != MaxLine || w.Idle != math.MaxInt64/time.Millisecond*time.Millisecond {
		t.Errorf("numbers too large: %+v, %v, want them bounded", w, err)
	}
}

func TestNak(t *testing.T) {
	for _, c := range []struct {
		nak  Nak
		line string
	}{
		{Nak{ID: 3, Code: CodeTooLong, Text: "at most 4096 bytes"}, "NAK 3 too-long :at most 4096 bytes\n"},
		{Nak{ID: 3, Code: CodeOrder, Again: true}, "NAK 3 order retry=0 :\n"},
		{Nak{ID: 3, Code: CodeFlood, Again: true, Retry: 250 * time.Millisecond, Text: "x"}, "NAK 3 flood retry=250 :x\n"},
	} {
		b := c.nak.Append(nil)
		if string(b) != c.line {
			t.Errorf("%+v appended: %q, want %q", c.nak, b, c.line)
		}
		if got, err := ParseNak(reparse(t, b)); got != c.nak || err != nil {
			t.Errorf("ParseNak(%q) = %+v, %v", b, got, err)
		}
	}
	if got := string(Nak{ID: 1, Code: "x", Retry: time.Nanosecond}.Append(nil)); got != "NAK 1 x retry=1 :\n" {
		t.Errorf("a Retry of 1 ns: %q, want it rounded up", got)
	}
	for _, line := range []string{"ACK 1 2", "NAK 1 x", "NAK x y :z", "NAK 1 :x", "NAK 1 x retry=soon :y", "NAK 1 x y :z"} {
		if n, err := ParseNak(reparse(t, []byte(line))); err == nil || n != (Nak{}) {
			t.Errorf("ParseNak(%q) = %+v, %v, want an error", line, n, err)
		}
	}
}

func TestTokens(t *testing.T) {
	a, b := NewToken(), NewToken()
	if a == b || !IsToken(a) || len(a) != minToken {
		t.Errorf("NewToken gave %s and %s", a, b)
	}
	if got, want := PublicHalf("abc"), "ba7816bf8f01"; got != want { // SHA-256 of abc, FIPS 180-2 appendix B.1
		t.Errorf("PublicHalf(abc) = %s, want %s", got, want)
	}
	if !IsSelf(PublicHalf(a)) {
		t.Errorf("IsSelf(%s) = false", PublicHalf(a))
	}
	for s, want := range map[string]bool{
		token: true, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false, token[1:]: false, "": false, token + "=": false, token + "ü": false,
	} {
		if IsToken(s) != want {
			t.Errorf("IsToken(%q) = %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"a": true, "A-z_09": true, strings.Repeat("x", 32): true, strings.Repeat("x", 33): false, "": false, "a=b": false, "a b": false} {
		if IsTag(s) != want {
			t.Errorf("IsTag(%q) = %v", s, !want)
		}
	}
}
