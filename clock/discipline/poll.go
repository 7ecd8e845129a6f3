package discipline

import "time"

// The poll interval grows while what is heard is what was expected, and shrinks when it is
// not (RFC 5905 section 13). An interval is a power of two of seconds.
const (
	pollGate  = 4  // offsets within so many times the jitter are expected
	pollLimit = 30 // score at which the interval changes
)

// adapt changes the poll interval of s, which was just heard, off from what was expected by off;
// jitter is how far off it may be. Where the offset is not known to the goal a
// question more is worth its while.
func (s *source) adapt(off, jitter time.Duration, least, most int, known bool) {
	weight := max(s.poll, 1)
	switch expected := off.Abs() <= pollGate*jitter && len(s.history) >= fewestExpected; {
	case expected && known:
		s.score += weight
	case expected:
		s.score = min(s.score, 0) - weight
	default:
		s.score -= 2 * weight
	}
	switch {
	case s.score > pollLimit:
		s.poll, s.score = min(s.poll+1, most), 0
	case s.score < -pollLimit:
		s.poll, s.score = max(s.poll-1, least), 0
	}
}

// fewestExpected samples have to be known before anything is expected.
const fewestExpected = 10
