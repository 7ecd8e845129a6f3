package jetstream

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/chat/text"
)

// A Report is what Verify found.
type Report struct {
	Where               string // the directory or URL
	Replicas            int
	Messages            int
	Rooms               []RoomReport // by name
	First, Last         uint64       // Seqs, 0 if there are no messages
	FirstTime, LastTime time.Time
	Gaps                []Gap // in order
	Duplicates          []Duplicate
	Unreadable          []string // messages that are whole and cannot be understood
	Damage              []string // what of the files cannot be read
	Torn                int      // bytes at the end that were being written when the process ended; no harm
}

// A RoomReport is what Verify found of a room.
type RoomReport struct {
	Name        string
	Messages    int
	First, Last uint64
	LastTime    time.Time
}

// A Gap is a run of Seqs that are missing.
type Gap struct {
	First, Last uint64
	Why         GapReason
}

// A GapReason says whether a gap is right.
type GapReason string

// The reasons. Only one that is unexplained is a fault.
const (
	GapLimit       GapReason = "limit"       // a room was at its limit
	GapAccepted    GapReason = "accepted"    // the loss was accepted when the store was opened
	GapUnexplained GapReason = "unexplained" // messages that were stored are gone
)

// A Duplicate is a message that is stored more than once.
type Duplicate struct {
	Author string
	ID     uint64
	Seqs   []uint64
}

// judged adds what is wrong with the files, and the gaps.
func (r *Report) judged(j *judgement, s *survey, accepted []hole) {
	for _, n := range slices.Sorted(maps.Keys(j.damaged)) {
		r.Damage = append(r.Damage, j.damaged[n])
	}
	if j.meta != nil {
		r.Damage = append(r.Damage, j.meta.Error())
	}
	r.Torn = j.torn
	for _, h := range j.lost {
		r.Gaps = append(r.Gaps, Gap{h.first, h.last, GapUnexplained})
	}
	for _, h := range s.holes {
		for _, rest := range without(h, j.lost) {
			for _, limited := range without(rest, accepted) {
				r.Gaps = append(r.Gaps, Gap{limited.first, limited.last, GapLimit})
			}
		}
	}
	for _, h := range accepted {
		r.Gaps = append(r.Gaps, Gap{h.first, h.last, GapAccepted})
	}
	slices.SortFunc(r.Gaps, func(a, b Gap) int { return int(int64(a.First - b.First)) })
}

// Missing is how many messages are gone that ought to be there.
func (r *Report) Missing() (n uint64) {
	for _, g := range r.Gaps {
		if g.Why == GapUnexplained {
			n += g.Last - g.First + 1
		}
	}
	return n
}

// OK reports whether everything that was stored is there, once, and can be read.
func (r *Report) OK() bool {
	return r.Missing() == 0 && len(r.Duplicates) == 0 && len(r.Unreadable) == 0 && len(r.Damage) == 0
}

// maxListed is how many faults of a kind are shown to people.
const maxListed = 20

// String is the report for people, in lines.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s in %s", r.Where, count(r.Messages, "message"), count(len(r.Rooms), "room"))
	if r.Replicas > 1 {
		fmt.Fprintf(&b, ", %d replicas", r.Replicas)
	}
	b.WriteByte('\n')
	if r.Messages > 0 {
		fmt.Fprintf(&b, "first %d of %s, last %d of %s\n", r.First, minute(r.FirstTime), r.Last, minute(r.LastTime))
	}
	for _, room := range r.Rooms {
		fmt.Fprintf(&b, "room %s: %s, %d to %d, last of %s\n", text.Clean(room.Name), count(room.Messages, "message"), room.First, room.Last, minute(room.LastTime))
	}
	r.listGaps(&b)
	list(&b, "duplicate", r.Duplicates, func(d Duplicate) string { return fmt.Sprintf("%s.%d at %v", text.Clean(d.Author), d.ID, d.Seqs) })
	list(&b, "unreadable", r.Unreadable, func(s string) string { return s })
	list(&b, "damage", r.Damage, func(s string) string { return s })
	if r.Torn > 0 {
		fmt.Fprintf(&b, "%s at the end were being written when the process ended; nothing acknowledged is in them\n", count(r.Torn, "byte"))
	}
	if r.OK() {
		b.WriteString("ok: nothing is missing, nothing is stored twice\n")
	} else {
		fmt.Fprintf(&b, "not ok: %d missing, %d stored twice, %d unreadable, %s\n",
			r.Missing(), len(r.Duplicates), len(r.Unreadable), count(len(r.Damage), "damaged place"))
	}
	return b.String()
}

// listGaps lists the gaps that are faults, and counts the others.
func (r *Report) listGaps(b *strings.Builder) {
	var faults []Gap
	taken := make(map[GapReason]uint64)
	for _, g := range r.Gaps {
		if g.Why == GapUnexplained {
			faults = append(faults, g)
		}
		taken[g.Why] += g.Last - g.First + 1
	}
	if n := taken[GapLimit]; n > 0 {
		fmt.Fprintf(b, "%d between them were removed by the limits\n", n)
	}
	if n := taken[GapAccepted]; n > 0 {
		fmt.Fprintf(b, "%d were lost earlier, and that was accepted\n", n)
	}
	list(b, "missing", faults, func(g Gap) string { return hole{g.First, g.Last}.String() })
}

// list writes a line for each of a kind of fault, up to maxListed.
func list[T any](b *strings.Builder, kind string, all []T, show func(T) string) {
	for i, v := range all {
		if i == maxListed {
			fmt.Fprintf(b, "%s: and %d more\n", kind, len(all)-i)
			return
		}
		fmt.Fprintf(b, "%s: %s\n", kind, show(v))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
