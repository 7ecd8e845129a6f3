package client

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley"
	"parley/clock"
	"parley/clock/discipline"
	"parley/clock/ntp"
	"parley/clock/ntpserver"
)

// A steered clock keeps what it was adjusted to.
type steered struct {
	*clock.Virtual
	at []float64
}

func (c *steered) Adjust(frequency float64) error {
	c.at = append(c.at, frequency)
	return c.Virtual.Adjust(frequency)
}

func (c *steered) last() float64 { return c.at[len(c.at)-1] }

// silence is a server that does not answer.
func silence(t *testing.T) Server {
	return Server{"a", serve(t, parley.ServiceFunc(func(*parley.Conn, []byte) error { return nil }))}
}

// TestSlewEnds: a slew ends when its time is over, and when the client does; it begins from the frequency
// that is known.
func TestSlewEnds(t *testing.T) {
	const known, slewing, then = 7e-6, 100e-6, 10e-6
	for _, after := range []time.Duration{10 * time.Millisecond, time.Hour} {
		c := &steered{Virtual: clock.NewVirtual(time.Now)}
		k, err := New(Config{Servers: []Server{silence(t)}, Clock: c, Discipline: discipline.Config{Frequency: known}})
		if err != nil {
			t.Fatal(err)
		}
		s := newSlew()
		if err := k.do(discipline.Decision{Update: true, Frequency: slewing, After: after, Then: then}, s); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		if err := k.follow(ctx, s); err != nil {
			t.Fatal(err)
		}
		cancel()
		if c.at[0] != slewing || c.at[1] != known {
			t.Errorf("it was adjusted to %v, want %v and as it begins %v", c.at, slewing, known)
		}
		if over := c.last() == then; over != (after < time.Minute) {
			t.Errorf("after %v of %v it is at %g", 100*time.Millisecond, after, c.last())
		}
		n := len(c.at)
		if err := k.end(s); err != nil || c.last() != then || after < time.Minute && len(c.at) != n {
			t.Errorf("%v: at the end it is left at %v, %v; want %g", after, c.at, err, then)
		}
	}
}

// TestBeforeAStep: what was measured before a step is not of the clock, nor is half an exchange.
func TestBeforeAStep(t *testing.T) {
	k, err := New(Config{Servers: []Server{silence(t)}, Clock: clock.NewVirtual(time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	k.steps.Store(2)
	for steps, want := range []int{0, 0, 1} {
		x := discipline.Sample{At: time.Now(), Stratum: 2, Delay: time.Millisecond}
		if err := k.take(heard{name: "a", sample: x, steps: int64(steps)}, newSlew()); err != nil {
			t.Fatal(err)
		}
		if got := k.ensemble.State(time.Now()).Sources[0].Estimate.Samples; got != want {
			t.Errorf("after %d of 2 steps: %d samples, want %d", steps, got, want)
		}
	}
	all := make(chan heard)
	s := &source{
		at: silence(t).Endpoint, clock: clock.NewVirtual(time.Now), timeout: time.Millisecond, heard: all, ask: make(chan struct{}, 1),
		dialogue: newDialogue(true, time.Time{}), stepped: k.steps.Load,
	}
	s.dialogue.before.received = 5
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.run(ctx); close(done) }()
	s.ask <- struct{}{}
	if h := <-all; h.steps != 2 {
		t.Errorf("it was measured after %d steps, want 2", h.steps)
	}
	cancel()
	<-done
	if s.dialogue.before.received != 0 {
		t.Error("it asks about an exchange before a step")
	}
}

// TestDriftIsWorthKeeping: a frequency that is hardly known is not kept, and one that is once an hour.
func TestDriftIsWorthKeeping(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drift")
	k := &Client{config: Config{Drift: path}}
	written := func() bool {
		_, err := os.Stat(path)
		os.Remove(path)
		return err == nil
	}
	for _, c := range []struct {
		name  string
		state discipline.State
		now   bool
		want  bool
	}{
		{"nothing known", discipline.State{}, true, false},
		{"hardly known", discipline.State{Updated: t0, Skew: 2 * driftSkew}, true, false},
		{"known", discipline.State{Updated: t0}, false, true},
		{"known, soon after", discipline.State{Updated: t0}, false, false},
		{"at the end", discipline.State{Updated: t0}, true, true},
	} {
		k.state = c.state
		k.save(c.now)
		if got := written(); got != c.want {
			t.Errorf("%s: kept is %v", c.name, got)
		}
	}
	k.saved = time.Now().Add(-saveEvery)
	if k.save(false); !written() {
		t.Error("an hour later it is not kept")
	}
}

// TestDeniedIsGone: who refuses to be asked holds up nobody, and what it said before does not count.
func TestDeniedIsGone(t *testing.T) {
	k := follow(t, Config{
		Servers: []Server{{"good", serve(t, ntpserver.New(ntpserver.Config{}))}, {"deny", serve(t, refuser("DENY"))}},
		Clock:   clock.NewVirtual(time.Now), Discipline: quick,
	}, func(e Event) bool { return e.Decision.Update })
	if s := k.State(); s.Selected != "good" {
		t.Errorf("%q is followed", s.Selected)
	}
	k, err := New(Config{Servers: []Server{silence(t)}, Clock: clock.NewVirtual(time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		x := discipline.Sample{At: time.Now().Add(time.Duration(i) * time.Second), Stratum: 2, Delay: time.Millisecond}
		if err := k.take(heard{name: "a", sample: x}, newSlew()); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.take(heard{name: "a", err: &KissError{"DENY"}}, newSlew()); err != nil {
		t.Fatal(err)
	}
	if s := k.State().Sources[0]; s.Verdict != discipline.Unheard || s.Estimate.Samples != 0 {
		t.Errorf("heard, and then denied: %+v", s)
	}
}

// TestLoop: a server that follows us is not followed; on loopback, and of a reference clock, nobody
// can tell.
func TestLoop(t *testing.T) {
	self := ntp.ReferenceID{192, 0, 2, 7}
	for _, c := range []struct {
		self, follows ntp.ReferenceID
		stratum       uint8
		want          bool
	}{
		{self, self, 2, true},
		{self, self, 1, false},
		{self, ntp.ReferenceID{192, 0, 2, 8}, 2, false},
		{ntp.ReferenceID{}, ntp.ReferenceID{}, 2, false},
	} {
		d := newDialogue(false, time.Time{})
		d.self = c.self
		d.request()
		d.left(t0)
		a := answerTo(d, t0, t0)
		a.Stratum, a.ReferenceID = c.stratum, c.follows
		if s, err := d.answer(a.Append(nil), t0.Add(time.Millisecond)); err != nil || s.Loop != c.want {
			t.Errorf("%+v: loop is %v, %v", c, s.Loop, err)
		}
	}
	s, err := dial(context.Background(), silence(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if peer, self := s.ids(); peer != (ntp.ReferenceID{127, 0, 0, 1}) || self != (ntp.ReferenceID{}) {
		t.Errorf("on loopback the peer is %v and this host %v", peer, self)
	}
}

// TestStampsOfTheSystem: where the system stamps, it tells when each datagram left, and when the answer
// came.
func TestStampsOfTheSystem(t *testing.T) {
	echo := serve(t, parley.ServiceFunc(func(c *parley.Conn, msg []byte) error { return c.Send(msg) }))
	s, err := dial(context.Background(), echo)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, none := s.stamps.(noStamps); none {
		t.Skip("the system does not stamp")
	}
	for range 3 {
		before, err := s.send([]byte("?"))
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		s.conn.SetReadDeadline(time.Now().Add(patience))
		_, came, err := s.stamps.receive(s.conn, buf)
		if err != nil {
			t.Fatal(err)
		}
		left, ok := s.departed()
		if now := time.Now(); !ok || left.Before(before) || came.Before(left) || came.After(now) {
			t.Errorf("sent after %v, left at %v (known: %v), the answer came at %v, now %v", before, left, ok, came, now)
		}
	}
}
