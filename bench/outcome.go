package bench

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"
)

// saturated is the share of its time from which on a generator is taken for the
// limit: what it measured could be more with a faster one.
const saturated = 0.95

// tolerated is the share of messages that may miss their moment.
const tolerated = 0.01

// report says what was measured. The run is over.
func (r *run) report() *Report {
	l, t := r.plan.load, r.counts.total
	rep := &Report{
		Mode: l.Mode, Endpoint: l.Endpoint.Bare().String(),
		Sessions: l.Sessions, Depth: l.Depth, Workers: l.Workers,
		Rate: l.Rate, Arrivals: l.Arrivals,
		Started: r.started, Warmup: l.Warmup, Elapsed: r.elapsed(),
		Opened: t.opened, Failed: t.failed, Reopened: t.reopened, Open: r.open,
		Sent: t.sent, Answered: t.answered, Offered: t.offered, BytesOut: t.bytesOut, BytesIn: t.bytesIn,
		Latency:    t.latency,
		Unanswered: t.unanswered, Unsent: t.unsent, Guessed: t.guessed, Stall: t.stall,
		Errors: t.errors, FirstErrors: t.firstErrors,
		Generator: r.generator(), Intervals: r.intervals,
	}
	if l.Exchange != nil {
		rep.Service, rep.Size = l.Exchange.String(), l.Exchange.Size(0)
		for seq := range uint64(checkedMessages) {
			rep.LargestSize = max(rep.LargestSize, l.Exchange.Size(seq))
		}
	}
	if l.Framing != nil && !r.plan.keeps {
		rep.Framing = l.Framing.String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rep.Interrupted = r.interrupted
	if r.failure != nil {
		rep.Failure = r.failure.Error()
	}
	rep.TCP = r.sockets.tcp()
	if r.plan.lossy {
		rep.Datagrams = &Datagrams{
			Lost: t.lost, Late: t.late, Duplicated: t.duplicated, Reordered: t.reordered, Stray: t.stray,
			DroppedHere: r.sockets.dropped(), RefusedHere: t.refused,
		}
	}
	return rep
}

// elapsed is how long was measured.
func (r *run) elapsed() time.Duration {
	return time.Duration(max(r.ending()-r.plan.from, 0))
}

// generator says how the load itself fared.
func (r *run) generator() Generator {
	t := r.counts.total
	g := Generator{Busy: r.busy(), Missed: t.missed, WorstMiss: t.worstMiss}
	switch {
	case g.Busy < saturated:
	case r.looped:
		g.Limits = append(g.Limits, fmt.Sprintf("a worker was busy %.0f %% of the time", 100*g.Busy))
	default:
		g.Limits = append(g.Limits, fmt.Sprintf("this process was busy %.0f %% of the time on all of its %d processors", 100*g.Busy, runtime.GOMAXPROCS(0)))
	}
	scheduled, unit := t.sent+t.unsent, "messages"
	if r.plan.load.Mode != Messages {
		scheduled, unit = t.opened+t.failed+t.unsent, "sessions"
	}
	if t.missed > 0 && float64(t.missed) > tolerated*float64(scheduled) {
		g.Limits = append(g.Limits, fmt.Sprintf("%.1f %% of the %s were begun more than %v late, by up to %v",
			100*float64(t.missed)/float64(max(scheduled, t.missed)), unit, missedBy, t.worstMiss.Round(10*time.Microsecond)))
	}
	return g
}

// busy is the share of the time that the busiest worker did not wait, or that this
// process used of its processors where goroutines did the work; -1 if neither is known.
func (r *run) busy() float64 {
	if !r.looped {
		return r.usage.share()
	}
	busy := -1.0
	for _, w := range r.counts.workers {
		if w.elapsed > 0 {
			busy = max(busy, min(max(1-w.idle.Seconds()/w.elapsed.Seconds(), 0), 1))
		}
	}
	return busy
}

// usage is what the process used of its processors while there was measuring. Its
// methods are safe for concurrent use.
type usage struct {
	mu         sync.Mutex // guards what follows
	begun, end time.Time
	cpu        time.Duration // used before begun, then between the two
}

// begin is called when the measuring begins.
func (u *usage) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if cpu, ok := processTime(); ok && u.end.IsZero() {
		u.begun, u.cpu = time.Now(), cpu
	}
}

// finish is called when the measuring ends, for the first time.
func (u *usage) finish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.end.IsZero() {
		return
	}
	u.end = time.Now()
	if cpu, ok := processTime(); ok {
		u.cpu = cpu - u.cpu
	}
}

// share is what was used of all processors, 0 to 1, or -1 if it is not known.
func (u *usage) share() float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	length := u.end.Sub(u.begun)
	if u.begun.IsZero() || length <= 0 {
		return -1
	}
	return min(u.cpu.Seconds()/length.Seconds()/float64(runtime.GOMAXPROCS(0)), 1)
}

// sockets is what the system knew of the sockets of all sessions.
type sockets struct {
	connections     int64
	retransmits     int64
	rtts            time.Duration // the sum
	rttMin, rttMax  time.Duration
	datagrams, lost int64 // sockets that tell of drops, and what they dropped
}

func (s *sockets) add(i sockinfo) {
	if i.tcp {
		if s.connections == 0 {
			s.rttMin = math.MaxInt64
		}
		s.connections++
		s.retransmits += i.retransmits
		s.rtts += i.rtt
		s.rttMin, s.rttMax = min(s.rttMin, i.rtt), max(s.rttMax, i.rtt)
	}
	if i.drops >= 0 {
		s.datagrams++
		s.lost += i.drops
	}
}

// tcp is nil if no session told of one.
func (s *sockets) tcp() *TCP {
	if s.connections == 0 {
		return nil
	}
	return &TCP{
		Connections: s.connections, Retransmits: s.retransmits,
		RTTMin: s.rttMin, RTTMean: s.rtts / time.Duration(s.connections), RTTMax: s.rttMax,
	}
}

// dropped is how many datagrams were not taken from here in time, or -1.
func (s *sockets) dropped() int64 {
	if s.datagrams == 0 {
		return -1
	}
	return s.lost
}
