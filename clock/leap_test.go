package clock

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

const someLeaps = `#$	3960835200
#@	3991593600
2272060800      10      # 1 Jan 1972
3644697600      36      # 1 Jul 2015
3692217600      37      # 1 Jan 2017
4000000000	38
`

func TestLeaps(t *testing.T) {
	text := strings.Replace(someLeaps, "3644697600      36", "3644697600      11", 1)
	text = strings.Replace(text, "3692217600      37", "3692217600      12", 1)
	text = strings.Replace(text, "4000000000	38", "3723753600 11 # 1 Jan 2018, which never was", 1)
	l, err := ParseLeaps(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]Leap{
		"2016-12-30T23:59:59Z": NoLeap,
		"2016-12-31T00:00:00Z": InsertLeap,
		"2016-12-31T23:59:59Z": InsertLeap,
		"2017-01-01T00:00:00Z": NoLeap,
		"2017-12-31T12:00:00Z": DeleteLeap,
		"2018-01-01T00:00:00Z": NoLeap,
		"1971-12-31T12:00:00Z": NoLeap, // the table's beginning is no leap
		"2015-06-30T12:00:00Z": InsertLeap,
		"2030-06-30T12:00:00Z": NoLeap,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.At(now.In(time.FixedZone("", 5*3600))); got != want {
			t.Errorf("on %s: %v, want %v", at, got, want)
		}
	}
	if want := time.Date(2026, 6, 28, 0, 0, 0, 0, time.UTC); !l.Expires().Equal(want) {
		t.Errorf("expires %v, want %v", l.Expires(), want)
	}
	if (*Leaps)(nil).At(time.Now()) != NoLeap || !(*Leaps)(nil).Expires().IsZero() {
		t.Error("the nil table has something")
	}
}

func TestLeapsRefused(t *testing.T) {
	for _, text := range []string{
		"", "# nothing\n", "x 1\n", "1\n", "1 2 3\n", "1 x\n", "-1 2\n", "#@ soon\n1 10\n",
		"100000 10\n100000 11\n", "100000 10\n200000 12\n", "99999999999999999999 1\n",
	} {
		if l, err := ParseLeaps(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read as %+v", text, l)
		}
	}
}

func TestSystemLeaps(t *testing.T) {
	l, err := SystemLeaps()
	if errors.Is(err, os.ErrNotExist) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := l.At(time.Date(2016, 12, 31, 12, 0, 0, 0, time.UTC)); got != InsertLeap {
		t.Errorf("the system's table has %v at the end of 2016, want a leap second", got)
	}
}

func FuzzParseLeaps(f *testing.F) {
	f.Add(someLeaps)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLeaps(strings.NewReader(text))
		if err == nil {
			l.At(time.Unix(1483142400, 0))
		}
	})
}
