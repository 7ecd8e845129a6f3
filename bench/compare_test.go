package bench

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/endpoint"
)

// answersAfter answers each message of 64 bytes after a while.
func answersAfter(d time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 64)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			time.Sleep(d)
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}
}

// The second endpoint is half as fast, and the first rounds begin in turn.
func TestCompare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ea := listen(t, "mem:TestCompareA", answersAfter(time.Millisecond))
		_, eb := listen(t, "mem:TestCompareB", answersAfter(2*time.Millisecond))
		a := Load{Endpoint: ea, Exchange: echoing(t, 64), Time: time.Second, Warmup: -1}
		b := a
		b.Endpoint = eb
		var order []string
		c, err := Compare(context.Background(), a, b, 3, func(round int, second bool, r *Report) {
			order = append(order, fmt.Sprint(round, second, strings.HasSuffix(r.Endpoint, "B")))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(order, ", "), "0 false false, 0 true true, 1 true true, 1 false false, 2 false false, 2 true true"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		if len(c.Rounds) != 3 {
			t.Fatalf("%d rounds, want 3", len(c.Rounds))
		}
		for i, p := range c.Rounds {
			if p.A.Endpoint != "mem:TestCompareA" || p.B.Endpoint != "mem:TestCompareB" {
				t.Errorf("round %d: %s against %s", i, p.A.Endpoint, p.B.Endpoint)
			}
			if p.Rate < 0.49 || p.Rate > 0.51 || p.P50 < 1.99 || p.P50 > 2.01 || p.P99 < 1.99 || p.P99 > 2.01 {
				t.Errorf("round %d: rate %v, p50 %v, p99 %v; want 0.5, 2, 2", i, p.Rate, p.P50, p.P99)
			}
		}
		if c.Rate.Median != c.Rounds[1].Rate || c.Rate.Min > c.Rate.Median || c.Rate.Max < c.Rate.Median || c.P50.Median < 1.99 || c.P99.Median < 1.99 {
			t.Errorf("%+v", c)
		}
	})
}

// It ends with the round in which one fails, or in which ctx ends.
func TestCompareEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := listen(t, "mem:TestCompareEndsEarly", answersAfter(time.Millisecond))
		a := Load{Endpoint: e, Exchange: echoing(t, 64), Time: time.Second, Warmup: -1}
		b := a
		b.Endpoint = endpoint.MustParse("mem:nobody")
		c, err := Compare(context.Background(), a, b, 5, nil)
		if err != nil || len(c.Rounds) != 1 || c.Rounds[0].B.Failure == "" || c.Rounds[0].Rate != 0 || c.Rate != (Ratio{}) {
			t.Errorf("%+v, %v; want one round", c, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 4500*time.Millisecond)
		defer cancel()
		var reports []*Report
		c, err = Compare(ctx, a, a, 5, func(_ int, _ bool, r *Report) { reports = append(reports, r) })
		if err != nil || len(c.Rounds) != 2 || len(reports) != 5 || !reports[4].Interrupted || reports[4].Sent == 0 {
			t.Errorf("%+v, %d reports, %v; want two rounds and 5 reports, the last of them interrupted", c, len(reports), err)
		}
	})
}

func TestCompareRefuses(t *testing.T) {
	good := Load{Endpoint: endpoint.MustParse("mem:nobody"), Exchange: echoing(t, 64)}
	bad := good
	bad.Depth = -1
	for _, tt := range []struct {
		a, b   Load
		rounds int
		want   string
	}{{good, good, 0, "1 to 1000"}, {good, good, 1001, "1 to 1000"}, {bad, good, 1, "depth"}, {good, bad, 1, "depth"}} {
		_, err := Compare(awhile(t), tt.a, tt.b, tt.rounds, func(int, bool, *Report) { t.Error("a run took place") })
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want an error with %q", err, tt.want)
		}
	}
}

func TestRatios(t *testing.T) {
	var c Comparison
	for _, rate := range []float64{1.5, 0, 0.5, 1, 2} {
		c.Rounds = append(c.Rounds, Pair{Rate: rate})
	}
	c.sumUp()
	if want := (Ratio{Median: 1.25, Min: 0.5, Max: 2, Rounds: 4}); c.Rate != want || c.P50 != (Ratio{}) {
		t.Errorf("%+v, want %+v", c.Rate, want)
	}
}
