package jetstream

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A judgement is what is wrong with the files of a store.
type judgement struct {
	lost    []hole         // messages that were stored and are gone
	damaged map[int]string // block files with parts that cannot be read, and where
	meta    error          // the description of the stream is damaged
	torn    int            // bytes that were being written when the process ended; no harm
}

// judge compares what the files hold with what they ought to: accepted are
// losses that somebody knows of.
func (s *survey) judge(m markState, c *Config, accepted []hole, now time.Time) judgement {
	j := judgement{damaged: make(map[int]string), meta: s.meta}
	expected := m.last
	if expected == 0 { // there is no mark; then all of it counts
		expected = max(s.last, s.tomb)
	}
	for n, bad := range s.bad {
		for _, b := range bad {
			if b.after < expected {
				j.damaged[n] = fmt.Sprintf("%d.blk has %d bytes at %d that are no message", n, b.length, b.offset)
			} else {
				j.torn += b.length
			}
		}
	}
	for _, h := range s.missing(m, c, now) {
		j.lost = append(j.lost, without(h, accepted)...)
	}
	return j
}

// missing are the sequences that are not there and that no limit explains.
func (s *survey) missing(m markState, c *Config, now time.Time) []hole {
	var missing []hole
	if s.frontIsMissing(m, c, now) {
		missing = append(missing, hole{m.first, s.first - 1})
	}
	full := s.fullSince(m.rooms)
	for _, h := range s.holes {
		if h.last >= full {
			missing = append(missing, h)
		}
	}
	aged := m.age > 0 && now.Sub(s.lastTime) > m.age // the rest is only not removed yet
	if s.last < m.last && (s.tomb < m.last || s.records > 0 && !aged) {
		missing = append(missing, hole{s.last + 1, m.last})
	}
	return missing
}

// frontIsMissing reports whether the store began earlier, and no limit has taken
// the beginning away.
func (s *survey) frontIsMissing(m markState, c *Config, now time.Time) bool {
	switch {
	case m.first == 0 || s.records == 0 || s.first <= m.first:
		return false
	case s.fullSince(m.rooms) > 0: // a room at its limit
		return false
	case expired(m.firstTime, m.age, now) || expired(m.firstTime, c.age(), now):
		return false
	}
	return c.bytes() <= 0 || s.bytes < c.bytes()/2
}

func expired(at time.Time, age time.Duration, now time.Time) bool {
	return age > 0 && now.Sub(at) > age
}

// fullSince is a sequence before which messages may be gone because a room has as
// many as it may; 0 if no room has.
func (s *survey) fullSince(rooms int64) (full uint64) {
	if rooms <= 0 {
		return 0
	}
	for _, room := range s.rooms {
		if over := int64(len(room.seqs)) - rooms; over >= 0 {
			full = max(full, room.seqs[over])
		}
	}
	return full
}

// without is what is left of h without known.
func without(h hole, known []hole) []hole {
	for _, k := range known {
		if k.last < h.first || k.first > h.last {
			continue
		}
		var rest []hole
		if h.first < k.first {
			rest = append(rest, without(hole{h.first, k.first - 1}, known)...)
		}
		if h.last > k.last {
			rest = append(rest, without(hole{k.last + 1, h.last}, known)...)
		}
		return rest
	}
	return []hole{h}
}

// err is what is wrong, in one line, and nil if nothing is.
func (j *judgement) err() error {
	var parts []string
	if len(j.lost) > 0 {
		parts = append(parts, lostText(j.lost))
	}
	for _, n := range slices.Sorted(maps.Keys(j.damaged)) {
		parts = append(parts, j.damaged[n])
	}
	if j.meta != nil {
		parts = append(parts, j.meta.Error())
	}
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrCorrupt, strings.Join(parts[:min(len(parts), 4)], "; "))
}

// lostText says which messages are gone.
func lostText(lost []hole) string {
	var n uint64
	var ranges []string
	for _, h := range lost {
		n += h.count()
		ranges = append(ranges, h.String())
	}
	if len(ranges) > 3 {
		ranges = append(ranges[:3], "and more")
	}
	if n == 1 {
		return "1 message that was stored is gone (" + ranges[0] + ")"
	}
	return fmt.Sprintf("%d messages that were stored are gone (%s)", n, strings.Join(ranges, ", "))
}
