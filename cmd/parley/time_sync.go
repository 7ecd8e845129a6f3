package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/clock"
	"parley/clock/client"
	"parley/clock/discipline"
	"parley/clock/query"
)

const timeSyncLong = `sync follows NTP servers and steers this machine's clock by them: it finds out which
servers can be right (a minority that lies is not followed), how fast the clock runs wrong and
by how much it is off, and corrects both, for ever or until --once is done.

Without --apply nothing is set: a clock that runs in this process only is steered in place of the
system's, and what would be done to that is printed. With --apply the system's clock is set,
which needs a privilege (CAP_SYS_TIME) and Linux; if that is not to be had nothing is changed.
Only one program should steer a clock: stop chronyd, ntpd or systemd-timesyncd first.

An offset of more than --step is corrected at once, but only in the first three updates, so that
running programs see no jump; later ones, and smaller ones, are slewed by up to 500 ppm. With --once
all that is more than 1 ms is stepped unless --step says otherwise. Once the
clock is set, an offset of more than --panic is not believed. Servers are asked every 16 s at
first, and as seldom as every 1024 s while the offset is known to 15 µs all the same.

The frequency is kept in --drift, so that the next run begins with it. While it runs with --apply, a
parley serve ntp of the same user tells the stratum and the errors that are found here (file
sync.json in parley's directory of states).

--metrics serves what is known for Prometheus at /metrics, and as JSON at /state, which
parley time compare sync@HOST:PORT reads.

Exit status: 0 ended by --once, the clock being set; 1 no majority of servers within --wait, or the
clock cannot be set; 2 usage, or stdout failed; 128+n ended by signal n; 141 standard output was
closed.`

// timeSyncFlags are the flags of time sync.
type timeSyncFlags struct {
	apply, once, json, quiet, basic bool
	stepAlways                      bool
	drift, metrics, poll            string
	step, panics, wait              durationFlag
}

func newTimeSync(e *env) *cobra.Command {
	f := new(timeSyncFlags)
	cmd := &cobra.Command{
		Use:     "sync [flags] SERVER...",
		Short:   "steer this machine's clock by NTP servers",
		Long:    timeSyncLong,
		Example: "  parley time sync ntp@a ntp@b ntp@c\n  parley time sync --apply --metrics :9123 ntp@a ntp@b ntp@c\n  parley time sync --apply --once ntp@a",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.timeSync(cmd, f, args)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.apply, "apply", false, "set the system's clock; without it nothing is set")
	fs.BoolVar(&f.once, "once", false, "end when the offset is corrected, or would be")
	fs.Var(&f.wait, "wait", "with --once: how long to wait for that (default 1m)")
	fs.Var(&f.step, "step", "the offset above which the clock is stepped, 0 never (default 128ms, with --once 1ms)")
	fs.BoolVar(&f.stepAlways, "step-always", false, "step not only in the first three updates")
	fs.Var(&f.panics, "panic", "the offset that is not believed once the clock is set, 0 none (default 1000s)")
	fs.StringVar(&f.poll, "poll", "", "least and greatest interval between questions, as powers of two of seconds, MIN..MAX, each from -4 to 17 but 0 (default 4..10)")
	fs.BoolVar(&f.basic, "basic", false, "do not try the interleaved mode")
	fs.StringVar(&f.drift, "drift", "", "with --apply: the file of the frequency, - for none (default the user's own)")
	fs.StringVar(&f.metrics, "metrics", "", "serve metrics and the state over HTTP at HOST:PORT")
	fs.BoolVar(&f.json, "json", false, "print each event as a JSON object on a line")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but errors")
	return cmd
}

// config checks the flags, and makes a config of them and of the servers.
func (f *timeSyncFlags) config(cmd *cobra.Command, args []string) (c client.Config, err error) {
	if len(args) == 0 {
		return c, usageErrorf(cmd, "expected SERVER...")
	}
	for _, arg := range args {
		t, err := query.Parse(arg)
		if err != nil {
			return c, usageError{err: err}
		}
		if t.Service != "ntp" {
			return c, usageErrorf(cmd, "%s: only ntp is precise enough to set a clock by", arg)
		}
		if slices.ContainsFunc(c.Servers, func(s client.Server) bool { return s.Endpoint == t.Endpoint }) {
			return c, usageErrorf(cmd, "%s is named twice", arg)
		}
		c.Servers = append(c.Servers, client.Server{Name: "ntp@" + printed(t.Endpoint).String(), Endpoint: t.Endpoint})
	}
	changed := cmd.Flags().Changed
	switch {
	case changed("wait") && !f.once:
		return c, usageErrorf(cmd, "--wait is of --once")
	case changed("wait") && f.wait == 0:
		return c, usageErrorf(cmd, "--wait: want a time that is not zero")
	}
	if f.json && f.quiet {
		return c, usageErrorf(cmd, "--json and --quiet do not go together")
	}
	c.Basic = f.basic
	c.Discipline.Step, c.Discipline.Panic = orNever(f.step, changed("step")), orNever(f.panics, changed("panic"))
	if f.once && !changed("step") {
		c.Discipline.Step = settled // what is slewed is not done at once
	}
	if f.stepAlways {
		c.Discipline.StepUpdates = -1
	}
	if f.poll != "" {
		if c.Discipline.MinPoll, c.Discipline.MaxPoll, err = parsePoll(f.poll); err != nil {
			return c, usageError{err: fmt.Errorf("--poll: %w", err)}
		}
	}
	return c, nil
}

// orNever is a limit of a config, where 0 is the default and a negative one none.
func orNever(d durationFlag, set bool) time.Duration {
	if set && d == 0 {
		return -1
	}
	return time.Duration(d)
}

// parsePoll reads MIN..MAX.
func parsePoll(s string) (low, high int, err error) {
	a, b, ok := strings.Cut(s, "..")
	if !ok {
		b = a
	}
	low, err = strconv.Atoi(a)
	high, err2 := strconv.Atoi(b)
	if err != nil || err2 != nil || low < -4 || high > 17 || low > high || low == 0 || high == 0 {
		return 0, 0, fmt.Errorf("%q: want MIN..MAX, powers of two of seconds from -4 to 17, not 0, such as 4..10", s)
	}
	return low, high, nil
}

// driftFile is where the frequency is kept, "" for nowhere.
func (f *timeSyncFlags) driftFile(e *env) (string, error) {
	if !f.apply {
		return "", nil // what a clock lacks that is steered already, or not at all, is no frequency to keep
	}
	switch f.drift {
	case "-":
		return "", nil
	case "":
		mark, err := markOf(e.getenv)
		if err != nil {
			return "", nil // it is only for comfort
		}
		dir := filepath.Dir(mark.path)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil
		}
		return filepath.Join(dir, "drift"), nil
	}
	// A file that cannot be written is found now, not when the frequency is.
	probe, err := os.CreateTemp(filepath.Dir(f.drift), filepath.Base(f.drift)+".*")
	if err != nil {
		return "", fmt.Errorf("drift file %s: cannot be written: %w", f.drift, errors.Unwrap(err))
	}
	probe.Close()
	return f.drift, os.Remove(probe.Name())
}

// timeSync is the verb.
func (e *env) timeSync(cmd *cobra.Command, f *timeSyncFlags, args []string) error {
	c, err := f.config(cmd, args)
	if err != nil {
		return err
	}
	var system clock.System
	if f.apply {
		if err := system.CanSet(); err != nil {
			return fmt.Errorf("time sync: %w", err)
		}
	}
	if c.Drift, err = f.driftFile(e); err != nil {
		return err
	}
	if f.apply {
		if c.Discipline.Frequency, err = system.Frequency(); err != nil {
			return err
		}
		c.Clock = system
	} else {
		c.Clock = clock.NewVirtual(time.Now)
	}
	c.Floor = buildTime()
	s := &syncing{env: e, flags: f, now: c.Clock.Now, failed: make(map[string]string)}
	if f.apply {
		s.state = statePath(e.getenv)
		os.MkdirAll(filepath.Dir(s.state), 0o700) // without it the first event says why
	}
	c.Events = s.event
	if s.client, err = client.New(c); err != nil {
		return err
	}
	return s.run(cmd.Context(), f.metrics)
}

// syncing is one run of time sync.
type syncing struct {
	env    *env
	flags  *timeSyncFlags
	client *client.Client
	now    func() time.Time // of the clock that is steered
	state  string           // the file of the state, "" for none

	failed map[string]string // by server or file: what was said last of its failing
	cancel context.CancelFunc
	done   bool          // what --once asks for
	left   time.Duration // of the offset, where a majority is followed
	err    error         // of printing
}

func (s *syncing) run(ctx context.Context, metrics string) error {
	ctx, watch := s.env.untilSignal(ctx)
	defer watch.stop()
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	if s.flags.once {
		wait := time.Duration(s.flags.wait)
		if wait == 0 {
			wait = time.Minute
		}
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, wait)
		defer end()
	}
	if s.state != "" {
		defer os.Remove(s.state) // nobody disciplines the clock any more
	}
	if metrics != "" {
		m, err := s.serveMetrics(ctx, metrics)
		if err != nil {
			return err
		}
		defer m.stop()
	}
	if !s.flags.apply && !s.flags.quiet {
		s.env.note("nothing is set: this is what would be done; --apply does it")
	}
	err := s.client.Run(ctx)
	switch sig := watch.signalled(); {
	case err != nil:
		return err
	case s.err != nil:
		return s.err
	case sig != nil:
		return sig
	case s.flags.once && !s.done && s.left != 0:
		return fmt.Errorf("time sync: %s of the offset are left: slewing corrects 0.5 ms a second, wait longer (--wait) or have it stepped (--step)", precise(s.left))
	case s.flags.once && !s.done:
		return errNoMajority
	}
	return nil
}

// errNoMajority is why --once did not set the clock.
var errNoMajority = errors.New("time sync: no majority of the servers could be followed in time")

// settled is how small what is left of an offset is when --once is done.
const settled = time.Millisecond

// event prints what happened.
func (s *syncing) event(e client.Event) {
	if s.state != "" {
		s.warn(s.state, cause(writeState(s.state, e.State)))
	}
	if s.flags.json {
		s.print(writeJSON(s.env, eventJSON(e, s.flags.apply)))
	} else if s.warn(e.Server, cause(e.Err)); e.Err == nil && !s.flags.quiet {
		s.print(writeOutput(s.env.stdout, []byte(s.line(e))))
	}
	if e.Decision.Update {
		s.left = e.State.Offset
	}
	if s.flags.once && e.Decision.Update && (e.Decision.Step != 0 || e.State.Offset.Abs() <= max(settled, 3*e.State.Deviation)) {
		s.done = true
		s.cancel()
	}
}

// warn says that something failed, once and not every time it is tried.
func (s *syncing) warn(what string, err error) {
	switch {
	case err == nil:
		delete(s.failed, what)
	case s.failed[what] == err.Error():
	case what == "":
		s.env.warn("%v", err)
		s.failed[what] = err.Error()
	default:
		s.env.warn("%s: %v", what, err)
		s.failed[what] = err.Error()
	}
}

func (s *syncing) print(err error) {
	if err != nil && s.err == nil {
		s.err = err
		s.cancel()
	}
}

// line is an event for people.
func (s *syncing) line(e client.Event) string {
	would := "would "
	if s.flags.apply {
		would = ""
	}
	at := e.Sample.At.Local().Format("15:04:05")
	heard := fmt.Sprintf("%s  %s  offset %s  delay %s", at, e.Server, signed(e.Sample.Offset), precise(e.Sample.Delay))
	d := e.Decision
	if clock.Leap(e.Sample.Leap) == clock.LeapUnknown {
		heard = fmt.Sprintf("%s  %s  says that its clock is not synchronized", at, e.Server)
	}
	switch {
	case !d.Update:
		return heard + "  nothing decided yet\n"
	case d.Step != 0:
		return fmt.Sprintf("%s  clock off by %s: %sstep it, run at %s\n", heard, signed(d.Step), would, ppm(d.Then))
	}
	return fmt.Sprintf("%s  clock off by %s ± %s: %srun at %s\n", heard, signed(e.State.Offset), precise(e.State.Deviation), would, steering(d))
}

// steering is a frequency, and a slew on top of it.
func steering(d discipline.Decision) string {
	if d.After < time.Millisecond {
		return ppm(d.Then)
	}
	return fmt.Sprintf("%s, with %s more for %s", ppm(d.Then), ppm(d.Frequency-d.Then), precise(d.After))
}

// ppm is a frequency in parts per million.
func ppm(f float64) string { return fmt.Sprintf("%+.3f ppm", f*1e6) }

// syncEvent is what --json prints. Fields are only added.
type syncEvent struct {
	At       string    `json:"at,omitempty"`
	Server   string    `json:"server,omitempty"`
	Offset   *float64  `json:"offset_s,omitempty"`
	Delay    *float64  `json:"delay_s,omitempty"`
	Error    string    `json:"error,omitempty"`
	Applied  bool      `json:"applied"`
	Step     float64   `json:"step_s,omitempty"`
	RunsAt   float64   `json:"frequency_ppm"`
	SlewsFor float64   `json:"slew_s,omitempty"`
	Then     float64   `json:"then_ppm"`
	State    syncState `json:"state"`
}

func eventJSON(e client.Event, applied bool) syncEvent {
	j := syncEvent{
		Server: e.Server, Applied: applied && e.Decision.Update, Step: e.Decision.Step.Seconds(),
		RunsAt: e.Decision.Frequency * 1e6, SlewsFor: e.Decision.After.Seconds(), Then: e.Decision.Then * 1e6, State: stateJSON(e.State),
	}
	if e.Err != nil {
		j.Error = cause(e.Err).Error()
	} else {
		j.At = e.Sample.At.UTC().Format(time.RFC3339Nano)
		if e.Sample.Stratum > 0 { // else it did not say the time
			j.Offset, j.Delay = seconds(e.Sample.Offset), seconds(e.Sample.Delay)
		}
	}
	return j
}

// syncState is a state as JSON: at /state, and in sync.json. Fields are only added.
type syncState struct {
	Synchronized bool         `json:"synchronized"`
	Updated      string       `json:"updated,omitempty"`
	Offset       float64      `json:"offset_s"`
	Deviation    float64      `json:"deviation_s"`
	Jitter       float64      `json:"jitter_s"`
	Frequency    float64      `json:"frequency_ppm"`
	Skew         float64      `json:"skew_ppm"`
	Selected     string       `json:"selected,omitempty"`
	Stratum      uint8        `json:"stratum"`
	ReferenceID  [4]byte      `json:"reference_id_bytes"`
	Leap         string       `json:"leap"`
	RootDelay    float64      `json:"root_delay_s"`
	RootError    float64      `json:"root_error_s"`
	Servers      []syncServer `json:"servers"`
}

type syncServer struct {
	Name      string  `json:"name"`
	Verdict   string  `json:"verdict"`
	Reach     string  `json:"reach"` // octal, as ntpq shows it
	Poll      float64 `json:"poll_s"`
	Offset    float64 `json:"offset_s"`
	Deviation float64 `json:"deviation_s"`
	Delay     float64 `json:"delay_s"`
	Jitter    float64 `json:"jitter_s"`
	Stratum   uint8   `json:"stratum"`
	Samples   int     `json:"samples"`
}

func stateJSON(s discipline.State) syncState {
	j := syncState{
		Synchronized: s.Synchronized, Offset: s.Offset.Seconds(), Deviation: s.Deviation.Seconds(), Jitter: s.Jitter.Seconds(),
		Frequency: s.Frequency * 1e6, Skew: finite(s.Skew * 1e6), Selected: s.Selected, Stratum: s.Stratum, ReferenceID: s.ReferenceID,
		Leap: clock.Leap(s.Leap).String(), RootDelay: s.RootDelay.Seconds(), RootError: s.RootError.Seconds(), Servers: []syncServer{},
	}
	if !s.Updated.IsZero() {
		j.Updated = s.Updated.UTC().Format(time.RFC3339Nano)
	}
	for _, one := range s.Sources {
		x := one.Estimate
		j.Servers = append(j.Servers, syncServer{
			Name: one.Name, Verdict: one.Verdict.String(), Reach: strconv.FormatUint(uint64(one.Reach), 8), Poll: one.Poll.Seconds(),
			Offset: x.Offset.Seconds(), Deviation: x.Deviation.Seconds(), Delay: x.Last.Delay.Seconds(), Jitter: x.Jitter.Seconds(),
			Stratum: x.Last.Stratum, Samples: x.Samples,
		})
	}
	return j
}

// finite is f, which JSON can hold.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
