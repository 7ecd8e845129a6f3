package main

import (
	"fmt"
	"strings"
	"time"

	"parley/probe"
)

// fewTargets is how many are shown one by one, whatever they are.
const fewTargets = 20

// probeShow shows results as they come. found and endRound are called by one
// goroutine, and what they leave is read when that has ended.
type probeShow struct {
	env    *env
	flags  *probeFlags
	line   *statusLine
	cancel func() // ends the probing, when nobody takes what is shown

	total int  // of targets
	few   bool // every one is shown
	wide  int  // the column of targets

	round     int
	seen, up  int // of the round
	alike     groups
	lastShown time.Time // of line

	failures []error // that hints are about
	allUp    bool
	err      error // of the output
}

func newProbeShow(e *env, f *probeFlags, targets []probe.Targets, cancel func()) *probeShow {
	s := &probeShow{env: e, flags: f, cancel: cancel}
	for _, t := range targets {
		s.total += t.Len()
	}
	s.few = s.total <= fewTargets
	s.wide = targetWidth(targets)
	if !s.few {
		s.line = newStatusLine(e, f.quiet)
	}
	return s
}

// widestTarget bounds the column of targets: longer ones stick out.
const widestTarget = 48

// targetWidth is the width of the widest target, a range of ports being taken to
// have five digits.
func targetWidth(targets []probe.Targets) int {
	wide := 0
	for _, t := range targets {
		for one := range t.All() {
			if t.Len() > fewTargets {
				one.Endpoint.Port = "65535"
			}
			wide = max(wide, len(targetText(one)))
			if t.Len() > fewTargets {
				break
			}
		}
	}
	return min(wide, widestTarget)
}

// found shows one result, or keeps it until it is known how many are like it.
func (s *probeShow) found(r probe.Result) {
	if r.Round != s.round {
		s.endRound()
		s.round, s.seen, s.up = r.Round, 0, 0
	}
	s.seen++
	if r.Up {
		s.up++
	}
	switch {
	case s.err != nil || s.flags.quiet:
	case s.flags.json:
		s.keep(writeJSON(s.env, r))
	case s.few || s.flags.all || r.Changed || s.round == 0 && r.Up:
		s.print(r)
	case s.round == 0:
		s.alike.add(r)
	}
	if s.round == 0 {
		s.noteFailure(r)
	}
	if s.seen == s.total {
		s.endRound()
		return
	}
	s.progress()
}

// endRound shows what was kept, and begins to keep anew.
func (s *probeShow) endRound() {
	s.line.clear()
	for _, g := range s.alike.take() {
		if len(g.results) <= fewTargets {
			for _, r := range g.results {
				s.print(r)
			}
			continue
		}
		s.write(s.stamp(g.results[0]) + g.line(s.wide) + "\n")
	}
}

// print shows r, with the facts if there are not too many.
func (s *probeShow) print(r probe.Result) {
	text := s.stamp(r) + probeLine(r, s.wide) + "\n"
	if s.few && (s.round == 0 || r.Changed || r.Ping != nil) {
		text += strings.Join(facts(r), "")
	}
	s.write(text)
}

// stamp is what lines begin with when it is watched: the time, and a mark.
func (s *probeShow) stamp(r probe.Result) string {
	if s.flags.watch.d == 0 {
		return ""
	}
	mark := " "
	if r.Changed {
		mark = "*"
	}
	return r.At.Format(time.TimeOnly) + " " + mark + " "
}

func (s *probeShow) write(text string) {
	if s.err == nil {
		s.line.clear()
		s.keep(writeOutput(s.env.stdout, []byte(text)))
	}
}

// keep keeps the first error of the output, which is the end.
func (s *probeShow) keep(err error) {
	if s.err == nil && err != nil {
		s.err = err
		s.cancel()
	}
}

// progress says on a terminal how far a round of many targets is.
func (s *probeShow) progress() {
	if s.line == nil || time.Since(s.lastShown) < 100*time.Millisecond {
		return
	}
	s.lastShown = time.Now()
	s.line.show(func(int) string { return fmt.Sprintf("%d of %d targets, %d up", s.seen, s.total, s.up) })
}
