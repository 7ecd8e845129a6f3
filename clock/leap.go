package clock

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Leaps is a table of leap seconds. It is constant and safe for concurrent use; the nil
// table has none.
type Leaps struct {
	changes []leapChange // in the order of time
	expires time.Time    // zero: not told
}

// A leapChange is a moment from which on TAI is ahead of UTC by some seconds.
type leapChange struct {
	at    time.Time
	ahead int
}

// ParseLeaps reads the table that the IERS publishes as leap-seconds.list: lines of a
// number of seconds since 1900 and TAI-UTC from then on, comments after #, and the moment
// of expiry after #@.
func ParseLeaps(r io.Reader) (*Leaps, error) {
	l := new(Leaps)
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if err := l.parseLine(lines.Text()); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(l.changes) == 0 {
		return nil, errors.New("no leap seconds in it")
	}
	return l, nil
}

func (l *Leaps) parseLine(line string) (err error) {
	if expires, ok := strings.CutPrefix(line, "#@"); ok {
		l.expires, err = since1900(strings.TrimSpace(expires))
		return err
	}
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	if len(fields) != 2 {
		return fmt.Errorf("%q: want seconds since 1900 and TAI-UTC", strings.TrimSpace(line))
	}
	at, err := since1900(fields[0])
	if err != nil {
		return err
	}
	ahead, err := strconv.Atoi(fields[1])
	if err != nil {
		return fmt.Errorf("%q: want seconds that TAI is ahead", fields[1])
	}
	if n := len(l.changes); n > 0 {
		last := l.changes[n-1]
		if step := ahead - last.ahead; !at.After(last.at) || step != 1 && step != -1 {
			return fmt.Errorf("%q: want a later moment, and one second more or less", strings.TrimSpace(line))
		}
	}
	l.changes = append(l.changes, leapChange{at.UTC(), ahead})
	return nil
}

func since1900(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}, fmt.Errorf("%q: want seconds since 1900", s)
	}
	return time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n/86400)).Add(time.Duration(n%86400) * time.Second), nil
}

// At is what happens at the end of the UTC day of now.
func (l *Leaps) At(now time.Time) Leap {
	if l == nil {
		return NoLeap
	}
	end := now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for i := len(l.changes) - 1; i > 0; i-- {
		switch change := l.changes[i]; {
		case change.at.Before(end):
			return NoLeap
		case change.at.Equal(end) && change.ahead > l.changes[i-1].ahead:
			return InsertLeap
		case change.at.Equal(end):
			return DeleteLeap
		}
	}
	return NoLeap
}

// Expires is until when the table says all leap seconds; zero if it does not tell.
func (l *Leaps) Expires() time.Time {
	if l == nil {
		return time.Time{}
	}
	return l.expires
}

// systemLeaps are where systems keep the table.
var systemLeaps = []string{
	"/usr/share/zoneinfo/leap-seconds.list",
	"/etc/ntp/leap-seconds.list",
	"/var/db/ntpd.leap-seconds.list",
}

// SystemLeaps reads the table of this system. Where there is none the error matches
// os.ErrNotExist.
func SystemLeaps() (*Leaps, error) {
	for _, path := range systemLeaps {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		l, err := ParseLeaps(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return l, nil
	}
	return nil, fmt.Errorf("no table of leap seconds: %w", os.ErrNotExist)
}
