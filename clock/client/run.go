package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"parley/clock"
	"parley/clock/discipline"
	"parley/endpoint"
)

// A Clock is a clock that is steered, and that knows what it showed at a moment of the
// system's clock, which the system's timestamps are of. At may be called by several
// goroutines at once.
type Clock interface {
	clock.Clock
	At(system time.Time) time.Time
}

// A Server is asked for the time.
type Server struct {
	Name     string // for people and in states; one of a kind
	Endpoint endpoint.Endpoint
}

// Config says whom to follow, and how. The zero value of each field but Servers and Clock is
// the default that is named.
type Config struct {
	Servers    []Server
	Clock      Clock
	Discipline discipline.Config

	// Timeout is how long an answer is awaited. Default 1 s.
	Timeout time.Duration

	// Basic leaves the interleaved mode alone, whose timestamps are better.
	Basic bool

	// Drift is the file that keeps the frequency from run to run; "" is none.
	Drift string

	// Floor is a moment that is known to be past, such as when the program was made: a clock
	// that starts in 1970 cannot tell which of NTP's eras of 136 years it is. Default none.
	Floor time.Time

	// Events gets what happens, on the goroutine of Run.
	Events func(Event)
}

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return time.Second
}

// An Event is something that happened.
type Event struct {
	Server   string              // that was asked; "" of the drift file
	Sample   discipline.Sample   // what it said
	Err      error               // or why it said nothing, or what could not be done
	Decision discipline.Decision // what was done to the clock
	State    discipline.State    // what is known now
}

// A Client follows servers. Make one with New.
type Client struct {
	config   Config
	ensemble *discipline.Ensemble
	steps    atomic.Int64
	saved    time.Time // when the drift file was written

	mu    sync.Mutex // guards state
	state discipline.State
}

// New makes a client, and reads the drift file. The error is of that file; one that is not
// there is none.
func New(c Config) (*Client, error) {
	if len(c.Servers) == 0 {
		return nil, errors.New("no servers to follow")
	}
	if c.Drift != "" {
		frequency, err := ReadDrift(c.Drift)
		if err != nil {
			return nil, err
		}
		if frequency != nil {
			c.Discipline.Frequency, c.Discipline.Known = *frequency, true
		}
	}
	k := &Client{config: c, ensemble: discipline.New(c.Discipline, c.Clock.Now())}
	seen := make(map[string]bool)
	for _, s := range c.Servers {
		if seen[s.Name] {
			return nil, fmt.Errorf("server %s is named twice", s.Name)
		}
		seen[s.Name] = true
		k.ensemble.Add(s.Name)
	}
	return k, nil
}

// State is what is known of the clock now. It may be called at any time by any goroutine.
func (k *Client) State() discipline.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// saveEvery is how often the drift file is written.
const saveEvery = time.Hour

// ErrDenied is the error of a client all of whose servers refuse to be asked.
var ErrDenied = errors.New("every server refuses to be asked")

// Run follows the servers until ctx ends, and then leaves the clock at the frequency that was
// found. The error is nil, ErrDenied, or of the clock, which could not be steered.
func (k *Client) Run(ctx context.Context) error {
	slew := newSlew()
	defer slew.timer.Stop()
	err := k.follow(ctx, slew)
	if ended := k.end(slew); err == nil {
		err = ended
	}
	return err
}

// follow asks, and steers, until ctx ends.
func (k *Client) follow(ctx context.Context, slew *slew) error {
	ctx, cancel := context.WithCancel(ctx)
	var sources sync.WaitGroup
	defer sources.Wait()
	defer cancel()
	all := make(chan heard)
	wakes := make(map[string]*wake)
	for _, s := range k.config.Servers {
		one := &source{
			name: s.Name, at: s.Endpoint, clock: k.config.Clock, timeout: k.config.timeout(),
			heard: all, ask: make(chan struct{}, 1), dialogue: newDialogue(!k.config.Basic, k.config.Floor), stepped: k.steps.Load,
		}
		w := &wake{ask: one.ask}
		w.timer = time.AfterFunc(0, w.fire) // the first question at once
		defer w.timer.Stop()
		wakes[s.Name] = w
		sources.Go(func() { one.run(ctx) })
	}
	if err := k.config.Clock.Adjust(k.config.Discipline.Frequency); err != nil {
		return err
	}
	tick := time.NewTicker(time.Minute) // so that a clock whose servers are gone is said to be lost
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-slew.timer.C:
			if err := k.adjust(slew.then); err != nil {
				return err
			}
			slew.on = false
		case <-tick.C:
			k.note(k.config.Clock.Now())
			if err := k.announce(); err != nil {
				return err
			}
		case h := <-all:
			if err := k.take(h, slew); err != nil {
				return err
			}
			if !h.denied() {
				wakes[h.name].timer.Reset(k.ensemble.Interval(h.name))
			} else if delete(wakes, h.name); len(wakes) == 0 {
				return ErrDenied
			}
		}
	}
}

// A wake asks a source when its timer fires.
type wake struct {
	timer *time.Timer
	ask   chan struct{}
}

// fire never blocks: a source that has been asked is not asked again before it has answered.
func (w *wake) fire() {
	select {
	case w.ask <- struct{}{}:
	default:
	}
}

// denied reports whether the server is not to be asked any more.
func (h *heard) denied() bool {
	var kiss *KissError
	return errors.As(h.err, &kiss) && kiss.final()
}

// A slew is a frequency that ends.
type slew struct {
	timer *time.Timer
	then  float64
	on    bool
}

func newSlew() *slew {
	s := &slew{timer: time.NewTimer(time.Hour)}
	s.timer.Stop()
	return s
}

// take takes in what a source heard, and does what is decided.
func (k *Client) take(h heard, s *slew) error {
	e := Event{Server: h.name, Sample: h.sample, Err: h.err}
	now := k.config.Clock.Now()
	if h.moved {
		k.ensemble.Moved(h.name)
	}
	switch {
	case h.denied():
		k.ensemble.Gone(h.name)
	case errors.Is(h.err, ErrKiss):
		k.ensemble.Slow(h.name)
		fallthrough
	case h.err != nil:
		k.ensemble.Missed(h.name)
	case h.steps != k.steps.Load():
		return nil // it was measured before a step
	default:
		e.Decision = k.ensemble.Heard(h.name, h.sample, now)
		if e.Decision.Err != nil {
			e.Err = e.Decision.Err
		}
		if err := k.do(e.Decision, s); err != nil {
			return err
		}
	}
	k.note(k.config.Clock.Now())
	if e.Decision.Update {
		if err := k.announce(); err != nil {
			return err
		}
		k.save(false)
	}
	e.State = k.State()
	k.event(e)
	return nil
}

// do does what was decided.
func (k *Client) do(d discipline.Decision, s *slew) error {
	if !d.Update {
		return nil
	}
	if d.Step != 0 {
		before := k.config.Clock.Now()
		if err := k.config.Clock.Step(d.Step); err != nil {
			return err
		}
		k.steps.Add(1)
		k.ensemble.Stepped(d.Step, before)
	}
	s.timer.Stop()
	s.on = false
	if err := k.adjust(d.Frequency); err != nil {
		return err
	}
	if d.After > 0 {
		s.then, s.on = d.Then, true
		s.timer.Reset(d.After)
	}
	return nil
}

func (k *Client) adjust(frequency float64) error {
	if err := k.config.Clock.Adjust(frequency); err != nil {
		return err
	}
	k.ensemble.Adjusted(frequency, k.config.Clock.Now())
	return nil
}

func (k *Client) note(now time.Time) {
	s := k.ensemble.State(now)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = s
}

// announce tells the system what is known.
func (k *Client) announce() error {
	s := k.State()
	status := clock.Status{Leap: clock.LeapUnknown}
	if s.Synchronized {
		status = clock.Status{
			Leap:           leapToday(clock.Leap(s.Leap), k.config.Clock.Now()),
			MaxError:       s.RootDelay/2 + s.Dispersion(k.config.Clock.Now()),
			EstimatedError: s.Deviation,
		}
	}
	return k.config.Clock.Announce(status)
}

// leapToday is the leap second of today, of which servers may tell weeks before: the system
// inserts it at the end of the day on which it hears of it. There is none but at the end of June
// and December (ITU-R TF.460, section 2.1).
func leapToday(l clock.Leap, now time.Time) clock.Leap {
	now = now.UTC()
	if m := now.Month(); (m == time.June || m == time.December) && now.AddDate(0, 0, 1).Day() == 1 {
		return l
	}
	return clock.NoLeap
}

// end leaves the clock at the frequency that was found.
func (k *Client) end(s *slew) error {
	if s.on {
		if err := k.adjust(s.then); err != nil {
			return err
		}
	}
	k.save(true)
	return nil
}

// save writes the drift file, if a frequency is known better than by guess.
func (k *Client) save(now bool) {
	s := k.State()
	if k.config.Drift == "" || s.Updated.IsZero() || s.Skew > driftSkew || !now && time.Since(k.saved) < saveEvery {
		return
	}
	k.saved = time.Now()
	if err := WriteDrift(k.config.Drift, s.Frequency); err != nil {
		k.event(Event{Err: fmt.Errorf("drift file %s: %w", k.config.Drift, err), State: s})
	}
}

func (k *Client) event(e Event) {
	if k.config.Events != nil {
		k.config.Events(e)
	}
}
