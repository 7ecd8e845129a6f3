package ntp

import (
	"math"
	"time"
)

// A Timestamp is a moment as NTP writes it: seconds since the beginning of an era, in
// units of 2^-32 s (RFC 5905 section 6). Eras are 2^32 seconds long; era 0 began on
// 1900-01-01 00:00 UTC, era 1 begins on 2036-02-07 06:28:16 UTC. A timestamp does not say
// of which era it is. 0 is no moment.
type Timestamp uint64

// unixEpoch is 1970 in seconds since 1900.
const unixEpoch = 2208988800

// TimestampOf is t's timestamp, cut off to the unit. The zero time has none: 0. The
// one moment of an era whose timestamp would be 0 is one unit later.
func TimestampOf(t time.Time) Timestamp {
	if t.IsZero() {
		return 0
	}
	seconds := uint64(t.Unix()+unixEpoch) << 32
	fraction := (uint64(t.Nanosecond())<<32 + 999_999_999) / 1e9 // rounded up, so that Time gives the same nanosecond
	return max(Timestamp(seconds|fraction), 1)
}

// Time is the moment of ts that is nearest to pivot, which is to be known to 68 years:
// the local clock, or the build's time where that is later. Of 0 it is the zero time.
func (ts Timestamp) Time(pivot time.Time) time.Time {
	if ts == 0 {
		return time.Time{}
	}
	// The difference of the seconds modulo 2^32, as a signed number, is right where its
	// size is below 2^31.
	near := pivot.Unix() + unixEpoch
	seconds := near + int64(int32(uint32(ts>>32)-uint32(uint64(near))))
	nanoseconds := (uint64(ts) & math.MaxUint32) * 1e9 >> 32
	return time.Unix(seconds-unixEpoch, int64(nanoseconds)).UTC()
}

// Sub is ts - other, where they are less than 68 years apart.
func (ts Timestamp) Sub(other Timestamp) time.Duration {
	d := int64(ts - other)
	seconds, fraction := d>>32, uint64(d)&math.MaxUint32
	return time.Duration(seconds)*time.Second + time.Duration(fraction*1e9>>32)
}

// A Short is a duration of 0 to 65536 s in units of 2^-16 s (RFC 5905 section 6).
type Short uint32

// ShortOf is d, rounded up: it stands for an error, which is not to be told smaller. What
// is out of the range becomes its end.
func ShortOf(d time.Duration) Short {
	if d <= 0 {
		return 0
	}
	seconds := uint64(d / time.Second)
	if seconds > math.MaxUint16 {
		return math.MaxUint32
	}
	fraction := (uint64(d%time.Second)<<16 + 999_999_999) / 1e9
	return Short(min(seconds<<16+fraction, math.MaxUint32))
}

// Duration is s, to the nanosecond.
func (s Short) Duration() time.Duration { return time.Duration(uint64(s) * 1e9 >> 16) }
