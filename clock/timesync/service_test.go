package timesync

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/internal/leak"
	"parley/service/servicetest"
)

func TestMain(m *testing.M) { leak.Main(m) }

func fixed() time.Time { return monday }

func TestService(t *testing.T) {
	servicetest.Test(t, func() parley.Service { return New(Config{Now: fixed, Location: time.UTC}) }, servicetest.Options{
		Dialogue: func(peer int) servicetest.Dialogue {
			d := servicetest.Dialogue{Steps: []servicetest.Step{
				{Send: fmt.Sprintf("%d: %%Y/%%m/%%d %%H:%%M:%%S\n", peer), Want: fmt.Sprintf("%d: 2026/01/05 07:08:09\n", peer)},
				{Send: "\r\n", Want: "2026-01-05 07:08:09\r\n"},
				{Send: "%Q\n", Want: "%Q\n"},
			}}
			if peer == 0 {
				d.Steps = append(d.Steps, servicetest.Step{Send: "%Y without a line end", Want: "2026 without a line end"})
			}
			return d
		},
	})
}

// TestDatagramsDoNotAmplify asks for much in a few bytes.
func TestDatagramsDoNotAmplify(t *testing.T) {
	srv := &parley.Server{}
	if err := srv.Listen(t.Context(), New(Config{Now: fixed, Location: time.UTC}), "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	defer func() { srv.Close(); <-served }()
	c, err := net.Dial("udp", srv.Endpoints()[0].Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, test := range []struct{ ask, want string }{
		{"%999Y", strings.Repeat("0", 256)},
		{strings.Repeat("%999Y", 60), strings.Repeat("0", 300)},
		{"", "2026-01-05 07:08:09"},
	} {
		if _, err := c.Write([]byte(test.ask)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1<<16)
		n, err := c.Read(buf)
		if err != nil || string(buf[:n]) != test.want {
			t.Errorf("%.20q was answered %d bytes %q, %v; want %q", test.ask, n, buf[:n], err, test.want)
		}
	}
}

func TestSourcesAreLimited(t *testing.T) {
	s := New(Config{PerSource: 2})
	far, near := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")
	served := 0
	for range 100 {
		if s.admits(far, monday) {
			served++
		}
		if !s.admits(near, monday) {
			t.Fatal("loopback was limited")
		}
	}
	if served != 8 {
		t.Errorf("%d answers at once, want 8: four seconds' worth", served)
	}
	if !New(Config{PerSource: -1}).admits(far, monday) {
		t.Error("limited without a limit")
	}
}

func TestZone(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	got, _ := Expand(nil, monday.In(tokyo), "%H %Z %z", 100)
	if string(got) != "16 JST +0900" {
		t.Errorf("in Tokyo it is %q", got)
	}
}
