package main

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"parley"
)

// The metrics of a server. All have the labels service and endpoint. Constant.
var (
	sessionsDesc = desc("parley_sessions", "Sessions open now.")
	acceptedDesc = desc("parley_sessions_total", "Sessions ever opened.")
	endedDesc    = desc("parley_sessions_ended_total", "Sessions ended, by reason.", "reason")
	rejectedDesc = desc("parley_rejected_total", "Sessions and datagrams refused by a limit, by reason.", "reason")
	bytesDesc    = desc("parley_bytes_total", "Payload bytes, by direction: in is received, out is sent.", "direction")
	messagesDesc = desc("parley_messages_total", "Messages, by direction: in is received, out is sent.", "direction")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"service", "endpoint"}, labels...), nil)
}

// A collector reads the counters of a server when it is scraped.
type collector struct{ stats func() []parley.Stats }

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sessionsDesc, acceptedDesc, endedDesc, rejectedDesc, bytesDesc, messagesDesc} {
		to <- d
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, s := range merged(c.stats()) {
		labels := []string{s.Service, printed(s.Endpoint).String()}
		counter := func(d *prometheus.Desc, n int64, more ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), slices.Concat(labels, more)...)
		}
		to <- prometheus.MustNewConstMetric(sessionsDesc, prometheus.GaugeValue, float64(s.Open), labels...)
		counter(acceptedDesc, s.Accepted)
		for reason, n := range s.Ended {
			counter(endedDesc, n, reason)
		}
		for reason, n := range s.Rejected {
			counter(rejectedDesc, n, reason)
		}
		counter(bytesDesc, s.BytesIn, "in")
		counter(bytesDesc, s.BytesOut, "out")
		counter(messagesDesc, s.MessagesIn, "in")
		counter(messagesDesc, s.MessagesOut, "out")
	}
}

// merged adds up listeners of the same name, which reuseport=1 makes possible:
// the same metric twice would spoil a scrape.
func merged(stats []parley.Stats) []parley.Stats {
	type key struct{ service, endpoint string }
	at := make(map[key]int)
	var all []parley.Stats
	for _, s := range stats {
		k := key{s.Service, printed(s.Endpoint).String()}
		i, ok := at[k]
		if !ok {
			at[k] = len(all)
			all = append(all, s)
			continue
		}
		sum := &all[i]
		sum.Open += s.Open
		sum.Accepted += s.Accepted
		sum.BytesIn += s.BytesIn
		sum.BytesOut += s.BytesOut
		sum.MessagesIn += s.MessagesIn
		sum.MessagesOut += s.MessagesOut
		sum.Ended = added(sum.Ended, s.Ended)
		sum.Rejected = added(sum.Rejected, s.Rejected)
	}
	return all
}

// added is a sum of counts by reason, in a map of its own.
func added(a, b map[string]int64) map[string]int64 {
	sum := make(map[string]int64, len(a)+len(b))
	for _, m := range []map[string]int64{a, b} {
		for reason, n := range m {
			sum[reason] += n
		}
	}
	return sum
}
