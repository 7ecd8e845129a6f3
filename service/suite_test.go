package service

import (
	"fmt"
	"testing"
	"time"

	"parley"
	"parley/service/servicetest"
)

// noon is what every clock shows in the tests of the suite.
var noon = time.Date(2026, time.November, 5, 12, 0, 0, 0, time.UTC)

func fixedClock() time.Time { return noon }

// says is a dialogue that is the same with every peer.
func says(ends servicetest.End, steps ...servicetest.Step) func(int) servicetest.Dialogue {
	return func(int) servicetest.Dialogue { return servicetest.Dialogue{Steps: steps, Ends: ends} }
}

// answers is a dialogue of lines that are each peer's own. The first peer's last
// one has no line end; to wait for all of them to pause would take long.
func answers(answer func(msg string) string) func(int) servicetest.Dialogue {
	return func(peer int) servicetest.Dialogue {
		var d servicetest.Dialogue
		formats := []string{"hello from %d\n", "%d again\r\n"}
		if peer == 0 {
			formats = append(formats, "and %d without a newline")
		}
		for _, format := range formats {
			msg := fmt.Sprintf(format, peer)
			d.Steps = append(d.Steps, servicetest.Step{Send: msg, Want: answer(msg)})
		}
		return d
	}
}

// TestServices puts every service through the suite.
func TestServices(t *testing.T) {
	const long = time.Hour
	tests := []struct {
		svc  parley.Service
		opts servicetest.Options
	}{
		{Echo{}, servicetest.Options{Dialogue: answers(func(msg string) string { return msg })}},
		{Discard{}, servicetest.Options{Dialogue: answers(func(string) string { return "" })}},
		{Chargen{}, servicetest.Options{
			Dialogue:  says(servicetest.PeerLeaves, servicetest.Step{Want: string(chargenPage)}, servicetest.Step{Want: string(chargenPage)}),
			Datagrams: says(servicetest.PeerEnds, servicetest.Step{Send: "x", Want: string(chargenPage[:chargenLine])}),
		}},
		{Daytime{Now: fixedClock}, servicetest.Options{
			Dialogue:  says(servicetest.ServiceEnds, servicetest.Step{Want: "Thursday, November 5, 2026 12:00:00-UTC\r\n"}),
			Datagrams: says(servicetest.PeerEnds, servicetest.Step{Send: "?", Want: "Thursday, November 5, 2026 12:00:00-UTC\r\n"}),
		}},
		{Time{Now: fixedClock}, servicetest.Options{
			Dialogue:  says(servicetest.ServiceEnds, servicetest.Step{Want: "\xee\x96\xee@"}),
			Datagrams: says(servicetest.PeerEnds, servicetest.Step{Send: "?", Want: "\xee\x96\xee@"}),
		}},
		{Ack{}, servicetest.Options{Dialogue: answers(func(string) string { return "tcpServer has received your message" })}},
		{Greet{}, servicetest.Options{
			Dialogue:  says(servicetest.ServiceEnds, servicetest.Step{Want: "byebye"}, servicetest.Step{Send: "hihi\n"}),
			Datagrams: says(servicetest.PeerEnds, servicetest.Step{Send: "hihi", Want: "byebye"}),
		}},
		{Gate{Wait: long}, servicetest.Options{Dialogue: func(peer int) servicetest.Dialogue {
			steps := []servicetest.Step{{Send: "1\r\n", Want: "welcome to server!"}, {Send: "01\n", Want: "please go out!"}}
			return servicetest.Dialogue{Ends: servicetest.ServiceEnds, Steps: steps[peer%2:][:1]}
		}}},
		{Stamp{Now: fixedClock}, servicetest.Options{Dialogue: answers(func(msg string) string { return "[Thu Nov  5 12:00:00 2026] " + msg })}},
	}
	tested := make(map[string]bool)
	for _, tt := range tests {
		name := fmt.Sprint(tt.svc)
		tested[name] = true
		t.Run(name, func(t *testing.T) {
			servicetest.Test(t, func() parley.Service { return tt.svc }, tt.opts)
		})
	}
	for _, k := range All() {
		if !tested[k.Name] {
			t.Errorf("service %s is not in the table of this test", k.Name)
		}
	}
}
