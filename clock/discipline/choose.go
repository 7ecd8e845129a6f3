package discipline

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A candidate is a source that may be believed.
type candidate struct {
	source *source
	Estimate
}

// intersect finds the sources whose time can be right (RFC 5905 section 11.2.1): the true
// offset is within the distance of a right server's, so that those of most servers have
// something in common. It returns them, or nil where no majority agrees.
func intersect(list []candidate) []candidate {
	type edge struct {
		at   time.Duration
		kind int // -1 begins an interval, 0 is its middle, +1 ends it
	}
	var edges []edge
	for _, c := range list {
		edges = append(edges, edge{c.Offset - c.Distance, -1}, edge{c.Offset, 0}, edge{c.Offset + c.Distance, 1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind))
	})
	for allow := 0; 2*allow < len(list); allow++ {
		need := len(list) - allow
		middles := 0
		low, high := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
		for i, chime := 0, 0; i < len(edges); i++ {
			chime -= edges[i].kind
			if chime >= need {
				low = edges[i].at
				break
			}
			if edges[i].kind == 0 {
				middles++
			}
		}
		for i, chime := len(edges)-1, 0; i >= 0; i-- {
			chime += edges[i].kind
			if chime >= need {
				high = edges[i].at
				break
			}
			if edges[i].kind == 0 {
				middles++
			}
		}
		// A middle outside is that of a falseticker.
		if middles > allow || low > high {
			continue
		}
		var right []candidate
		for _, c := range list {
			if c.Offset+c.Distance >= low && c.Offset-c.Distance <= high {
				right = append(right, c)
			}
		}
		return right
	}
	return nil
}

// fewestSurvivors is how many are left together, however they differ (RFC 5905: NMIN).
const fewestSurvivors = 3

// cluster puts aside those that are further from the others than each is from its own
// line, the worst first, while that makes the rest closer (RFC 5905 section 11.2.2). It
// returns the survivors, the lowest stratum first, and then the least distance.
func cluster(list []candidate) []candidate {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.Last.Stratum, b.Last.Stratum), cmp.Compare(a.Distance, b.Distance))
	})
	for len(list) > fewestSurvivors {
		worst, far := 0, -1.0
		least := math.Inf(1)
		for i := range list {
			if d := selectionJitter(list, i) * float64(list[i].Distance); d > far {
				worst, far = i, d
			}
			least = min(least, ownJitter(list[i]))
		}
		if selectionJitter(list, worst) <= least {
			break
		}
		list = slices.Delete(list, worst, worst+1)
	}
	return list
}

// selectionJitter is how far the others are from the i'th, root mean square, in seconds.
func selectionJitter(list []candidate, i int) float64 {
	sum := 0.0
	for _, c := range list {
		d := (c.Offset - list[i].Offset).Seconds()
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(list)-1))
}

// ownJitter is how well a source's own offset is known, in seconds.
func ownJitter(c candidate) float64 { return max(c.Deviation, time.Microsecond).Seconds() }

// A combined is what the survivors say together.
type combined struct {
	offset    time.Duration
	frequency float64
	jitter    time.Duration // of the survivors against each other, and of each
	deviation time.Duration // of offset
	skew      float64       // of frequency
}

// combine weighs offsets by their distances (RFC 5905 section 11.2.3), and frequencies, which
// no asymmetry of the way can falsify, by how well they are known.
func combine(list []candidate) (c combined) {
	var y, z, f, v, j, d float64
	for _, one := range list {
		x := 1 / max(one.Distance, time.Microsecond).Seconds()
		y += x
		z += x * (one.Offset - list[0].Offset).Seconds()
		own, between := one.Jitter.Seconds(), (one.Offset - list[0].Offset).Seconds()
		j += x * (own*own + between*between)
		d += x * x * one.Deviation.Seconds() * one.Deviation.Seconds()
		u := 1 / (one.Skew * one.Skew)
		v += u
		f += u * one.Frequency
	}
	c.offset = list[0].Offset + time.Duration(z/y*1e9)
	c.jitter = duration(math.Sqrt(j / y))
	c.deviation = duration(math.Sqrt(d) / y)
	c.frequency, c.skew = f/v, math.Sqrt(1/v)
	return c
}
