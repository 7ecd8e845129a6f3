package main

import (
	"fmt"
	"slices"
	"strings"

	"parley/endpoint"
	"parley/probe"
)

// groups keeps results that are not up, those that are alike together: of one host and
// scheme, with one state and error.
type groups struct {
	order []*group
	by    map[groupKey]*group
}

type groupKey struct {
	service string
	at      endpoint.Endpoint // without its port
	state   probe.State
	errno   string
	why     string // where the state does not say it
}

// group is results that are alike.
type group struct {
	key     groupKey
	results []probe.Result // the first ones: one more than are shown one by one at most
	ports   []int          // of all
}

func (g *groups) add(r probe.Result) {
	key := groupKey{r.Target.Service, r.Target.Endpoint.Bare(), r.State, errnoText(r), whyText(r)}
	key.at.Port = ""
	one := g.by[key]
	if one == nil {
		one = &group{key: key}
		if g.by == nil {
			g.by = make(map[groupKey]*group)
		}
		g.by[key] = one
		g.order = append(g.order, one)
	}
	if len(one.results) <= fewTargets {
		one.results = append(one.results, r)
	}
	one.ports = append(one.ports, portNumber(r.Target.Endpoint))
}

// whyText is what a state that can have many reasons is about.
func whyText(r probe.Result) string {
	switch {
	case r.State == probe.Failed && r.Err != nil:
		return failureText(r.Err)
	case r.State == probe.Open && r.TLS != nil:
		return validity(r.TLS)
	}
	return ""
}

// take empties g.
func (g *groups) take() []*group {
	all := g.order
	*g = groups{}
	return all
}

// line is one line for all of g.
func (g *group) line(wide int) string {
	details := count(int64(len(g.ports)), "port")
	if g.key.state == probe.NoAnswer {
		details += ", open or filtered"
	}
	for _, text := range []string{g.key.why, g.key.errno} {
		if text != "" {
			details += ", " + visible(text)
		}
	}
	target := g.key.at.String()
	if g.key.service != "" {
		target = g.key.service + "@" + target
	}
	return columnsLine(target, string(g.key.state), "", details+": "+ranges(g.ports, mostRanges), wide)
}

// mostRanges is how many ranges of ports a line has.
const mostRanges = 12

// ranges writes ports as probe reads them, 20-79,81, and says how many are left out
// beyond the first most ranges.
func ranges(ports []int, most int) string {
	ports = slices.Compact(slices.Sorted(slices.Values(ports)))
	var all []string
	rest := 0
	for i := 0; i < len(ports); {
		j := i + 1
		for j < len(ports) && ports[j] == ports[j-1]+1 {
			j++
		}
		switch {
		case len(all) == most:
			rest += j - i
		case j-i == 1:
			all = append(all, fmt.Sprint(ports[i]))
		default:
			all = append(all, fmt.Sprintf("%d-%d", ports[i], ports[j-1]))
		}
		i = j
	}
	text := strings.Join(all, ",")
	if rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}
