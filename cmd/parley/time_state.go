package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parley/clock"
	"parley/clock/discipline"
	"parley/clock/ntp"
	"parley/clock/ntpserver"
	"parley/endpoint"
	"parley/internal/file"
	"parley/transport"
)

// The state of a clock that is disciplined: for Prometheus, for parley time compare of another
// machine, and for a parley serve ntp of this one.

// serveMetrics serves them at where.
func (s *syncing) serveMetrics(ctx context.Context, where string) (*metricsServer, error) {
	log := newTalk(s.env, &serveFlags{log: "text"}).log
	return serveHTTP(ctx, where, log, []prometheus.Collector{clockCollector{s.client.State, s.now}}, func(mux *http.ServeMux) {
		mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(stateJSON(s.client.State()))
		})
	})
}

// stateFile is in the directory of the user's states, wherever the drift file is.
const stateFile = "sync.json"

// statePath is the file of this user's state, "" where none can be.
func statePath(getenv func(string) string) string {
	mark, err := markOf(getenv)
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(mark.path), stateFile)
}

// A clockCollector gives Prometheus what is known of a clock.
type clockCollector struct {
	state func() discipline.State
	now   func() time.Time // of that clock
}

var (
	clockSynchronized = prometheus.NewDesc("parley_clock_synchronized", "Whether the clock follows servers.", nil, nil)
	clockOffset       = prometheus.NewDesc("parley_clock_offset_seconds", "What had to be corrected at the last update.", nil, nil)
	clockDeviation    = prometheus.NewDesc("parley_clock_offset_deviation_seconds", "Standard deviation of the offset.", nil, nil)
	clockJitter       = prometheus.NewDesc("parley_clock_jitter_seconds", "Jitter of the servers that are used.", nil, nil)
	clockFrequency    = prometheus.NewDesc("parley_clock_frequency_ppm", "What is added to the oscillator's frequency.", nil, nil)
	clockStratum      = prometheus.NewDesc("parley_clock_stratum", "Distance from a reference clock.", nil, nil)
	clockRootDelay    = prometheus.NewDesc("parley_clock_root_delay_seconds", "Delay to the reference clock.", nil, nil)
	clockRootError    = prometheus.NewDesc("parley_clock_root_dispersion_seconds", "What the clock may be off, the root delay not counted.", nil, nil)
	clockUpdated      = prometheus.NewDesc("parley_clock_updated_timestamp_seconds", "When the clock was last updated.", nil, nil)
	serverOffset      = prometheus.NewDesc("parley_clock_server_offset_seconds", "A server's clock minus ours.", []string{"server"}, nil)
	serverDelay       = prometheus.NewDesc("parley_clock_server_delay_seconds", "Delay of the last exchange with a server.", []string{"server"}, nil)
	serverVerdict     = prometheus.NewDesc("parley_clock_server_verdict", "What became of a server: 1 at its verdict.", []string{"server", "verdict"}, nil)
	serverReach       = prometheus.NewDesc("parley_clock_server_reach", "The last eight polls of a server as bits, the newest lowest.", []string{"server"}, nil)
)

// Describe sends what there is.
func (c clockCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clockSynchronized, clockOffset, clockDeviation, clockJitter, clockFrequency, clockStratum, clockRootDelay,
		clockRootError, clockUpdated, serverOffset, serverDelay, serverVerdict, serverReach} {
		to <- d
	}
}

// Collect sends the numbers.
func (c clockCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := c.state()
	synchronized := 0.0
	if s.Synchronized {
		synchronized = 1
	}
	gauge(clockSynchronized, synchronized)
	if !s.Updated.IsZero() {
		gauge(clockOffset, s.Offset.Seconds())
		gauge(clockDeviation, s.Deviation.Seconds())
		gauge(clockJitter, s.Jitter.Seconds())
		gauge(clockFrequency, s.Frequency*1e6)
		gauge(clockStratum, float64(s.Stratum))
		gauge(clockRootDelay, s.RootDelay.Seconds())
		gauge(clockRootError, s.Dispersion(c.now()).Seconds())
		gauge(clockUpdated, float64(s.Updated.UnixNano())/1e9)
	}
	for _, one := range s.Sources {
		gauge(serverVerdict, 1, one.Name, one.Verdict.String())
		gauge(serverReach, float64(one.Reach), one.Name)
		if one.Estimate.Samples > 0 {
			gauge(serverOffset, one.Estimate.Offset.Seconds(), one.Name)
			gauge(serverDelay, one.Estimate.Last.Delay.Seconds(), one.Name)
		}
	}
}

// writeState writes the file anew and puts it in the place of the old one.
func writeState(path string, s discipline.State) error {
	b, err := json.Marshal(stateJSON(s))
	if err != nil {
		return err
	}
	return file.Replace(path, append(b, '\n'))
}

// A followed is what an ntp server of this machine tells while the clock is disciplined: read
// from the file that the discipline writes, again every few seconds.
type followed struct {
	path string
	own  func(now time.Time) ntpserver.State // while nobody disciplines the clock

	mu      sync.Mutex // guards what follows
	looked  time.Time
	state   syncState
	updated time.Time // zero: nobody disciplines the clock
}

// lookEvery is how old what is known of the file may be.
const lookEvery = 4 * time.Second

// at is what is told at now.
func (f *followed) at(now time.Time) ntpserver.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := now.Sub(f.looked); d > lookEvery || d < 0 {
		f.looked = now
		f.look(now)
	}
	if f.updated.IsZero() {
		return f.own(now)
	}
	s := f.state
	age := max(now.Sub(f.updated).Seconds(), 0)
	return ntpserver.State{
		Stratum: s.Stratum, ReferenceID: s.ReferenceID, Reference: f.updated,
		RootDelay:      time.Duration(s.RootDelay * 1e9),
		RootDispersion: time.Duration((s.RootError + age*discipline.MaxSkew) * 1e9),
	}
}

// tableLeap is what table says of leap seconds until it expires, and what was heard after that.
func tableLeap(table *clock.Leaps, heard func(time.Time) uint8) func(time.Time) uint8 {
	return func(now time.Time) uint8 {
		if end := table.Expires(); !end.IsZero() && !now.Before(end) {
			return heard(now)
		}
		return uint8(table.At(now))
	}
}

// leap is the leap second that was heard of.
func (f *followed) leap(time.Time) uint8 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range []clock.Leap{clock.InsertLeap, clock.DeleteLeap} {
		if !f.updated.IsZero() && f.state.Leap == l.String() {
			return uint8(l)
		}
	}
	return uint8(clock.NoLeap)
}

// look reads the file.
func (f *followed) look(now time.Time) {
	f.updated = time.Time{}
	b, err := os.ReadFile(f.path)
	if err != nil || json.Unmarshal(b, &f.state) != nil || !f.state.Synchronized || f.state.Stratum < 1 || f.state.Stratum >= ntp.MaxStratum {
		return
	}
	if at, err := time.Parse(time.RFC3339Nano, f.state.Updated); err == nil && now.Sub(at) < discipline.Lost && at.Before(now.Add(time.Minute)) {
		f.updated = at
	}
}

// fetchState asks a parley time sync for its state.
func fetchState(ctx context.Context, e endpoint.Endpoint) (s syncState, err error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return transport.Dial(ctx, e) }
	web := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10}}
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+e.Address()+"/state", nil)
	if err != nil {
		return s, err
	}
	answer, err := web.Do(request)
	if err != nil {
		var op *transport.OpError
		if errors.As(err, &op) {
			return s, op
		}
		return s, fmt.Errorf("ask %s: not a parley time sync --metrics: %s", printed(e), briefly(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return s, fmt.Errorf("ask %s: %s", printed(e), answer.Status)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&s); err != nil {
		return s, fmt.Errorf("ask %s: not the state of a clock: %s", printed(e), briefly(err))
	}
	return s, nil
}

// briefly is err without most of what a server made of it.
func briefly(err error) string {
	var op *url.Error
	if errors.As(err, &op) {
		err = op.Err
	}
	return shortened(err.Error())
}
