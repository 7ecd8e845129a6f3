package client

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"parley"
	"parley/clock"
	"parley/clock/discipline"
	"parley/clock/ntp"
	"parley/clock/ntpserver"
	"parley/clock/simulate"
)

// TestNotYetSynchronized: a server that says INIT is asked again soon.
func TestNotYetSynchronized(t *testing.T) {
	var asked atomic.Int64
	at := serve(t, ntpserver.New(ntpserver.Config{State: func(time.Time) ntpserver.State {
		if asked.Add(1) < 3 {
			return ntpserver.State{Stratum: 16}
		}
		return ntpserver.State{Stratum: 2}
	}}))
	unfit := false
	k := follow(t, Config{Servers: []Server{{"a", at}}, Clock: clock.NewVirtual(time.Now), Discipline: quick}, func(e Event) bool {
		if e.Err != nil {
			t.Error(e.Err)
		}
		unfit = unfit || e.State.Sources[0].Verdict == discipline.Unfit
		return e.Decision.Update
	})
	if s := k.State(); !unfit || !s.Synchronized || s.Stratum != 3 {
		t.Errorf("it was unfit: %v; then %+v", unfit, s)
	}
}

// A refuser answers every request with a kiss-o'-death.
func refuser(code string) parley.Service {
	return parley.ServiceFunc(func(c *parley.Conn, msg []byte) error {
		p, err := ntp.Parse(msg)
		if err != nil {
			return nil
		}
		answer := ntp.Packet{
			Leap: ntp.LeapUnknown, Version: p.Version, Mode: ntp.Server, ReferenceID: ntp.ReferenceID([]byte(code)),
			Origin: p.Transmit, Receive: p.Transmit, Transmit: p.Transmit,
		}
		return c.Send(answer.Append(nil))
	})
}

// TestDenied: a server that does not want to be asked is not asked again, and when all are like
// that there is nothing to run for.
func TestDenied(t *testing.T) {
	for _, code := range []string{"DENY", "RSTR"} {
		events := 0
		k, err := New(Config{
			Servers: []Server{{"a", serve(t, refuser(code))}, {"b", serve(t, refuser(code))}},
			Clock:   clock.NewVirtual(time.Now), Discipline: quick,
			Events: func(e Event) {
				if events++; !errors.Is(e.Err, ErrKiss) {
					t.Errorf("%s: event %+v", code, e)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := k.Run(ctx); err != ErrDenied {
			t.Errorf("%s: Run: %v, want ErrDenied", code, err)
		}
		cancel()
		if events != 2 {
			t.Errorf("%s: %d answers, want one of each server", code, events)
		}
	}
}

// TestAskedLess: RATE is not forgotten with the next answer.
func TestAskedLess(t *testing.T) {
	k, err := New(Config{Servers: []Server{{"a", serve(t, ntpserver.New(ntpserver.Config{}))}}, Clock: clock.NewVirtual(time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	s := newSlew()
	if err := k.take(heard{name: "a", err: &KissError{"RATE"}}, s); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if d := k.ensemble.Interval("a"); d != 32*time.Second {
			t.Errorf("asked again after %v, want 32s", d)
		}
		if err := k.take(heard{name: "a", sample: discipline.Sample{At: time.Now(), Stratum: 2}}, s); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMoved: when a name leads to another machine, what was heard of the one before is not of it.
func TestMoved(t *testing.T) {
	one := serve(t, ntpserver.New(ntpserver.Config{}))
	srv := &parley.Server{}
	other := one
	other.Host = "127.0.0.2"
	if err := srv.Listen(context.Background(), ntpserver.New(ntpserver.Config{}), other.String()); err != nil {
		t.Skip("no second address:", err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	defer func() { srv.Close(); <-served }()
	s := &source{at: one, clock: clock.NewVirtual(time.Now), timeout: time.Second, dialogue: newDialogue(true, time.Time{})}
	defer s.close()
	ask := func(moved bool) {
		t.Helper()
		if _, err := s.question(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s.moved != moved {
			t.Errorf("moved: %v, want %v", s.moved, moved)
		}
		s.moved = false
	}
	ask(false)
	ask(false)
	s.close()
	ask(false)
	s.close()
	s.at = other
	before := s.dialogue.before.received
	ask(true)
	if before == 0 || s.dialogue.asked.Origin == before {
		t.Error("it was asked for what another machine has said")
	}
}

// TestMovedIsHeard: what was heard of the machine before is forgotten.
func TestMovedIsHeard(t *testing.T) {
	k, err := New(Config{Servers: []Server{{"a", serve(t, ntpserver.New(ntpserver.Config{}))}}, Clock: clock.NewVirtual(time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	s, now := newSlew(), time.Now()
	for i, moved := range []bool{false, false, true, false} {
		x := discipline.Sample{At: now.Add(time.Duration(i) * time.Second), Stratum: 2, Delay: time.Millisecond}
		if err := k.take(heard{name: "a", sample: x, moved: moved}, s); err != nil {
			t.Fatal(err)
		}
		if got, want := k.State().Sources[0].Estimate.Samples, []int{1, 2, 1, 2}[i]; got != want {
			t.Errorf("after answer %d: %d samples, want %d", i, got, want)
		}
	}
}

// TestMissesAreBorne: one lost answer does not have the name looked up anew, some do.
func TestMissesAreBorne(t *testing.T) {
	silent := serve(t, parley.ServiceFunc(func(*parley.Conn, []byte) error { return nil }))
	s := &source{at: silent, clock: clock.NewVirtual(time.Now), timeout: 10 * time.Millisecond, dialogue: newDialogue(true, time.Time{})}
	defer s.close()
	for n := 1; n <= maxMissed+1; n++ {
		if _, err := s.question(context.Background()); err != errNoAnswer {
			t.Fatal(err)
		}
		if open := s.socket != nil; open != (n <= maxMissed) {
			t.Errorf("after %d misses the socket is open: %v", n, open)
		}
	}
}

// TestEra: a clock that begins in 1970 hears of a time beyond the era's end.
func TestEra(t *testing.T) {
	now := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	boot := time.Unix(100, 0)
	d := newDialogue(false, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	d.request()
	d.left(boot)
	a := answerTo(d, now, now)
	s, err := d.answer(a.Append(nil), boot.Add(time.Millisecond))
	if got := boot.Add(s.Offset); err != nil || got.Sub(now).Abs() > time.Second {
		t.Errorf("it is %v, %v, want %v", got, err, now)
	}
}

// A simulated clock is steered in simulated time, and has no system beneath it.
type simulated struct{ *simulate.Oscillator }

func (s simulated) At(time.Time) time.Time { return s.Now() }

// TestAnnounce looks at what the system is told: half the round trip and all of the dispersion,
// which grows, and nothing of a clock that is not synchronized.
func TestAnnounce(t *testing.T) {
	updated := time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		state discipline.State
		want  clock.Status
	}{
		{"lost", discipline.State{RootDelay: time.Second, Deviation: time.Second}, clock.Status{Leap: clock.LeapUnknown}},
		{"leap", discipline.State{
			Synchronized: true, Updated: updated, Leap: uint8(clock.InsertLeap),
			RootDelay: 4 * time.Millisecond, RootError: time.Millisecond, Skew: 0.9e-6, Deviation: time.Microsecond,
		}, clock.Status{Leap: clock.InsertLeap, MaxError: 4500 * time.Microsecond, EstimatedError: time.Microsecond}},
	} {
		o := simulate.NewOscillator(updated.Add(100*time.Second), 0, 0, 1)
		k := &Client{config: Config{Clock: simulated{o}}, state: c.state}
		if err := k.announce(); err != nil || o.Said != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, o.Said, err, c.want)
		}
	}
}

// A told clock counts what the system is told of it.
type told struct {
	*clock.Virtual
	said []clock.Status
}

func (c *told) Announce(s clock.Status) error {
	c.said = append(c.said, s)
	return nil
}

// TestAnnouncesUpdates tells the system of each update.
func TestAnnouncesUpdates(t *testing.T) {
	c := &told{Virtual: clock.NewVirtual(time.Now)}
	updates := 0
	follow(t, Config{Servers: []Server{{"a", serve(t, ntpserver.New(ntpserver.Config{}))}}, Clock: c, Discipline: quick}, func(e Event) bool {
		if e.Decision.Update {
			updates++
		}
		return updates == 3
	})
	if len(c.said) < 3 || c.said[0].Leap != clock.NoLeap || c.said[0].MaxError <= 0 {
		t.Errorf("after 3 updates the system was told %+v", c.said)
	}
}

func TestLeapToday(t *testing.T) {
	for _, c := range []struct {
		day  string
		want clock.Leap
	}{
		{"2026-06-30T00:00:00Z", clock.InsertLeap},
		{"2026-12-31T23:59:59Z", clock.InsertLeap},
		{"2027-01-01T07:59:59+09:00", clock.InsertLeap}, // still December by UTC
		{"2026-12-30T23:59:59Z", clock.NoLeap},
		{"2026-06-01T00:00:00Z", clock.NoLeap},
		{"2026-09-30T12:00:00Z", clock.NoLeap},
		{"2026-11-21T12:00:00Z", clock.NoLeap},
		{"2027-01-01T00:00:00Z", clock.NoLeap},
	} {
		now, err := time.Parse(time.RFC3339, c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := leapToday(clock.InsertLeap, now); got != c.want {
			t.Errorf("on %s: %v, want %v", c.day, got, c.want)
		}
	}
}
