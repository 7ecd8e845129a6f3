package query

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley"
	"parley/clock/ntp"
	"parley/clock/ntpserver"
	"parley/clock/timesync"
	"parley/endpoint"
	"parley/internal/leak"
	"parley/service"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"ntp@example.org":               "ntp@udp://example.org:123",
		"ntp@example.org:11123":         "ntp@udp://example.org:11123",
		"ntp@192.0.2.1":                 "ntp@udp://192.0.2.1:123",
		"ntp@2001:db8::1":               "ntp@udp://[2001:db8::1]:123",
		"ntp@[2001:db8::1]:5":           "ntp@udp://[2001:db8::1]:5",
		"ntp@udp://:11123":              "ntp@udp://:11123",
		"time@host":                     "time@tcp://host:37",
		"time@udp://host:37":            "time@udp://host:37",
		"daytime@host":                  "daytime@tcp://host:13",
		"timesync@host":                 "timesync@udp://host:9527",
		"timesync@/run/t.sock":          "timesync@unix:/run/t.sock",
		"timesync@unix:/run/t.sock":     "timesync@unix:/run/t.sock",
		"timesync@ws://host:8080/a":     "timesync@ws://host:8080/a",
		"ntp@host?source=192.0.2.7":     "ntp@udp://host:123?source=192.0.2.7",
		"ntp@udp6://[fe80::1%25lo]:123": "ntp@udp6://[fe80::1%25lo]:123",
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if parsed, err := endpoint.ParseTarget(want); err != nil || got != parsed {
			t.Errorf("Parse(%q) = %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":              "tells no time",
		"host":          "tells no time",
		"npt@host":      `nearest is "ntp"`,
		"echo@host":     "what does are ntp time daytime timesync",
		"ntp":           "no server",
		"ntp@":          "no server",
		"ntp@tcp://h":   "",
		"ntp@tcp://h:1": "not on tcp",
		"ntp@h:99999":   "",
	} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, %v; want an error with %q", text, got, err, want)
		}
	}
}

// serve serves svc and returns where.
func serve(t *testing.T, svc parley.Service, at string) endpoint.Endpoint {
	t.Helper()
	srv := &parley.Server{}
	if err := srv.Listen(t.Context(), svc, at); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() { srv.Close(); <-served })
	e := srv.Endpoints()[0]
	if pin := srv.Stats()[0].Pin; pin != "" {
		e = e.With("pin", pin)
	}
	return e
}

// ahead is a clock that shows d more than this machine's.
func ahead(d time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(d) }
}

// TestAsk reads clocks that are a known time ahead, by every service, and wants that within
// the error that the reading admits.
func TestAsk(t *testing.T) {
	const off = -90 * time.Minute
	zone := time.FixedZone("UTC", 0)
	daytime := service.Daytime{Now: func() time.Time { return time.Now().Add(off).In(zone) }}
	sync := timesync.New(timesync.Config{Now: ahead(off), Location: time.UTC})
	for _, test := range []struct {
		name string
		svc  parley.Service
		at   string
		text string
		most time.Duration // of the error that is admitted
	}{
		{"ntp", ntpserver.New(ntpserver.Config{Offset: off}), "udp://127.0.0.1:0", "", time.Second / 10},
		{"ntp", ntpserver.New(ntpserver.Config{Offset: off}), "udp://[::1]:0", "", time.Second / 10},
		{"time", service.Time{Now: ahead(off)}, "tcp://127.0.0.1:0", "", 2 * time.Second},
		{"time", service.Time{Now: ahead(off)}, "udp://127.0.0.1:0", "", 2 * time.Second},
		{"daytime", daytime, "tcp://127.0.0.1:0", "UTC", 2 * time.Second},
		{"daytime", daytime, "udp://127.0.0.1:0", "UTC", 2 * time.Second},
		{"timesync", sync, "udp://127.0.0.1:0", "at ", 2 * time.Second},
		{"timesync", sync, "tcp://127.0.0.1:0", "at ", 2 * time.Second},
		{"timesync", sync, "tls://127.0.0.1:0", "at ", 2 * time.Second},
		{"timesync", sync, "ws://127.0.0.1:0/", "at ", 2 * time.Second},
		{"timesync", sync, "unix:" + t.TempDir() + "/s", "at ", 2 * time.Second},
	} {
		e := serve(t, test.svc, test.at)
		target, err := endpoint.ParseTarget(test.name + "@" + e.String())
		if err != nil {
			t.Fatal(err)
		}
		r, err := Ask(context.Background(), target, Options{Format: "at %Y"})
		if err != nil {
			t.Errorf("%s at %s: %v", test.name, test.at, err)
			continue
		}
		if wrong := (r.Offset - off).Abs(); !r.Timed || wrong > r.Error || r.Error > test.most {
			t.Errorf("%s at %s: offset %v ± %v (timed: %v), want %v within that, and that at most %v", test.name, test.at, r.Offset, r.Error, r.Timed, off, test.most)
		}
		if !strings.Contains(r.Text, test.text) || r.Delay <= 0 || r.Delay > time.Minute {
			t.Errorf("%s at %s: text %q, delay %v", test.name, test.at, r.Text, r.Delay)
		}
		if (r.NTP != nil) != (test.name == "ntp") {
			t.Errorf("%s: NTP is %+v", test.name, r.NTP)
		}
	}
}

func TestAskNTPTellsTheServer(t *testing.T) {
	gps, err := ntp.ReferenceIDOf("GPS")
	if err != nil {
		t.Fatal(err)
	}
	e := serve(t, ntpserver.New(ntpserver.Config{State: func(now time.Time) ntpserver.State {
		return ntpserver.State{Stratum: 1, ReferenceID: gps, Reference: now.Add(-time.Minute), RootDelay: time.Second, RootDispersion: time.Second / 4}
	}}), "udp://127.0.0.1:0")
	r, err := Ask(context.Background(), endpoint.Target{Service: "ntp", Endpoint: e}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := r.NTP
	if n.Version != 4 || n.Stratum != 1 || n.ReferenceID != "GPS" || n.RootDelay != time.Second || n.RootDispersion != time.Second/4 || n.Problem != nil {
		t.Errorf("%+v", n)
	}
	if r.Error < time.Second*3/4 {
		t.Errorf("an error of %v is admitted, less than the server's own", r.Error)
	}
	e = serve(t, ntpserver.New(ntpserver.Config{State: func(time.Time) ntpserver.State { return ntpserver.State{} }}), "udp://127.0.0.1:0")
	if r, err := Ask(context.Background(), endpoint.Target{Service: "ntp", Endpoint: e}, Options{}); err == nil && r.NTP.Problem == nil {
		t.Errorf("a server that is not synchronized is no problem: %+v", r.NTP)
	}
}

// TestAskFails names what is wrong, and where.
func TestAskFails(t *testing.T) {
	say := func(text string) parley.Service {
		return parley.ServiceFunc(func(c *parley.Conn, msg []byte) error { return c.Send([]byte(text)) })
	}
	silent := parley.ServiceFunc(func(*parley.Conn, []byte) error { return nil })
	closed := serve(t, silent, "tcp://127.0.0.1:0")
	for _, test := range []struct {
		target string
		is     error
		text   string
	}{
		{"ntp@" + serve(t, say("short"), "udp://127.0.0.1:0").String(), ErrAnswer, "ask udp://127.0.0.1:"},
		{"time@" + serve(t, say("short"), "udp://127.0.0.1:0").String(), ErrAnswer, `4 bytes, this one is "short"`},
		{"ntp@" + serve(t, silent, "udp://127.0.0.1:0").String(), os.ErrDeadlineExceeded, "no answer"},
		{"timesync@" + serve(t, silent, "udp://127.0.0.1:0").String(), os.ErrDeadlineExceeded, "no answer"},
		{"time@" + closed.String(), os.ErrDeadlineExceeded, "no answer"},
		{"time@tcp://127.0.0.1:1", syscall.ECONNREFUSED, "refused"},
		{"ntp@udp://127.0.0.1:1", syscall.ECONNREFUSED, "refused"},
	} {
		target, err := Parse(test.target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Ask(context.Background(), target, Options{Timeout: 300 * time.Millisecond})
		if !errors.Is(err, test.is) || !strings.Contains(fmt.Sprint(err), test.text) {
			t.Errorf("%s: %v; want %v, with %q", test.target, err, test.is, test.text)
		}
	}
}

func TestParseDaytime(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	want := time.Date(2026, 11, 20, 20, 14, 3, 0, time.UTC)
	for text, ok := range map[string]bool{
		"Friday, November 20, 2026 20:14:03-UTC":           true,
		"Friday, November 20, 2026 21:14:03-CET":           true,
		"Friday, November 20, 2026 21:14:03-XYZ":           false,
		"Fri Nov 20 21:14:03 2026":                         false, // of which zone?
		"2026-11-20 20:14:03":                              false,
		"20 NOV 2026 20:14:03 UTC":                         true,
		"20 NOV 2026 20:14:03 GMT":                         true,
		"Fri, 20 Nov 2026 15:14:03 -0500":                  true,
		"2026-11-20T20:14:03Z":                             true,
		"61364 26-11-20 20:14:03 00 0 0   0.0 UTC(NIST) *": true,
		"61365 26-11-20 20:14:03 00 0 0   0.0 UTC(NIST) *": false, // another day
		"61364 26-11-20 20:14:03 00 0 0   nan UTC(NIST) *": false,
		"half past eight":                                  false,
		"":                                                 false,
	} {
		got, read := parseDaytime(text, berlin)
		if read != ok || ok && !got.Equal(want) {
			t.Errorf("parseDaytime(%q) = %v, %v; want %v, %v", text, got, read, want, ok)
		}
	}
	if got, ok := parseDaytime("61364 26-11-20 20:14:03 00 0 0 600.0 UTC(NIST) *", berlin); !ok || want.Sub(got) != 600*time.Millisecond {
		t.Errorf("a moment 600 ms later than it was said: %v, %v", got, ok)
	}
}

// TestTimeIn2036 reads the four bytes of RFC 868 after they began again.
func TestTimeIn2036(t *testing.T) {
	s := said{answer: binary.BigEndian.AppendUint32(nil, 5), at: time.Date(2036, 2, 8, 0, 0, 0, 0, time.UTC)}
	got := ntp.Timestamp(uint64(binary.BigEndian.Uint32(s.answer)) << 32).Time(s.at)
	if want := time.Date(2036, 2, 7, 6, 28, 21, 0, time.UTC); !got.Equal(want) {
		t.Errorf("5 is %v, want %v", got, want)
	}
}

func FuzzParseDaytime(f *testing.F) {
	f.Add("Fri Nov 20 21:14:03 2026")
	f.Add("61364 26-11-20 20:14:03 00 0 0 600.0 UTC(NIST) *")
	f.Fuzz(func(t *testing.T, text string) { parseDaytime(text, time.UTC) })
}

func FuzzParse(f *testing.F) {
	f.Add("ntp@[::1]:5?source=1.2.3.4")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q was read as %v, which is read as %v, %v", text, got, again, err)
		}
	})
}
