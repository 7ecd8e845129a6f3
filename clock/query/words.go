package query

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/clock/ntp"
	"parley/endpoint"
)

// askTime asks a server of RFC 868: four bytes, the seconds since 1900.
func askTime(ctx context.Context, t endpoint.Target, o Options) (Reading, error) {
	x := exchange{most: 4} // which is all, whether the server ends it or not
	if t.Endpoint.KeepsMessages() {
		x.most = 5
	}
	s, err := x.have(ctx, t.Endpoint)
	if err != nil {
		return Reading{}, err
	}
	if len(s.answer) != 4 {
		return Reading{}, bad(t, fmt.Sprintf("an answer of time has 4 bytes, this one is %s", quoted(s.answer)))
	}
	seconds := ntp.Timestamp(uint64(binary.BigEndian.Uint32(s.answer)) << 32)
	return s.reading(max(seconds, 1).Time(s.at), time.Second), nil
}

// daytimeLayouts are what servers of RFC 867 say, which prescribes none: parley's and others with
// a zone. What inetd says has none, so that it is not known what time it is.
var daytimeLayouts = []string{
	"Monday, January 2, 2006 15:04:05-MST",
	"Monday, January 2, 2006 15:04:05 MST",
	"02 Jan 2006 15:04:05 MST",
	"02 Jan 06 15:04:05 MST",
	"Mon Jan 2 15:04:05 MST 2006",
	time.RFC3339, time.RFC1123, time.RFC1123Z, time.RFC850,
}

// askDaytime asks a server of RFC 867: the time in some words.
func askDaytime(ctx context.Context, t endpoint.Target, o Options) (Reading, error) {
	s, err := exchange{line: true, most: 512}.have(ctx, t.Endpoint)
	if err != nil {
		return Reading{}, err
	}
	text := strings.Trim(string(s.answer), "\r\n\x00 ")
	at, ok := parseDaytime(text, time.Local)
	r := s.untimed()
	if ok {
		r = s.reading(at, time.Second)
	}
	r.Text = text
	return r, nil
}

// parseDaytime reads a time in one of the layouts. One whose zone's abbreviation does not tell
// which it is, because it is neither UTC's nor one of local, is not read.
func parseDaytime(text string, local *time.Location) (time.Time, bool) {
	if at, ok := parseNIST(text); ok {
		return at, true
	}
	for _, layout := range daytimeLayouts {
		at, err := time.ParseInLocation(layout, text, local)
		if err != nil {
			continue
		}
		// Of an abbreviation that is neither UTC nor local's the parser makes up a
		// zone with no offset.
		if name, offset := at.Zone(); strings.Contains(layout, "MST") && offset == 0 && name != "UTC" && name != "GMT" && name != "Z" {
			if _, known := at.In(local).Zone(); known != 0 || at.In(local).Format("MST") != name {
				return time.Time{}, false
			}
		}
		return at, true
	}
	return time.Time{}, false
}

// parseNIST reads "61364 26-11-20 20:14:03 00 0 0 123.4 UTC(NIST) *": the modified Julian
// day, the date and time, and a moment that is so many milliseconds later.
func parseNIST(text string) (time.Time, bool) {
	f := strings.Fields(text)
	if len(f) < 8 || !strings.HasPrefix(f[7], "UTC(") {
		return time.Time{}, false
	}
	day, err := strconv.Atoi(f[0])
	at, err2 := time.Parse("06-01-02 15:04:05", f[1]+" "+f[2])
	ahead, err3 := strconv.ParseFloat(f[6], 64)
	if err != nil || err2 != nil || err3 != nil || !(ahead >= 0 && ahead < 10000) {
		return time.Time{}, false
	}
	const epoch = 40587 // 1970-01-01 as a modified Julian day
	if want := at.Unix()/86400 + epoch; int64(day) != want {
		return time.Time{}, false
	}
	return at.Add(-time.Duration(ahead * 1e6)), true
}

// askTimesync asks for o.Format, and then for the seconds since 1970, which every
// strftime that is asked for by programs knows, to compare the clocks.
func askTimesync(ctx context.Context, t endpoint.Target, o Options) (Reading, error) {
	shown, err := haveTimesync(ctx, t, o.Format)
	if err != nil {
		return Reading{}, err
	}
	r := shown.untimed()
	r.Text = trimLine(shown.answer)
	s, err := haveTimesync(ctx, t, "%s")
	if err != nil {
		return r, err
	}
	if seconds, err := strconv.ParseInt(trimLine(s.answer), 10, 64); err == nil && seconds >= 0 && seconds < 1<<40 {
		text := r.Text
		r = s.reading(time.Unix(seconds, 0), time.Second)
		r.Text = text
	}
	return r, nil
}

func haveTimesync(ctx context.Context, t endpoint.Target, format string) (said, error) {
	x := exchange{question: format, most: 1 << 16}
	if !t.Endpoint.KeepsMessages() {
		x.question, x.line = format+"\n", true // or the server waits whether more comes
	}
	return x.have(ctx, t.Endpoint)
}

func trimLine(b []byte) string { return strings.TrimRight(string(b), "\r\n") }

// quoted is the beginning of what a server said, for people.
func quoted(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q ...", b[:40])
	}
	return fmt.Sprintf("%q", b)
}
