package bench

import (
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	i := Interval{
		At: 12*time.Second + 3*time.Millisecond, Length: time.Second, Open: 64, Answered: 123_456,
		P50: 45_100, P99: 102_000, Max: 1_200_000,
	}
	warming := i
	warming.At = 0
	broken := i
	broken.Lost, broken.Errors = 3, 1
	opening := Interval{Mode: Connects, At: time.Hour, Length: 2 * time.Second, Opened: 9, Open: 4}
	for _, c := range []struct {
		name  string
		i     Interval
		width int
		want  string
	}{
		{"wide", i, 100, "  12.0 s    123,456 messages/s  p50 45.1 µs  p99  102 µs  max 1.20 ms     64 open"},
		{"default", i, 0, "  12.0 s    123,456 messages/s  p50 45.1 µs  p99  102 µs     64 open"},
		{"warm-up", warming, 80, " warm-up    123,456 messages/s  p50 45.1 µs  p99  102 µs     64 open"},
		{"narrow", i, 60, "  12.0 s    123,456 messages/s  p50 45.1 µs  p99  102 µs"},
		{"narrower", i, 50, "  12.0 s    123,456 messages/s  p99  102 µs"},
		{"narrowest", i, 20, "  123,456 messages/s"},
		{"cut", i, 8, "  123,45"},
		{"broken", broken, 100, "  12.0 s    123,456 messages/s  p50 45.1 µs  p99  102 µs  max 1.20 ms     64 open  3 lost  1 error"},
		{"broken narrow", broken, 61, "  12.0 s    123,456 messages/s  p99  102 µs  3 lost  1 error"},
		{"opening", opening, 80, "  1h0m0s       4.50 sessions/s  p50       -  p99       -      4 open"},
		{"empty", Interval{At: time.Second}, 80, "   1.0 s          0 messages/s  p50       -  p99       -      0 open"},
	} {
		got := c.i.Line(c.width)
		if got != c.want {
			t.Errorf("%s: Line(%d) =\n%q, want\n%q", c.name, c.width, got, c.want)
		}
		if strings.ContainsAny(got, "\r\n\x1b") {
			t.Errorf("%s: Line(%d) = %q, more than one plain line", c.name, c.width, got)
		}
	}
}
