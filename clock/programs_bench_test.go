package clock_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"parley/clock/ntpserver"
)

// BenchmarkOffsetDeviation reports the standard deviation of the offset that a client chronyd
// measures over loopback in interleaved mode: of our server, and of a chronyd. The median of
// the rounds. Aim: ratio 10 at most.
func BenchmarkOffsetDeviation(b *testing.B) {
	need(b, "chronyd")
	ours := serve(b, ntpserver.New(ntpserver.Config{}), "udp://127.0.0.1:0").Port
	theirs := freePort(b)
	startChronyd(b, "local stratum 10\nallow\nport "+theirs)
	var ns, theirNS []float64
	for range min(b.N, 5) {
		ns = append(ns, offsetDeviation(b, ours))
		theirNS = append(theirNS, offsetDeviation(b, theirs))
	}
	slices.Sort(ns)
	slices.Sort(theirNS)
	m, t := ns[len(ns)/2], theirNS[len(theirNS)/2]
	b.ReportMetric(m, "deviation-ns")
	b.ReportMetric(t, "chronyd-ns")
	b.ReportMetric(m/max(t, 1), "ratio")
	b.ReportMetric(0, "ns/op")
}

// sourceStats is the last column of chronyc sourcestats, in CSV seconds.
var sourceStats = regexp.MustCompile(`(?m)^[^,]+,(\d+),\d+,\d+,[^,]+,[^,]+,[^,]+,([0-9.e-]+)$`)

// offsetDeviation runs a client chronyd for a while against a port.
func offsetDeviation(b *testing.B, port string) float64 {
	c := startChronyd(b, "server 127.0.0.1 port "+port+" minpoll -4 maxpoll -4 xleave")
	defer c.stop()
	time.Sleep(8 * time.Second) // which it takes to have 64 samples
	found := c.ask("-c sourcestats", sourceStats)
	d, err := time.ParseDuration(found[2] + "s")
	if err != nil {
		b.Fatalf("%q: %v", found[2], err)
	}
	return float64(d)
}
