package client

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/clock"
	"parley/clock/discipline"
	"parley/clock/ntpserver"
	"parley/endpoint"
	"parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 20 * time.Second

func serve(t *testing.T, svc parley.Service) endpoint.Endpoint {
	t.Helper()
	srv := &parley.Server{}
	if err := srv.Listen(context.Background(), svc, "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() { srv.Close(); <-served })
	return srv.Endpoints()[0]
}

// quick is a discipline that asks often.
var quick = discipline.Config{MinPoll: -5, MaxPoll: -4, Burst: 10 * time.Millisecond}

// quickest is how soon it asks again at the least.
const quickest = 10 * time.Millisecond

// follow runs a client until enough says so of an event, or fails.
func follow(t *testing.T, c Config, enough func(Event) bool) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ok := false
	c.Events = func(e Event) {
		if !ok && enough(e) {
			ok = true
			cancel()
		}
	}
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Fatalf("it did not come to pass; state %+v", k.State())
	}
	return k
}

// TestFollows has a virtual clock follow three servers that are 300 ms ahead, one of which
// lies by an hour: one step, and then it shows what they show.
func TestFollows(t *testing.T) {
	for _, basic := range []bool{false, true} {
		const ahead = 300 * time.Millisecond
		good := func() endpoint.Endpoint { return serve(t, ntpserver.New(ntpserver.Config{Offset: ahead})) }
		liar := serve(t, ntpserver.New(ntpserver.Config{Offset: time.Hour}))
		v := clock.NewVirtual(time.Now)
		updates := 0
		k := follow(t, Config{
			Servers: []Server{{"a", good()}, {"liar", liar}, {"b", good()}, {"c", good()}},
			Clock:   v, Discipline: quick, Basic: basic,
		}, func(e Event) bool {
			if e.Err != nil {
				t.Errorf("%s: %v", e.Server, e.Err)
			}
			if e.Decision.Update {
				updates++
			}
			return updates > 30 && e.State.Offset.Abs() < 5*time.Millisecond
		})
		if off := time.Until(v.Now()) - ahead; off.Abs() > 20*time.Millisecond {
			t.Errorf("basic %v: the clock is %v from the servers", basic, off)
		}
		s := k.State()
		if !s.Synchronized || s.Stratum != 11 || s.Selected == "liar" || s.ReferenceID != [4]byte{127, 0, 0, 1} {
			t.Errorf("basic %v: %+v", basic, s)
		}
		for _, one := range s.Sources {
			if (one.Name == "liar") != (one.Verdict == discipline.Falseticker) {
				t.Errorf("%s is a %v", one.Name, one.Verdict)
			}
		}
	}
}

// TestInterleaves looks at what the system's timestamps are worth: the delay over loopback, once
// the modes are interleaved, is that between drivers.
func TestInterleaves(t *testing.T) {
	at := serve(t, ntpserver.New(ntpserver.Config{}))
	n := 0
	follow(t, Config{Servers: []Server{{"a", at}}, Clock: clock.NewVirtual(time.Now), Discipline: quick}, func(e Event) bool {
		if e.Err != nil {
			t.Error(e.Err)
		}
		if n++; n > 3 && e.Sample.Delay < 0 {
			t.Errorf("delay %v", e.Sample.Delay)
		}
		if age := time.Since(e.Sample.At); n > 3 && age < quickest/2 {
			t.Errorf("answer %d is of %v ago, not of the exchange before", n, age)
		}
		return n > 20
	})
}

// TestServerGone counts what is not answered, and goes on when the server is back.
func TestServerGone(t *testing.T) {
	srv := &parley.Server{}
	svc := ntpserver.New(ntpserver.Config{})
	if err := srv.Listen(context.Background(), svc, "udp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	at := srv.Endpoints()[0]
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	heard, missed := 0, 0
	follow(t, Config{Servers: []Server{{"a", at}}, Clock: clock.NewVirtual(time.Now), Discipline: quick, Timeout: 100 * time.Millisecond}, func(e Event) bool {
		switch {
		case e.Err == nil && missed > 2:
			return true
		case e.Err == nil:
			if heard++; heard == 5 {
				srv.Close()
				<-served
			}
		default:
			if missed++; missed == 3 {
				srv = &parley.Server{}
				if err := srv.Listen(context.Background(), svc, at.String()); err != nil {
					t.Error(err)
				}
				go func() { served <- srv.Serve() }()
			}
		}
		return false
	})
	srv.Close()
	<-served
}

// TestDriftIsKept runs, and runs again with what the first found.
func TestDriftIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drift")
	if err := WriteDrift(path, -12.5e-6); err != nil {
		t.Fatal(err)
	}
	at := serve(t, ntpserver.New(ntpserver.Config{}))
	v := clock.NewVirtual(time.Now)
	k := follow(t, Config{Servers: []Server{{"a", at}}, Clock: v, Discipline: quick, Drift: path}, func(e Event) bool {
		return e.Decision.Update
	})
	if f := k.State().Frequency; math.Abs(f+12.5e-6) > 1e-6 {
		t.Errorf("it began at %g, want about -12.5e-6", f)
	}
	got, err := ReadDrift(path)
	if err != nil || math.Abs(*got+12.5e-6) > 1e-6 {
		t.Errorf("the file has %v, %v", got, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestReadDrift(t *testing.T) {
	dir := t.TempDir()
	if f, err := ReadDrift(filepath.Join(dir, "none")); f != nil || err != nil {
		t.Errorf("no file: %v, %v", f, err)
	}
	for text, want := range map[string]float64{"12.345\n": 12.345e-6, "  -0.5 0.01 more": -0.5e-6, "0": 0, "-500": -500e-6} {
		path := filepath.Join(dir, "drift")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := ReadDrift(path); err != nil || math.Abs(*f-want) > 1e-15 {
			t.Errorf("%q: %v, %v; want %g", text, f, err, want)
		}
	}
	for _, text := range []string{"", "x", "501", "NaN", "Inf", "1e400", strings.Repeat("9", 2000)} {
		path := filepath.Join(dir, "drift")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := ReadDrift(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: %v, %v; want an error that names the file", text, f, err)
		}
	}
}

func FuzzDrift(f *testing.F) {
	f.Add("12.3 0.1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := parseDrift(text); err == nil && !(math.Abs(got) <= clock.MaxFrequency) {
			t.Errorf("%q is %g", text, got)
		}
	})
}

// A readOnly clock refuses.
type readOnly struct{ clock.System }

func (readOnly) Adjust(float64) error { return clock.ErrReadOnly }

func TestClockThatCannotBeSet(t *testing.T) {
	k, err := New(Config{Servers: []Server{{"a", serve(t, ntpserver.New(ntpserver.Config{}))}}, Clock: readOnly{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Run(context.Background()); !errors.Is(err, clock.ErrReadOnly) {
		t.Errorf("Run: %v, want ErrReadOnly", err)
	}
}

func TestNewRefuses(t *testing.T) {
	v := clock.NewVirtual(time.Now)
	if _, err := New(Config{Clock: v}); err == nil {
		t.Error("a client of no servers was made")
	}
	twice := Server{Name: "a", Endpoint: endpoint.MustParse("udp://127.0.0.1:1")}
	if _, err := New(Config{Clock: v, Servers: []Server{twice, twice}}); err == nil {
		t.Error("two servers of one name were taken")
	}
}
