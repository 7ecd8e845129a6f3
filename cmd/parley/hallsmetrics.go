package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"parley/chat"
)

// The metrics of chats. All have the label store. Constant.
var (
	chatMembersDesc    = chatDesc("parley_chat_members", "Members present now.")
	chatRoomsDesc      = chatDesc("parley_chat_rooms", "Rooms with somebody in them now.")
	chatPostsDesc      = chatDesc("parley_chat_posts_total", "Messages stored and acknowledged.")
	chatRefusedDesc    = chatDesc("parley_chat_refused_total", "Messages refused.")
	chatRepeatsDesc    = chatDesc("parley_chat_repeats_total", "Messages that were posted again and stored once.")
	chatDeliveriesDesc = chatDesc("parley_chat_deliveries_total", "Messages sent to members.")
	chatResumedDesc    = chatDesc("parley_chat_resumed_total", "Clients that came back after a cut.")
	chatDroppedDesc    = chatDesc("parley_chat_dropped_total", "Lines not sent to addresses that had not proved that they receive.")
	chatMissedDesc     = chatDesc("parley_chat_missed_total", "Messages not sent to members who did not read.")
)

func chatDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"store"}, nil)
}

// hallStats are the counters of a chat.
type hallStats struct {
	store string // without secrets
	chat.Stats
}

// stats returns the counters of each chat. The set is not changed meanwhile.
func (l *hallSet) stats() []hallStats {
	all := make([]hallStats, 0, len(l.order))
	for _, h := range l.order {
		all = append(all, hallStats{h.name, h.hub.Stats()})
	}
	return all
}

// A hallCollector reads the counters of chats when it is scraped.
type hallCollector struct{ stats func() []hallStats }

func (c hallCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{chatMembersDesc, chatRoomsDesc, chatPostsDesc, chatRefusedDesc, chatRepeatsDesc, chatDeliveriesDesc, chatMissedDesc, chatResumedDesc, chatDroppedDesc} {
		to <- d
	}
}

func (c hallCollector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.stats() {
		put := func(d *prometheus.Desc, kind prometheus.ValueType, n int64) {
			to <- prometheus.MustNewConstMetric(d, kind, float64(n), s.store)
		}
		put(chatMembersDesc, prometheus.GaugeValue, int64(s.Members))
		put(chatRoomsDesc, prometheus.GaugeValue, int64(s.Rooms))
		put(chatPostsDesc, prometheus.CounterValue, int64(s.Posts))
		put(chatRefusedDesc, prometheus.CounterValue, int64(s.Refused))
		put(chatRepeatsDesc, prometheus.CounterValue, int64(s.Repeats))
		put(chatDeliveriesDesc, prometheus.CounterValue, int64(s.Deliveries))
		put(chatMissedDesc, prometheus.CounterValue, int64(s.Missed))
		put(chatResumedDesc, prometheus.CounterValue, int64(s.Resumed))
		put(chatDroppedDesc, prometheus.CounterValue, int64(s.Dropped))
	}
}
