package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/clock"
	"parley/clock/client"
	"parley/clock/discipline"
	"parley/clock/ntpserver"
	"parley/clock/query"
	"parley/endpoint"
)

// compared makes hosts of offsets and errors in milliseconds.
func compared(pairs ...[2]int) (hosts []comparedHost) {
	for i, p := range pairs {
		t := endpoint.Target{Service: "ntp", Endpoint: endpoint.MustParse(fmt.Sprintf("udp://h%d:123", i))}
		hosts = append(hosts, comparedHost{target: t, best: query.Reading{
			Target: t, Timed: true, Offset: time.Duration(p[0]) * time.Millisecond, Error: time.Duration(p[1]) * time.Millisecond,
			NTP: &query.NTP{Stratum: 2, ReferenceID: "192.0.2.1"},
		}})
	}
	return hosts
}

func TestCompareHosts(t *testing.T) {
	for _, test := range []struct {
		hosts  [][2]int
		agrees string // a letter for each: y or n
		spread int
	}{
		{[][2]int{{0, 1}}, "y", 0},
		{[][2]int{{0, 1}, {1, 1}}, "yy", 1},
		{[][2]int{{0, 1}, {5, 1}}, "nn", 5},
		{[][2]int{{0, 1}, {5, 1}, {1, 1}}, "yny", 5},
		{[][2]int{{0, 1}, {2, 1}, {4, 1}}, "yyy", 4}, // in pairs; the middle one decides
		{[][2]int{{0, 1}, {1, 1}, {1000, 1}, {-1, 1}}, "yyny", 1001},
		{[][2]int{{0, 1}, {1, 1}, {1000, 1}, {1001, 1}}, "nnnn", 1001}, // no majority
		{[][2]int{{0, 1}, {0, 500}}, "yy", 0},
		{[][2]int{{0, 2500}, {0, 1}}, "yy", 0}, // further than an int of 32 bits
	} {
		c := compareHosts(compared(test.hosts...), 0)
		got := ""
		for _, h := range c.hosts {
			got += map[bool]string{true: "y", false: "n"}[h.agrees]
		}
		if test.agrees == "yyy" { // one of the two pairs, and the other's third may miss it
			if strings.Count(got, "y") < 2 {
				t.Errorf("%v: %s agree", test.hosts, got)
			}
			continue
		}
		if got != test.agrees || c.spread != time.Duration(test.spread)*time.Millisecond {
			t.Errorf("%v: %s agree, %v apart; want %s, %dms", test.hosts, got, c.spread, test.agrees, test.spread)
		}
	}
}

func TestComparisonVerdict(t *testing.T) {
	if err := compareHosts(compared([2]int{0, 1}, [2]int{1, 1}), 5*time.Millisecond).verdictError(); err != "" {
		t.Errorf("two that agree within the limit: %s", err)
	}
	far := compareHosts(compared([2]int{0, 10}, [2]int{6, 10}), 5*time.Millisecond)
	if err := far.verdictError(); !strings.Contains(err, "6.00 ms apart, more than 5.00 ms") {
		t.Errorf("6 ms apart with a limit of 5: %q", err)
	}
	liar := compareHosts(compared([2]int{0, 1}, [2]int{500, 1}, [2]int{1, 1}), 0)
	if err := liar.verdictError(); !strings.Contains(err, "ntp@udp://h1:123 disagrees: it is +499 ms from the others") {
		t.Errorf("one that disagrees: %q", err)
	}
	if table := liar.table(); !strings.Contains(table, "NO: it is +499 ms from the others") || strings.Count(table, "  yes\n") != 2 {
		t.Errorf("the table does not tell:\n%s", table)
	}
	two := compareHosts(compared([2]int{0, 1}, [2]int{500, 1}), 0)
	if err := two.verdictError(); strings.Count(err, "disagrees: no majority agrees") != 2 || strings.Contains(two.table(), "+0 ns from") {
		t.Errorf("two that disagree: %q\n%s", err, two.table())
	}
	gone := compared([2]int{0, 1}, [2]int{0, 1})
	gone[1] = comparedHost{target: gone[1].target, err: errors.New("no answer")}
	c := compareHosts(gone, 0)
	if err := c.verdictError(); err != "no answer" || !strings.Contains(c.table(), "no answer") {
		t.Errorf("one that does not answer: %q", err)
	}
	var parsed struct{ Ok bool }
	if b, err := json.Marshal(c.json()); err != nil || json.Unmarshal(b, &parsed) != nil || parsed.Ok {
		t.Errorf("JSON %s, %v", b, err)
	}
}

func (c comparison) verdictError() string {
	if err := c.verdict(); err != nil {
		return err.Error()
	}
	return ""
}

func TestPrecise(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ns", 999: "999 ns", 1000: "1.00 µs", 9994: "9.99 µs", 9996: "10.0 µs", 123456: "123 µs",
		math.MinInt64: "-2562047h47m16.854775807s", 1234567: "1.23 ms", 12 * time.Second: "12.0 s", 999 * time.Second: "999 s", 3600 * time.Second: "1h0m0s", -1500: "-1.50 µs",
	} {
		if got := precise(d); got != want {
			t.Errorf("precise(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestClockMark(t *testing.T) {
	m := clockMark{filepath.Join(t.TempDir(), "state", "clock")}
	now := time.Now()
	if err := m.check(now); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if err := m.set(now); err != nil {
		t.Fatal(err)
	}
	var past *pastError
	if err := m.check(now.Add(-time.Hour)); !errors.As(err, &past) || past.file != m.path {
		t.Errorf("an hour before the last run: %v", err)
	}
	if err := m.check(now.Add(time.Second)); err != nil {
		t.Errorf("after the last run: %v", err)
	}
	if err := m.set(now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := m.check(now.Add(-time.Minute)); err == nil {
		t.Error("the mark was moved back")
	}
}

// TestTableLeap believes a table of leap seconds until it expires.
func TestTableLeap(t *testing.T) {
	const text = "3550089600 35\n3644697600 36\n" // the end of June 2015
	heard := func(time.Time) uint8 { return uint8(clock.DeleteLeap) }
	day := func(s string) time.Time {
		now, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	for _, c := range []struct {
		expires, day string
		want         clock.Leap
	}{
		{"", "2015-06-30", clock.InsertLeap},
		{"", "2026-06-30", clock.NoLeap},
		{"#@ 3660076800", "2015-06-30", clock.InsertLeap}, // 2015-12-26
		{"#@ 3660076800", "2015-12-25", clock.NoLeap},
		{"#@ 3660076800", "2015-12-26", clock.DeleteLeap},
	} {
		table, err := clock.ParseLeaps(strings.NewReader(c.expires + "\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		if got := tableLeap(table, heard)(day(c.day)); got != uint8(c.want) {
			t.Errorf("%q on %s: %v, want %v", c.expires, c.day, clock.Leap(got), c.want)
		}
	}
}

// TestFollowed reads the state of a discipline, and goes back to the server's own when that is
// gone, old, or none.
func TestFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), stateFile)
	now := time.Now()
	own := ntpserver.State{Stratum: 10}
	f := &followed{path: path, own: func(time.Time) ntpserver.State { return own }}
	ask := func() ntpserver.State {
		f.looked = time.Time{}
		return f.at(now)
	}
	if got := ask(); got.Stratum != 10 {
		t.Errorf("without a file: %+v", got)
	}
	s := discipline.State{Synchronized: true, Updated: now.Add(-10 * time.Second), Stratum: 3, ReferenceID: [4]byte{192, 0, 2, 1}, RootDelay: time.Second, RootError: time.Millisecond}
	if err := writeState(path, s); err != nil {
		t.Fatal(err)
	}
	got := ask()
	if got.Stratum != 3 || got.ReferenceID != [4]byte{192, 0, 2, 1} || got.RootDelay != time.Second || got.RootDispersion < time.Millisecond || got.RootDispersion > 2*time.Millisecond {
		t.Errorf("with a file: %+v", got)
	}
	for name, change := range map[string]func(*discipline.State){
		"old":              func(s *discipline.State) { s.Updated = now.Add(-discipline.Lost - time.Second) },
		"of the future":    func(s *discipline.State) { s.Updated = now.Add(time.Hour) },
		"not synchronized": func(s *discipline.State) { s.Synchronized = false },
		"of stratum 16":    func(s *discipline.State) { s.Stratum = 16 },
	} {
		other := s
		change(&other)
		if err := writeState(path, other); err != nil {
			t.Fatal(err)
		}
		if got := ask(); got.Stratum != 10 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if err := os.WriteFile(path, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got.Stratum != 10 {
		t.Errorf("half a file: %+v", got)
	}
}

func TestParsePoll(t *testing.T) {
	for text, want := range map[string][2]int{"4..10": {4, 10}, "-4..6": {-4, 6}, "6": {6, 6}} {
		if low, high, err := parsePoll(text); err != nil || low != want[0] || high != want[1] {
			t.Errorf("parsePoll(%q) = %d, %d, %v", text, low, high, err)
		}
	}
	for _, text := range []string{"", "a", "4..", "..4", "10..4", "-5..4", "4..18", "0..4"} {
		if _, _, err := parsePoll(text); err == nil {
			t.Errorf("parsePoll(%q) is no error", text)
		}
	}
}

// TestSignalIsKnownWhenTheContextEnds looks at the signal right after ctx has ended.
func TestSignalIsKnownWhenTheContextEnds(t *testing.T) {
	for range 10_000 {
		ctx, cancel := context.WithCancel(context.Background())
		signals := make(chan os.Signal, 1)
		w := &signalWatch{cancel: cancel, quit: make(chan struct{}), done: make(chan struct{})}
		go w.run(signals)
		signals <- os.Interrupt
		<-ctx.Done()
		if w.signalled() == nil {
			t.Fatal("the context has ended, and no signal is known")
		}
		w.stop()
	}
}

// TestCompareOwn judges a host by what it says of itself.
func TestCompareOwn(t *testing.T) {
	for _, c := range []struct {
		off  float64
		max  time.Duration
		want string
	}{
		{0.2, 0, ""},
		{0.2, time.Second, ""},
		{-0.2, 100 * time.Millisecond, "sync@tcp://127.0.0.1:1 was off by -200 ms at its last update, more than 100 ms"},
	} {
		h := comparedHost{target: endpoint.Target{Service: "sync", Endpoint: endpoint.MustParse("tcp://127.0.0.1:1")}, own: &syncState{Synchronized: true, Offset: c.off}}
		all := compareHosts([]comparedHost{h}, c.max)
		got := ""
		if err := all.verdict(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%g s off, --max %v: %q, want %q", c.off, c.max, got, c.want)
		}
	}
}

// told is a syncing that says all of it to the buffer.
func told() (*syncing, *bytes.Buffer) {
	out := new(bytes.Buffer)
	return &syncing{env: &env{stdout: out, stderr: out}, flags: new(timeSyncFlags), failed: make(map[string]string)}, out
}

// TestSyncSays: a server that is not synchronized has told no time, and a failure is told once.
func TestSyncSays(t *testing.T) {
	s, out := told()
	s.event(client.Event{Server: "a", Sample: discipline.Sample{At: time.Now(), Leap: 3}})
	if !strings.Contains(out.String(), "not synchronized") || strings.Contains(out.String(), "offset") {
		t.Errorf("of a server that is not synchronized: %q", out)
	}
	if j := eventJSON(client.Event{Sample: discipline.Sample{At: time.Now(), Leap: 3}}, false); j.Offset != nil || j.At == "" {
		t.Errorf("of a server that is not synchronized: %+v", j)
	}
	out.Reset()
	for _, err := range []error{errors.New("x"), errors.New("x"), nil, errors.New("x")} {
		s.event(client.Event{Server: "a", Err: err})
	}
	if n := strings.Count(out.String(), "warning: a: x"); n != 2 {
		t.Errorf("told %d times, want 2: %q", n, out)
	}
}

// TestSyncState: that the file of the state cannot be written is said once, and it is tried again.
func TestSyncState(t *testing.T) {
	s, out := told()
	s.flags.quiet = true
	dir := filepath.Join(t.TempDir(), "dir")
	s.state = filepath.Join(dir, stateFile)
	s.event(client.Event{})
	s.event(client.Event{})
	if strings.Count(out.String(), "warning: ") != 1 {
		t.Errorf("%q, want one warning", out)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.event(client.Event{})
	if _, err := os.Stat(s.state); err != nil {
		t.Error(err)
	}
}

// TestDriftFile: --drift leads elsewhere, not to where the state is; without a directory of the user's own
// there is none.
func TestDriftFile(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ home, drift, want string }{
		{dir, "-", ""},
		{dir, filepath.Join(dir, "own"), filepath.Join(dir, "own")},
		{blocked, "", ""},
	} {
		e := &env{getenv: func(name string) string { return map[string]string{"XDG_STATE_HOME": c.home, "HOME": c.home}[name] }}
		f := &timeSyncFlags{apply: true, drift: c.drift}
		if got, err := f.driftFile(e); err != nil || got != c.want {
			t.Errorf("drift %q in %s: %q, %v; want %q", c.drift, c.home, got, err, c.want)
		}
	}
}
