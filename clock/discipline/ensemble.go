package discipline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Config says how to steer. The zero value of each field is the default that is named.
type Config struct {
	// Step is the offset above which the clock is set at once rather than slewed.
	// Default 128 ms; negative: never.
	Step time.Duration

	// StepUpdates is in how many of the first updates it may be stepped, so that
	// programs which have begun to trust the clock do not see it jump. Default 3;
	// negative: at any time.
	StepUpdates int

	// Panic is an offset that is not believed once the clock has been set: somebody has to
	// look. Default 1000 s; negative: none.
	Panic time.Duration

	// MinPoll and MaxPoll bound the poll interval, as powers of two of seconds, which may be
	// negative. Defaults 4 (16 s) and 10 (1024 s); 1 s cannot be asked for.
	MinPoll, MaxPoll int

	// Burst is the interval of the first questions. Default 2 s, at most the poll interval.
	Burst time.Duration

	// Frequency is that of the clock when the discipline begins, and Known says that it is
	// one that was found before, as from a drift file, and near the right one.
	Frequency float64
	Known     bool
}

func (c Config) step() time.Duration { return cmp.Or(c.Step, 128*time.Millisecond) }
func (c Config) stepUpdates() int    { return cmp.Or(c.StepUpdates, 3) }
func (c Config) panics() time.Duration {
	return cmp.Or(c.Panic, 1000*time.Second)
}
func (c Config) minPoll() int { return cmp.Or(c.MinPoll, 4) }
func (c Config) maxPoll() int { return max(cmp.Or(c.MaxPoll, 10), c.minPoll()) }

const (
	// goal is how well an offset is to be known before its server is asked less often: the
	// standard deviation.
	goal = 15 * time.Microsecond

	// maxDistance is the root distance above which a server is not believed (RFC 5905: MAXDIST).
	maxDistance = 1500 * time.Millisecond

	// maxFrequency is what the clock is steered by at the most: clock.MaxFrequency.
	maxFrequency = 500e-6
)

// What is known of an oscillator before anything was heard: nothing but that it is no worse
// than they are, or that it was so before.
const (
	unknownFrequency = 100e-6
	knownFrequency   = 1e-6
)

// An Ensemble is the servers of a clock, and the discipline of it. It is used by one
// goroutine. Make one with New.
type Ensemble struct {
	config  Config
	line    *timeline
	prior   prior
	sources []*source

	updates int // decisions to change the clock
	state   State
}

// New makes an ensemble for a clock that shows now and runs at c.Frequency.
func New(c Config, now time.Time) *Ensemble {
	e := &Ensemble{config: c, line: newTimeline(now, c.Frequency), prior: prior{c.Frequency, unknownFrequency}}
	if c.Known {
		e.prior.deviation = knownFrequency
	}
	e.state.Frequency = c.Frequency
	return e
}

// Add adds a server by a name of its own.
func (e *Ensemble) Add(name string) {
	e.sources = append(e.sources, &source{name: name, line: e.line, prior: e.prior, eager: mostEager, least: e.config.minPoll(), poll: e.config.minPoll()})
}

func (e *Ensemble) source(name string) *source {
	for _, s := range e.sources {
		if s.name == name {
			return s
		}
	}
	panic("discipline: no server " + name)
}

// Heard takes in what an exchange with the server name said, and decides what to do.
func (e *Ensemble) Heard(name string, x Sample, now time.Time) Decision {
	s := e.source(name)
	s.asked++
	s.eager--
	if s.reach == 0 {
		s.eager = mostEager // it is back, or new
	}
	s.reach = s.reach<<1 | 1
	if !x.fit() {
		s.refuse(x)
		return e.decide(now)
	}
	if s.isSetBack(x) {
		for _, one := range e.sources {
			one.restart()
		}
	}
	expected := s.estimate(now)
	s.add(x)
	if expected.Samples > 0 {
		s.adapt(x.Offset-expected.Offset, max(expected.Jitter+expected.Deviation, x.Delay-s.fit.delay), s.least, max(e.config.maxPoll(), s.least), expected.Deviation <= goal)
	}
	return e.decide(now)
}

// Missed notes that the server name did not answer.
func (e *Ensemble) Missed(name string) {
	s := e.source(name)
	s.asked++
	s.eager--
	if s.reach <<= 1; s.reach == 0 {
		s.poll, s.score, s.verdict = s.least, 0, Unheard
	}
}

// Gone notes that the server name is not asked any more: it counts neither for a time nor as
// one that is still awaited.
func (e *Ensemble) Gone(name string) {
	s := e.source(name)
	s.restart()
	s.reach, s.asked, s.verdict = 0, burst, Unheard
}

// Slow notes that the server name asks to be asked less often: from now on it is, half as
// often as now at most, and never several times in a row.
func (e *Ensemble) Slow(name string) {
	s := e.source(name)
	s.slow = true
	s.least = min(max(s.poll, s.least)+1, max(e.config.maxPoll(), slowest))
	s.poll, s.score = s.least, 0
}

// slowest is the longest interval that a server can ask for, as a power of two of seconds.
const slowest = 10

// Moved notes that another machine answers by the server's name.
func (e *Ensemble) Moved(name string) { e.source(name).restart() }

// Interval is how long to wait from one question to the server name to the next: short at the
// beginning.
func (e *Ensemble) Interval(name string) time.Duration {
	s := e.source(name)
	d := power(s.poll)
	if !s.slow && !s.unfit && s.eager > 0 && len(s.history) < burst && (s.reach != 0 || s.asked < burst) {
		return min(d, cmp.Or(e.config.Burst, burstInterval))
	}
	return d
}

// power is 2^n seconds.
func power(n int) time.Duration {
	if n < 0 {
		return time.Second >> -n
	}
	return time.Second << n
}

// A burst is how many samples a server is asked for at once.
const (
	burst         = 4
	mostEager     = 2 * burst // questions, where answers are lost or forgotten
	burstInterval = 2 * time.Second
)

// A Decision is what is to be done to the clock. The caller does it at once, and says so by
// Stepped or Adjusted, or does nothing.
type Decision struct {
	// Update is whether anything is to be done: else nobody, or no majority, is
	// believed, and the clock goes on as it is.
	Update bool

	Step time.Duration // set the clock forward by that; 0: do not

	// Frequency is what the clock is to run at from now on, and from After later on.
	Frequency float64
	After     time.Duration
	Then      float64

	// Err is why an update was not made that should be: ErrPanic.
	Err error
}

// ErrPanic is matched by the error of an offset that is too large to be believed.
var ErrPanic = errors.New("the offset is too large to be believed")

// State is what is known of the clock. It is a value.
type State struct {
	Synchronized bool
	Updated      time.Time     // of the last update, by the clock
	Offset       time.Duration // what was to be corrected then: the true time minus the clock's
	Deviation    time.Duration // the standard deviation of that
	Jitter       time.Duration // of the servers
	Frequency    float64       // of the oscillator: what is added to it, without slews
	Skew         float64       // the standard deviation of Frequency
	Selected     string        // the server that leads
	Stratum      uint8         // of this clock: one more than that server's
	ReferenceID  [4]byte       // of this clock: who it follows
	Leap         uint8         // as most of the servers used say
	RootDelay    time.Duration
	RootError    time.Duration // the dispersion at the last update: what the clock may be off, the root delay not counted
	Sources      []SourceState
}

// SourceState is what is known of a server.
type SourceState struct {
	Name     string
	Verdict  Verdict
	Reach    uint8
	Poll     time.Duration
	Estimate Estimate
}

// Dispersion is what the clock may be off at now, the root delay not counted.
func (s *State) Dispersion(now time.Time) time.Duration {
	age := max(now.Sub(s.Updated), 0)
	return s.RootError + time.Duration(float64(age)*MaxSkew)
}

// Lost is after how long without an update the clock is no longer taken for synchronized.
const Lost = 3 * time.Hour

// decide believes some of the sources, and says what to do.
func (e *Ensemble) decide(now time.Time) Decision {
	chosen := e.choose(now)
	if len(chosen) == 0 {
		return Decision{}
	}
	c := combine(chosen)
	if p := e.config.panics(); p > 0 && c.offset.Abs() > p && e.updates > 0 {
		return Decision{Err: fmt.Errorf("%w: %v", ErrPanic, c.offset.Round(time.Second))}
	}
	d := Decision{Update: true, Then: e.clamp(c.frequency)}
	stepping := e.steps(c.offset)
	e.updates++
	e.note(chosen, c, now)
	if stepping {
		d.Step, d.Frequency = c.offset, d.Then
		return d
	}
	d.Frequency, d.After = e.slew(c)
	return d
}

// steps reports whether an offset is to be corrected at once.
func (e *Ensemble) steps(offset time.Duration) bool {
	most := e.config.stepUpdates()
	return e.config.step() > 0 && offset.Abs() > e.config.step() && (most < 0 || e.updates < most)
}

// slewTime is in how many seconds an offset is corrected, if the clock can be steered as
// quickly. What is corrected is an estimate that changes little from one sample to the next,
// so it need not be filtered again.
const slewTime = 16 * time.Second

// longestSlew is how long a slew may be planned for.
const longestSlew = 24 * time.Hour

// slew is the frequency that corrects an offset, and for how long.
func (e *Ensemble) slew(c combined) (frequency float64, after time.Duration) {
	then := e.clamp(c.frequency)
	frequency = e.clamp(then + float64(c.offset)/float64(slewTime))
	if rate := frequency - then; rate*float64(c.offset) > 0 {
		return frequency, time.Duration(min(float64(c.offset)/rate, float64(longestSlew)))
	}
	return then, 0 // the frequency alone is all that can be
}

func (e *Ensemble) clamp(f float64) float64 {
	return max(min(f, maxFrequency), -maxFrequency)
}

// fewestKnown samples are needed of a source that is believed.
const fewestKnown = 3

// choose finds the sources that are believed, the leader first, and gives each its verdict.
func (e *Ensemble) choose(now time.Time) []candidate {
	var fit []candidate
	for _, s := range e.sources {
		c := candidate{s, s.estimate(now)}
		switch {
		case s.reach == 0:
			s.verdict = Unheard
		case s.unfit:
			s.verdict = Unfit
		case len(s.history) < fewestKnown:
			s.verdict = Unheard
		case c.Distance > maxDistance:
			s.verdict = Unfit
		default:
			s.verdict = Falseticker
			fit = append(fit, c)
		}
	}
	right := intersect(fit)
	// One that has only begun must not decide while most have not been heard.
	if 2*len(right) <= e.expected() {
		for _, c := range right {
			c.source.verdict = Outlier
		}
		return nil
	}
	survivors := cluster(right)
	for _, c := range right {
		c.source.verdict = Outlier
	}
	for i, c := range survivors {
		c.source.verdict = Combined
		if i == 0 {
			c.source.verdict = Selected
		}
	}
	return survivors
}

// expected is how many sources there will be: those that answer at all, or have not been
// asked often enough to tell.
func (e *Ensemble) expected() (n int) {
	for _, s := range e.sources {
		if (s.reach != 0 || s.asked < burst) && s.verdict != Unfit {
			n++
		}
	}
	return n
}

// note keeps what was found.
func (e *Ensemble) note(chosen []candidate, c combined, now time.Time) {
	lead := chosen[0]
	e.state = State{
		Synchronized: true, Updated: now, Offset: c.offset, Deviation: c.deviation, Jitter: c.jitter,
		Frequency: e.clamp(c.frequency), Skew: c.skew,
		Selected: lead.source.name, Stratum: lead.Last.Stratum + 1, ReferenceID: lead.Last.ServerID, Leap: leapOf(chosen),
		RootDelay: lead.Last.RootDelay + lead.source.fit.delay,
		RootError: lead.Distance - (lead.Last.RootDelay+lead.source.fit.delay)/2 + c.offset.Abs() + c.deviation,
	}
}

// leapOf is what most of the chosen say.
func leapOf(chosen []candidate) uint8 {
	for leap := uint8(1); leap <= 2; leap++ {
		n := 0
		for _, c := range chosen {
			if c.Last.Leap == leap {
				n++
			}
		}
		if 2*n > len(chosen) {
			return leap
		}
	}
	return 0
}

// Stepped notes that the clock, which showed now, was set forward by d.
func (e *Ensemble) Stepped(d time.Duration, now time.Time) {
	e.line.step(now, d)
	for _, s := range e.sources {
		s.last.At = s.last.At.Add(d) // or a great step makes all but the next to answer look old
	}
	e.state.Updated = now.Add(d)
	e.state.Offset -= d
	e.state.RootError -= d.Abs()
}

// Adjusted notes that the clock, which shows now, runs at frequency from now on.
func (e *Ensemble) Adjusted(frequency float64, now time.Time) {
	e.line.adjust(now, frequency)
}

// State is what is known, at now.
func (e *Ensemble) State(now time.Time) State {
	s := e.state
	s.Synchronized = s.Synchronized && now.Sub(s.Updated) < Lost
	for _, one := range e.sources {
		state := SourceState{Name: one.name, Verdict: one.verdict, Reach: one.reach, Poll: power(one.poll)}
		if len(one.history) > 0 {
			state.Estimate = one.estimate(now)
		}
		s.Sources = append(s.Sources, state)
	}
	slices.SortStableFunc(s.Sources, func(a, b SourceState) int { return cmp.Compare(b.Verdict, a.Verdict) })
	return s
}
