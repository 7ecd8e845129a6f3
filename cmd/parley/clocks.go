package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines without the system's

	"parley"
	"parley/clock"
	"parley/clock/ntp"
	"parley/clock/ntpserver"
	"parley/clock/timesync"
	"parley/endpoint"
	"parley/service"
)

// clockKinds are the services that tell the time to machines and programs.
func clockKinds() []service.Kind {
	limit := func(per float64) service.Param {
		return service.Param{Name: "limit", Default: strconv.FormatFloat(per, 'g', -1, 64), Summary: "answers a second of one source on UDP, loopback exempt; 0 is no limit"}
	}
	return []service.Kind{
		{Name: "timesync", Summary: "answers a strftime format with the time in it",
			Params:  []service.Param{{Name: "tz", Default: "the system's", Summary: "time zone, such as UTC or Asia/Tokyo"}, limit(timesync.DefaultPerSource)},
			Default: []string{"timesync@udp://127.0.0.1:9527"}, New: newTimesync},
		{Name: "ntp", Summary: "tells machines the time: NTP versions 1 to 4 (RFC 5905, RFC 9769)",
			Params: []service.Param{
				{Name: "stratum", Default: strconv.Itoa(ntpserver.DefaultStratum), Summary: "how far from a reference clock this one is said to be, 1 to 15; without it and refid, what parley time sync --apply knows"},
				{Name: "refid", Default: "LOCL", Summary: "what it is said to follow: up to four characters, or an IPv4 address"},
				{Name: "offset", Default: "0", Summary: "is added to the time told, as in -1.5s"},
				limit(ntpserver.DefaultPerSource),
				{Name: "early", Summary: "serve also while the clock shows a time that is known to be past"},
			},
			Schemes: []string{"udp", "udp4", "udp6"},
			Default: []string{"ntp@udp://127.0.0.1:11123"}, New: newNTP},
	}
}

func newTimesync(t endpoint.Target) (parley.Service, error) {
	var c timesync.Config
	if name, ok := t.Param("tz"); ok {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" {
			return nil, &paramError{"tz", fmt.Errorf("no time zone %q is known; want a name such as UTC or Asia/Tokyo", name)}
		}
		c.Location = zone
	}
	var err error
	if c.PerSource, err = limitOf(t); err != nil {
		return nil, err
	}
	return timesync.New(c), nil
}

// limitOf reads the parameter limit: 0 without it, negative for none.
func limitOf(t endpoint.Target) (float64, error) {
	v, ok := t.Param("limit")
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n >= 0 && n <= 1e6) {
		return 0, &paramError{"limit", fmt.Errorf("want a number of answers a second from 0 to 1000000, not %q", v)}
	}
	if n == 0 {
		return -1, nil
	}
	return n, nil
}

// A timeServer is the service ntp, and whether it serves whatever the clock shows.
type timeServer struct {
	*ntpserver.Service
	early bool
}

func newNTP(t endpoint.Target) (parley.Service, error) {
	own := ntpserver.State{Stratum: ntpserver.DefaultStratum, ReferenceID: ntp.Local}
	var c ntpserver.Config
	var early bool
	for _, p := range []struct {
		name string
		set  func(v string) error
	}{
		{"stratum", func(v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || n >= ntp.MaxStratum {
				return fmt.Errorf("want a number from 1 to %d, not %q", ntp.MaxStratum-1, v)
			}
			own.Stratum = uint8(n)
			return nil
		}},
		{"refid", func(v string) (err error) { own.ReferenceID, err = parseReferenceID(v); return err }},
		{"offset", func(v string) (err error) { c.Offset, err = parseOffset(v); return err }},
		{"early", func(v string) (err error) { early, err = endpoint.ParseBool(v); return err }},
	} {
		if v, ok := t.Param(p.name); ok {
			if err := p.set(v); err != nil {
				return nil, &paramError{p.name, err}
			}
		}
	}
	var err error
	if c.PerSource, err = limitOf(t); err != nil {
		return nil, err
	}
	f := followed{own: func(now time.Time) ntpserver.State {
		s := own
		s.Reference = now.Truncate(time.Minute)
		return s
	}}
	c.State = f.own
	if path := statePath(os.Getenv); path != "" && !given(t, "stratum") && !given(t, "refid") {
		f.path, c.State = path, f.at
	}
	c.Leap = f.leap
	if table, err := clock.SystemLeaps(); err == nil {
		c.Leap = tableLeap(table, f.leap)
	}
	if !early {
		c.Floor = buildTime()
	}
	return timeServer{ntpserver.New(c), early}, nil
}

func given(t endpoint.Target, name string) bool {
	_, ok := t.Param(name)
	return ok
}

// parseReferenceID reads characters, or an IPv4 address.
func parseReferenceID(s string) (ntp.ReferenceID, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Is4() {
		return addr.As4(), nil
	}
	return ntp.ReferenceIDOf(s)
}

// parseOffset reads a duration that may be negative.
func parseOffset(s string) (time.Duration, error) {
	digits, negative := strings.CutPrefix(s, "-")
	d, err := endpoint.ParseDuration(digits)
	if negative {
		d = -d
	}
	return d, err
}

// buildTime is when this program's source was committed: the clock cannot show an
// earlier time and be right. It is zero where the build does not know.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, err := time.Parse(time.RFC3339, s.Value)
			if err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// A clockMark is a file whose modification time is the latest moment at which a time server of
// this user is known to have run.
type clockMark struct{ path string }

// markOf is the mark of this user.
func markOf(getenv func(string) string) (clockMark, error) {
	store, err := defaultStore(getenv)
	if err != nil {
		return clockMark{}, err
	}
	return clockMark{filepath.Join(filepath.Dir(store), "clock")}, nil
}

// A pastError is why the time is not served.
type pastError struct {
	now, known time.Time
	why        string
	file       string // that remembers, if one does
}

func (e *pastError) Error() string {
	return fmt.Sprintf("ntp: this machine's clock shows %s, before %s, %s", e.now.UTC().Format(time.RFC3339), e.known.UTC().Format(time.RFC3339), e.why)
}

// check reports a clock that is known to be wrong at now.
func (m clockMark) check(now time.Time) error {
	if built := buildTime(); now.Before(built) {
		return &pastError{now, built, "when this program was made", ""}
	}
	info, err := os.Stat(m.path)
	if err != nil || !now.Before(info.ModTime()) {
		return nil
	}
	return &pastError{now, info.ModTime(), "when the time was served last", m.path}
}

// set notes that now is past. It does not move the mark back.
func (m clockMark) set(now time.Time) error {
	if info, err := os.Stat(m.path); err == nil {
		if now.Before(info.ModTime()) {
			return nil
		}
		return os.Chtimes(m.path, now, now)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(m.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chtimes(m.path, now, now)
}

// checkClock refuses the entries that would tell a time that is known to be wrong, and
// remembers the mark if there are others.
func (s *serving) checkClock(entries []entry) (ready []entry, errs []error) {
	mark, err := markOf(s.env.getenv)
	if err != nil {
		s.talk.log.Debug("status", "text", "no file remembers when the time was served", "err", err)
	}
	past := mark.check(time.Now())
	for _, one := range entries {
		server, ok := one.service.(timeServer)
		if ok && !server.early && past != nil {
			errs = append(errs, one.placed(&entryError{one.name(), past}))
			continue
		}
		if ok && past == nil && mark.path != "" {
			s.mark = &mark
		}
		ready = append(ready, one)
	}
	return ready, errs
}

// markEvery is how often a time server notes that it runs.
const markEvery = 10 * time.Minute

// setMark notes that now is past, if a time server runs.
func (s *serving) setMark() {
	if s.mark == nil {
		return
	}
	if err := s.mark.set(time.Now()); err != nil {
		s.talk.log.Debug("status", "text", "cannot note when the time was served", "err", err)
	}
}
