package service

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// makeOf makes the service of a target's text, as a command does.
func makeOf(text string) (parley.Service, error) {
	t, err := endpoint.ParseTarget(text)
	if err != nil {
		return nil, err
	}
	k, err := Find(All(), t.Service)
	if err != nil {
		return nil, err
	}
	return k.Make(t)
}

func TestMake(t *testing.T) {
	tests := []struct {
		target string
		want   parley.Service
	}{
		{"echo", Echo{}},
		{"echo@tcp://:7", Echo{}},
		{"discard", Discard{}},
		{"chargen", Chargen{}},
		{"ack", Ack{}},
		{"ack?reply=got%20it@udp://:1", Ack{Reply: "got it"}},
		{"greet", Greet{}},
		{"greet?text=hello%20I%20am%20server,welcome@tcp://:2000", Greet{Text: "hello I am server,welcome"}},
		{"greet?text=a%40b", Greet{Text: "a@b"}},
		{"gate", Gate{}},
		{"gate?secret=open%20sesame&wait=90s@unix:/run/gate.sock", Gate{Secret: "open sesame", Wait: 90 * time.Second}},
		{"gate?wait=2", Gate{Wait: 2 * time.Second}},
		{"gate?wait=1d", Gate{Wait: 24 * time.Hour}},
		{"gate?wait=0", Gate{Wait: -time.Second}}, // for ever
	}
	for _, tt := range tests {
		if got, err := makeOf(tt.target); err != nil || got != tt.want {
			t.Errorf("%s makes %#v, %v; want %#v", tt.target, got, err, tt.want)
		}
	}
}

func TestMakeErrors(t *testing.T) {
	tests := []struct{ target, want string }{
		{"ecko", `unknown service "ecko"; nearest is "echo"`},
		{"stmap@tcp://:1", `unknown service "stmap"; nearest is "stamp"`},
		{"teleport", `unknown service "teleport"; known are echo discard chargen daytime time ack greet gate stamp`},
		{"echo?reply=x", `service echo: unknown parameter "reply"; it takes none`},
		{"ack?repyl=x", `service ack: unknown parameter "repyl"; nearest is "reply"`},
		{"gate?sceret=x", `service gate: unknown parameter "sceret"; nearest is "secret"`},
		{"gate?password=x", `service gate: unknown parameter "password"; known are secret wait`},
		{"gate?secret=", `service gate: parameter secret: is empty`},
		{"gate?secret", `service gate: parameter secret: is empty`},
		{"gate?secret=1%0D%0A", `service gate: parameter secret: ends in a line end, which does not count`},
		{"ack?reply=", `service ack: parameter reply: is empty`},
		{"greet?text=", `service greet: parameter text: is empty`},
		{"gate?wait=soon", `service gate: parameter wait: `},
		{"gate?wait=", `service gate: parameter wait: `},
		{"gate?wait=-1s", `service gate: parameter wait: `},
		{"gate?wait=5s&wait=6s", `"wait"`},
	}
	for _, tt := range tests {
		svc, err := makeOf(tt.target)
		if err == nil {
			t.Errorf("%s makes %#v, want an error", tt.target, svc)
			continue
		}
		if got := err.Error(); !strings.Contains(got, tt.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: error %q, want one line with %q", tt.target, got, tt.want)
		}
		if svc != nil {
			t.Errorf("%s: an error and the service %#v", tt.target, svc)
		}
	}
}

// TestDefaults shows that the default targets are what they should be: they
// parse, are on loopback, and differ.
func TestDefaults(t *testing.T) {
	var all []string
	for _, k := range All() {
		if len(k.Default) == 0 || k.Summary == "" {
			t.Errorf("%s has no default or no summary", k.Name)
		}
		for _, text := range k.Default {
			all = append(all, text)
			target, err := endpoint.ParseTarget(text)
			if err != nil {
				t.Errorf("%s: %v", k.Name, err)
				continue
			}
			e := target.Endpoint
			if addr, err := netip.ParseAddr(e.Host); err != nil || !addr.IsLoopback() {
				t.Errorf("%s is not on loopback", text)
			}
			if err := transport.CheckListen(e); err != nil {
				t.Error(err)
			}
			if target.String() != text {
				t.Errorf("%s is canonically %s", text, target)
			}
			svc, err := makeOf(text)
			if target.Service != k.Name || err != nil || fmt.Sprint(svc) != k.Name {
				t.Errorf("%s makes %v, %v; want %s", text, svc, err, k.Name)
			}
		}
	}
	want := strings.Fields(`
		echo@tcp://127.0.0.1:7007 echo@udp://127.0.0.1:7007 discard@tcp://127.0.0.1:7009 discard@udp://127.0.0.1:7009
		chargen@tcp://127.0.0.1:7019 chargen@udp://127.0.0.1:7019 daytime@tcp://127.0.0.1:7013 daytime@udp://127.0.0.1:7013
		time@tcp://127.0.0.1:7037 time@udp://127.0.0.1:7037 ack@tcp://127.0.0.1:50000 ack@udp://127.0.0.1:50001
		greet@tcp://127.0.0.1:31500 greet?text=hello%20I%20am%20server,welcome@tcp://127.0.0.1:2000 gate@tcp://127.0.0.1:8001
		stamp@tcp://127.0.0.1:21567 stamp@udp://127.0.0.1:21567`)
	if !slices.Equal(all, want) {
		t.Errorf("the default set is\n%q, want\n%q", all, want)
	}
}

// TestParams shows that the documented default of each parameter is what a service
// without it does.
func TestParams(t *testing.T) {
	want := map[string]string{
		"ack reply": "tcpServer has received your message", "greet text": "byebye", "gate secret": "1", "gate wait": "5s",
	}
	for _, k := range All() {
		for _, p := range k.Params {
			name := k.Name + " " + p.Name
			if p.Default != want[name] || p.Summary == "" {
				t.Errorf("parameter %s has the default %q, want %q, and the summary %q", name, p.Default, want[name], p.Summary)
			}
			delete(want, name)
			if _, err := makeOf(k.Name + "?" + p.Name + "=" + strings.ReplaceAll(p.Default, " ", "%20")); err != nil {
				t.Errorf("the default of %s: %v", name, err)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("parameters %v are missing", want)
	}
}

// FuzzMake makes a service of any text: what can be made has its name, and is the
// same of the canonical text; an error is one line.
func FuzzMake(f *testing.F) {
	for _, k := range All() {
		for _, text := range k.Default {
			f.Add(text)
		}
	}
	for _, text := range []string{"gate?secret=%0A", "gate?wait=1h&secret=x@unix:/s", "gate?wait=9999999999999d", "ack?reply=%00", "greet?text=%40@mem:x", "echo?", "?@", "echo@"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		svc, err := makeOf(text)
		if err != nil {
			if svc != nil || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q: %v, and the error %q", text, svc, err)
			}
			return
		}
		target, err := endpoint.ParseTarget(text)
		if err != nil || fmt.Sprint(svc) != target.Service {
			t.Fatalf("%q makes %v", text, svc)
		}
		if again, err := makeOf(target.String()); err != nil || fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", svc) {
			t.Errorf("%q makes %#v, and its canonical text %q makes %#v, %v", text, svc, target, again, err)
		}
		if g, ok := svc.(Gate); ok && string(trimEnd([]byte(g.Secret))) != g.Secret {
			t.Errorf("%q makes a gate that nobody can open", text)
		}
	})
}
