package main

import (
	"strings"
	"testing"
	"time"

	"parley/chat"
	"parley/chat/jetstream"
	"parley/endpoint"
)

func TestHallConfigOf(t *testing.T) {
	for _, tt := range []struct {
		params string
		want   hallConfig
		err    string
	}{
		{"", hallConfig{}, ""},
		{"store=/x&age=2d&count=5&size=1k", hallConfig{store: "/x", age: 48 * time.Hour, count: 5, size: 1024}, ""},
		{"store=none&age=0&count=0&size=0", hallConfig{store: "none", age: -1, count: -1, size: -1}, ""},
		{"nats=nats://h:4222&replicas=1&creds=c&ca=d", hallConfig{nats: "nats://h:4222", replicas: 1, credentials: "c", ca: "d"}, ""},
		{"log", hallConfig{log: true}, ""},
		{"log=0&acceptloss", hallConfig{acceptLoss: true}, ""},
		{"lobby=Ops&replay=10", hallConfig{lobby: "ops", replay: 10}, ""},
		{"flood=5/0.5", hallConfig{flood: chat.Flood{Burst: 5, PerSecond: 0.5}}, ""},
		{"flood=0", hallConfig{flood: chat.Flood{Burst: -1, PerSecond: -1}}, ""},
		{"store=", hallConfig{}, "parameter store: is empty"},
		{"count=-1", hallConfig{}, `parameter count: want a number from 0 to 2147483647, not "-1"`},
		{"count=many", hallConfig{}, `not "many"`},
		{"age=soon", hallConfig{}, `parameter age: duration "soon"`},
		{"size=big", hallConfig{}, `parameter size: size "big"`},
		{"log=perhaps", hallConfig{}, "parameter log: "},
		{"lobby=a%20b", hallConfig{}, "parameter lobby: "},
		{"replay=501", hallConfig{}, "parameter replay: want a number from 0 to 500"},
		{"flood=5", hallConfig{}, "want BURST/RATE"},
		{"flood=5/0", hallConfig{}, "want BURST/RATE"},
		{"flood=0/5", hallConfig{}, "want BURST/RATE"},
		{"flood=5/NaN", hallConfig{}, "want BURST/RATE"},
		{"flood=5/Inf", hallConfig{}, "want BURST/RATE"},
		{"store=/x&nats=nats://h", hallConfig{}, "parameter store: does not go together with nats"},
		{"replicas=3", hallConfig{}, "parameter replicas: is for a history that is kept by a NATS server"},
		{"replicas=0&nats=nats://h", hallConfig{}, "parameter replicas: want a number from 1 to 5"},
		{"creds=x", hallConfig{}, "parameter creds: is for"},
		{"stoer=x", hallConfig{}, `unknown parameter "stoer"; nearest is "store"`},
	} {
		target, err := endpoint.ParseTarget(strings.TrimSuffix("chat?"+tt.params, "?"))
		if err != nil {
			t.Fatal(err)
		}
		svc, err := hallKind().Make(target)
		switch {
		case tt.err == "" && err != nil:
			t.Errorf("chat?%s: %v", tt.params, err)
		case tt.err == "" && !sameConfig(svc.(closedHall).config, tt.want):
			t.Errorf("chat?%s = %+v, want %+v", tt.params, svc.(closedHall).config, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("chat?%s: error %v, want %q", tt.params, err, tt.err)
		}
	}
}

func sameConfig(a, b hallConfig) bool {
	return a.store == b.store && a.nats == b.nats && differentParam(a, b) == ""
}

// What the help names as defaults is what an empty config means.
func TestHallParamDefaults(t *testing.T) {
	var explicit hallConfig
	for _, p := range hallParams {
		if p.Default == "" {
			continue
		}
		value, _, _ := strings.Cut(p.Default, ";") // what follows is of messages in memory
		if err := p.set(&explicit, value); err != nil {
			t.Errorf("the default of %s: %v", p.Name, err)
		}
	}
	if explicit.age != jetstream.DefaultAge || explicit.count != jetstream.DefaultRoomMessages || explicit.size != jetstream.DefaultBytes {
		t.Errorf("age, count, size are %v %d %d, want %v %d %d", explicit.age, explicit.count, explicit.size,
			jetstream.DefaultAge, jetstream.DefaultRoomMessages, jetstream.DefaultBytes)
	}
	if want := (chat.Flood{Burst: 400, PerSecond: 20}); explicit.flood != want || explicit.lobby != "lobby" || explicit.replay != 0 || explicit.replicas != 3 {
		t.Errorf("flood, lobby, replay, replicas are %+v %q %d %d", explicit.flood, explicit.lobby, explicit.replay, explicit.replicas)
	}
}

func TestDifferentParam(t *testing.T) {
	samples := map[string]string{
		"store": "/x", "nats": "nats://h", "creds": "x", "ca": "x", "replicas": "1", "age": "1h", "count": "7", "size": "7k",
		"acceptloss": "1", "log": "1", "lobby": "ops", "replay": "7", "flood": "7/7",
	}
	for _, p := range hallParams {
		var c hallConfig
		if err := p.set(&c, samples[p.Name]); err != nil {
			t.Errorf("%s=%s: %v", p.Name, samples[p.Name], err)
		}
		if got := differentParam(c, hallConfig{}); got != p.Name {
			t.Errorf("differentParam with %s=%s is %q", p.Name, samples[p.Name], got)
		}
	}
	if got := differentParam(hallConfig{}, hallConfig{}); got != "" {
		t.Errorf("differentParam of the same is %q", got)
	}
}

func TestHallConflicts(t *testing.T) {
	dir := t.TempDir()
	e := &env{getenv: func(name string) string { return map[string]string{"XDG_STATE_HOME": dir}[name] }}
	for _, tt := range []struct {
		words string
		want  string // the only error
	}{
		{"chat@tcp://:0 chat@udp://:0 echo@tcp://:0", ""},
		{"chat?store=none&count=5@tcp://:0 chat?count=5&store=none@udp://:0", ""},
		{"chat?age=24h@tcp://:0 chat?age=1d@udp://:0", ""},
		{"chat?store=" + dir + "/a&count=5@tcp://:0 chat?store=" + dir + "/b@udp://:0 chat?store=none&log=1@udp://:0", ""},
		{"chat?nats=nats://a@tcp://:0 chat?nats=nats://b&log@tcp://:1", ""},
		{"chat@tcp://:0 chat?log=1@udp://:0", "chat@udp://:0: parameter log differs from that of chat@tcp://:0, which has the same store (" + dir + "/parley/chat)"},
		{"chat@tcp://:0 chat?count=5&store=" + dir + "/x/../parley//chat@udp://:0", "parameter count differs"},
		{"chat?nats=nats://u:secret%40h@tcp://:0 chat?nats=nats://u:secret%40h&lobby=x@tcp://:1", "(nats://h)"},
		{"chat?store=none@tcp://:0?idle=5 chat?store=none&replay=3@tcp://:1?idle=6", "chat@tcp://:1: parameter replay differs from that of chat@tcp://:0,"},
	} {
		c := catalog{kinds: kinds(), fds: &listenFDs{}}
		var all []entry
		for word := range strings.FieldsSeq(tt.words) {
			entries, err := c.entries(word)
			if err != nil {
				t.Fatalf("%s: %v", word, err)
			}
			all = append(all, entries...)
		}
		errs := e.hallConflicts(all)
		switch {
		case tt.want == "" && len(errs) > 0:
			t.Errorf("%s: %v", tt.words, errs)
		case tt.want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want)):
			t.Errorf("%s: errors %v, want %q", tt.words, errs, tt.want)
		}
	}
}
