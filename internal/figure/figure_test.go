package figure

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct{ name, got, want string }{
		{"Latency(0)", Latency(0), "0 ns"},
		{"Latency(7)", Latency(7), "7 ns"},
		{"Latency(999)", Latency(999), "999 ns"},
		{"Latency(999.6)", Latency(999.6), "1.00 µs"},
		{"Latency(1000)", Latency(1000), "1.00 µs"},
		{"Latency(9_994)", Latency(9_994), "9.99 µs"},
		{"Latency(9_996)", Latency(9_996), "10.0 µs"},
		{"Latency(45_149)", Latency(45_149), "45.1 µs"},
		{"Latency(99_960)", Latency(99_960), "100 µs"},
		{"Latency(999_499)", Latency(999_499), "999 µs"},
		{"Latency(999_600)", Latency(999_600), "1.00 ms"},
		{"Latency(1e9)", Latency(1e9), "1.00 s"},
		{"Latency(3600e9)", Latency(3600e9), "3,600 s"},
		{"Latency(-1500)", Latency(-1500), "-1.50 µs"},
		{"Latency(NaN)", Latency(nan), "-"},
		{"Latency(Inf)", Latency(inf), "-"},
		{"Bytes(0)", Bytes(0), "0 B"},
		{"Bytes(64)", Bytes(64), "64 B"},
		{"Bytes(1400)", Bytes(1400), "1.40 kB"},
		{"Bytes(999_999_999)", Bytes(999_999_999), "1.00 GB"},
		{"Bytes(-Inf)", Bytes(-inf), "-"},
		{"Span(10 s)", Span(10 * time.Second), "10.0 s"},
		{"Span(599 s)", Span(599 * time.Second), "599 s"},
		{"Span(1 h)", Span(time.Hour + 1600*time.Millisecond), "1h0m2s"},
		{"Count(0)", Count(0), "0"},
		{"Count(999)", Count(999), "999"},
		{"Count(1000)", Count(1000), "1,000"},
		{"Count(1234567)", Count(1234567), "1,234,567"},
		{"Count(-123)", Count(-123), "-123"},
		{"Count(-123456)", Count(-123456), "-123,456"},
		{"Count(MinInt64)", Count(math.MinInt64), "-9,223,372,036,854,775,808"},
		{"Rate(0)", Rate(0), "0"},
		{"Rate(0.5)", Rate(0.5), "0.50"},
		{"Rate(12.34)", Rate(12.34), "12.3"},
		{"Rate(123456.7)", Rate(123456.7), "123,457"},
		{"Rate(999.7)", Rate(999.7), "1,000"},
		{"Rate(NaN)", Rate(nan), "-"},
		{"Short(0)", Short(0), "0 "},
		{"Short(50)", Short(50), "50 "},
		{"Short(12.34)", Short(12.34), "12.3 "},
		{"Short(50_000)", Short(50_000), "50.0 k"},
		{"Short(1_234_567)", Short(1_234_567), "1.23 M"},
		{"Share(0, 0)", Share(0, 0), "-"},
		{"Share(0, 9)", Share(0, 9), "0 %"},
		{"Share(9, 9)", Share(9, 9), "100 %"},
		{"Share(1, 8)", Share(1, 8), "12.500 %"},
		{"Share(15, 100_000)", Share(15, 100_000), "0.015 %"},
		{"Share(2, 3)", Share(2, 3), "66.666 %"},
		{"Share(3, 2)", Share(3, 2), "150.000 %"},
		{"Share(MaxInt64, 1)", Share(math.MaxInt64, 1), "922337203685477580800.000 %"},
		{"Share(1, 1e6)", Share(1, 1e6), "<0.001 %"},
		{"Share(1e9-1, 1e9)", Share(1e9-1, 1e9), "99.999 %"},
		{"Share(MaxInt64-1, MaxInt64)", Share(math.MaxInt64-1, math.MaxInt64), "99.999 %"},
		{"Ratio(1)", Ratio(1), "×1.000"},
		{"Ratio(0.5)", Ratio(0.5), "×0.500"},
		{"Ratio(12.34)", Ratio(12.34), "×12.3"},
		{"Ratio(12345)", Ratio(12345), "×12,345"},
		{"Ratio(NaN)", Ratio(nan), "-"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		s    string
		want []string
	}{
		{"", nil},
		{"busy 99.5 % of the time", []string{"busy", "99.5 %", "of", "the", "time"}},
		{"1 2 3 4", []string{"1 2", "3 4"}},
		{"p99  1.20 ms, ends 7", []string{"p99", "1.20 ms,", "ends", "7"}},
	} {
		if got := Words(c.s); !slices.Equal(got, c.want) {
			t.Errorf("Words(%q) = %q, want %q", c.s, got, c.want)
		}
	}
}
