package service

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley"
)

// stamped is what stamp puts before a message at a time.
func stamped(t *testing.T, at time.Time) (text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, Stamp{Now: func() time.Time { return at }}, memory(t), parley.Limits{}).dial()
		c.send("x\n")
		b := make([]byte, 100)
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.TrimSuffix(string(b[:n]), " x\n")
	})
	return text
}

func TestStampLayout(t *testing.T) {
	east := time.FixedZone("east", 3*60*60)
	tests := []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 20, 20, 14, 3, 0, time.UTC), "[Fri Nov 20 20:14:03 2026]"},
		{time.Date(2026, 11, 5, 7, 8, 9, 999_999_999, time.UTC), "[Thu Nov  5 07:08:09 2026]"},
		{time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), "[Thu Feb 29 23:59:59 2024]"},
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), "[Thu Jan  1 00:00:00 1970]"},
		{time.Date(2026, 12, 31, 22, 0, 0, 0, time.UTC).In(east), "[Fri Jan  1 01:00:00 2027]"}, // the clock's zone
	}
	for _, tt := range tests {
		if got := stamped(t, tt.at); got != tt.want {
			t.Errorf("at %v: %q, want %q", tt.at, got, tt.want)
		}
	}
}

// TestStampLayoutIsPythons compares with Python's time.ctime, which is C's
// layout.
func TestStampLayoutIsPythons(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	random := rand.New(rand.NewPCG(1, 2))
	args := []string{"-c", "import sys, time\nfor s in sys.argv[1:]: print(time.asctime(time.gmtime(int(s))))"}
	var want []string
	for range 300 {
		at := time.Unix(random.Int64N(1<<33), 0).UTC()
		args = append(args, strconv.FormatInt(at.Unix(), 10))
		want = append(want, stamped(t, at))
	}
	out, err := exec.Command(python, args...).Output()
	if err != nil {
		t.Skipf("python3 does not work here: %v", err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(out), "\r", ""), "\n"), "\n") {
		if got := "[" + line + "]"; got != want[i] {
			t.Errorf("at %s: Python says %q, stamp %q", args[i+2], got, want[i])
		}
	}
}

// TestClocksAreLocal shows what the zero values tell: local time.
func TestClocksAreLocal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Stamp{}, memory(t), parley.Limits{})
		want := "[" + time.Now().Format("Mon Jan _2 15:04:05 2006") + "] x\n"
		c := s.dial()
		c.send("x\n")
		c.expect(want)
	})
}

// rfc867 is RFC 867's first syntax: "Weekday, Month Day, Year Time-Zone".
var rfc867 = regexp.MustCompile(`^[A-Z][a-z]+day, [A-Z][a-z]+ [1-9][0-9]?, [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}-[A-Z0-9+-]+\r\n$`)

func TestDaytime(t *testing.T) {
	pst := time.FixedZone("PST", -8*60*60)
	example := Daytime{Now: func() time.Time { return time.Date(1982, 2, 22, 17, 37, 43, 0, pst) }}
	if got, want := string(example.line()), "Monday, February 22, 1982 17:37:43-PST\r\n"; got != want { // the RFC's Tuesday was a Monday
		t.Errorf("daytime says %q, want %q", got, want)
	}
	for _, zone := range []*time.Location{time.UTC, time.Local, pst, time.FixedZone("", 5*60*60+30*60)} {
		for day := range 400 {
			d := Daytime{Now: func() time.Time { return noon.In(zone).AddDate(0, 0, day) }}
			if line := d.line(); !rfc867.Match(line) {
				t.Errorf("daytime says %q, which is not RFC 867's syntax", line)
			}
		}
	}
}

// TestDaytimeEndsAtOnce shows that it does not wait for a message.
func TestDaytimeEndsAtOnce(t *testing.T) {
	for _, svc := range []parley.Service{Daytime{}, Time{}} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, svc, "mem:TestDaytimeEndsAtOnce", parley.Limits{})
			c := s.dial()
			b := make([]byte, 100)
			n, err := c.Read(b)
			if want := map[string]bool{"daytime": rfc867.Match(b[:n]), "time": n == 4}[fmt.Sprint(svc)]; !want || err != nil {
				t.Errorf("%v says %q, %v", svc, b[:n], err)
			}
			if after := c.expectEnd(); after != 0 {
				t.Errorf("%v ends after %v, want at once", svc, after)
			}
			c.Close()
			if err := s.ended(); err != nil {
				t.Errorf("%v: the session ends with %v", svc, err)
			}
		})
	}
}

// TestTime takes RFC 868's own examples, and the wrap of 2036.
func TestTime(t *testing.T) {
	tests := []struct {
		at   time.Time
		want uint32
	}{
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 2_208_988_800},
		{time.Date(1976, 1, 1, 0, 0, 0, 0, time.UTC), 2_398_291_200},
		{time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), 2_524_521_600},
		{time.Date(1983, 5, 1, 0, 0, 0, 0, time.UTC), 2_629_584_000},
		{time.Date(1858, 11, 17, 0, 0, 0, 0, time.UTC), 1<<32 - 1_297_728_000},
		{time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC), 1<<32 - 1},
		{time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC), 0},
		{time.Date(2036, 2, 7, 6, 28, 17, 999, time.UTC), 1},
		{time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), uint32((4_102_444_800 + 2_208_988_800) % (1 << 32))},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := serve(t, Time{Now: func() time.Time { return tt.at }}, "mem:TestTime", parley.Limits{}).dial()
			c.expect(string(binary.BigEndian.AppendUint32(nil, tt.want)))
			c.expectEnd()
		})
	}
}
