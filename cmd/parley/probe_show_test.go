package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"parley/probe"
)

// showOf is a probeShow of total targets that writes to out.
func showOf(out io.Writer, total int, f probeFlags) (s *probeShow, ended *bool) {
	ended = new(bool)
	return &probeShow{
		env: &env{stdout: out}, flags: &f, cancel: func() { *ended = true },
		total: total, few: total <= fewTargets, wide: 12,
	}, ended
}

func portResult(port int, state probe.State) probe.Result {
	return probe.Result{Target: at(fmt.Sprintf("tcp://h:%d", port)), State: state, Up: state == probe.Open, At: time.Date(2026, 11, 20, 20, 14, 3, 0, time.Local)}
}

// What is up among many targets is shown at once, what is alike and not up at the
// end, in a line.
func TestShowMany(t *testing.T) {
	var out bytes.Buffer
	s, _ := showOf(&out, 33, probeFlags{})
	for port := 1; port <= 30; port++ {
		s.found(portResult(port, probe.Refused))
	}
	if out.Len() > 0 {
		t.Errorf("shown too early: %q", out.String())
	}
	s.found(portResult(80, probe.Open))
	if got, want := out.String(), "tcp://h:80    open\n"; got != want {
		t.Errorf("shown at once: %q, want %q", got, want)
	}
	s.found(portResult(90, probe.TimedOut))
	s.found(portResult(91, probe.TimedOut)) // the last one
	const want = `tcp://h:80    open
tcp://h       refused               30 ports: 1-30
tcp://h:90    timed out
tcp://h:91    timed out
`
	if got := out.String(); got != want {
		t.Errorf("shown:\n%s\nwant:\n%s", got, want)
	}
	s.endRound()
	if got := out.String(); got != want {
		t.Errorf("shown after the end:\n%s\nwant:\n%s", got, want)
	}
}

func TestShowAll(t *testing.T) {
	var out bytes.Buffer
	s, _ := showOf(&out, 30, probeFlags{all: true})
	for port := 1; port <= 30; port++ {
		s.found(portResult(port, probe.Refused))
	}
	if n := strings.Count(out.String(), "\n"); n != 30 {
		t.Errorf("%d lines, want 30", n)
	}
}

func TestShowQuiet(t *testing.T) {
	var out bytes.Buffer
	s, _ := showOf(&out, 2, probeFlags{quiet: true})
	s.found(portResult(1, probe.Open))
	s.found(portResult(2, probe.Refused))
	s.endRound()
	if out.Len() > 0 {
		t.Errorf("shown: %q", out.String())
	}
}

// Few targets that are watched are shown each round, with a mark where something
// has changed; of many only what has changed.
func TestShowWatch(t *testing.T) {
	watched := probeFlags{watch: spanFlag{d: time.Second}}
	const few = `20:14:03   tcp://h:1     open
20:14:03   tcp://h:2     refused
20:14:03   tcp://h:1     open
20:14:03 * tcp://h:2     open                  was refused
`
	const many = `20:14:03   tcp://h:1     open
20:14:03   tcp://h:2     refused
20:14:03 * tcp://h:2     open                  was refused
`
	for total, want := range map[int]string{2: few, fewTargets + 1: many} {
		var out bytes.Buffer
		s, _ := showOf(&out, total, watched)
		s.found(portResult(1, probe.Open))
		s.found(portResult(2, probe.Refused))
		for _, r := range []probe.Result{portResult(1, probe.Open), portResult(2, probe.Open)} {
			r.Round, r.Changed = 1, r.Target == at("tcp://h:2")
			if r.Changed {
				r.Before = probe.Refused
			}
			s.found(r)
		}
		s.endRound()
		if got := out.String(); got != want {
			t.Errorf("%d targets:\n%s\nwant:\n%s", total, got, want)
		}
	}
}

// When nobody reads what is shown, the probing is ended, and nothing more is
// written.
func TestShowToNobody(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	s, ended := showOf(w, 2, probeFlags{})
	s.found(portResult(1, probe.Open))
	if !*ended || s.err != errStdoutClosed {
		t.Errorf("ended %v, error %v, want errStdoutClosed", *ended, s.err)
	}
	s.env.stdout = new(bytes.Buffer)
	s.found(portResult(2, probe.Open))
	if got := s.env.stdout.(*bytes.Buffer).String(); got != "" {
		t.Errorf("shown after the end: %q", got)
	}
}
