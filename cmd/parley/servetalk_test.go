package main

import (
	"bytes"
	"strings"
	"testing"

	"parley"
	"parley/endpoint"
)

func TestDialCommand(t *testing.T) {
	pin := "sha256:" + strings.Repeat("ab", 32)
	for _, tt := range []struct{ service, at, pin, want string }{
		{"stamp", "udp://127.0.0.1:21567", "", "parley dial --ask udp://127.0.0.1:21567"},
		{"greet", "tcp://127.0.0.1:2000", "", "parley dial tcp://127.0.0.1:2000"},
		{"echo", "tcp://[::]:7", "", "parley dial --ask tcp://127.0.0.1:7"},
		{"echo", "tcp6://[::]:7", "", "parley dial --ask 'tcp6://[::1]:7'"},
		{"echo", "tls://0.0.0.0:7", "sha256:ab", "parley dial --ask 'tls://127.0.0.1:7?pin=sha256:ab'"},
		{"discard", "unix:/run/it's.sock", "", "parley dial unix:/run/it%27s.sock"},
		{"discard", "ip://127.0.0.1?proto=253", "", "parley dial 'ip://127.0.0.1?proto=253'"},
		{"chat", "ws://0.0.0.0:8081/chat", "", "parley chat ws://127.0.0.1:8081/chat"},
		{"chat", "tls://127.0.0.1:7", "sha256:ab", "parley chat 'tls://127.0.0.1:7?pin=sha256:ab'"},
		{"ntp", "udp://[::]:123", "", "parley time ntp@udp://127.0.0.1:123"},
		{"timesync", "tls://127.0.0.1:7", pin, "parley time 'timesync@tls://127.0.0.1:7?pin=" + pin + "'"},
		{"daytime", "ws://127.0.0.1:7", "", "parley dial ws://127.0.0.1:7/"},
		{"echo", "fd:3", "", ""},
		{"echo", "mem:x", "", ""},
	} {
		if got := dialCommand(tt.service, endpoint.MustParse(tt.at), tt.pin); got != tt.want {
			t.Errorf("dialCommand(%s, %s) = %q, want %q", tt.service, tt.at, got, tt.want)
		}
	}
}

func TestEverywhere(t *testing.T) {
	for at, want := range map[string]bool{
		"tcp://:7": true, "udp://0.0.0.0:7": true, "tcp6://[::]:7": true, "ws://[::]:80/x": true,
		"tcp://127.0.0.1:7": false, "tcp://[::1]:7": false, "udp://239.1.2.3:5": false, "unix:/x": false, "fd:3": false, "mem:x": false,
		"ip://0.0.0.0?proto=253": true, "ip://127.0.0.1?proto=253": false,
	} {
		if got := everywhere(endpoint.MustParse(at)); got != want {
			t.Errorf("everywhere(%s) = %v, want %v", at, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	stats := []parley.Stats{
		{Service: "echo", Endpoint: endpoint.MustParse("tcp://127.0.0.1:7007?idle=1m")},
		{Service: "daytime", Endpoint: endpoint.MustParse("udp://127.0.0.1:7013")},
		{Service: "echo", Endpoint: endpoint.MustParse("fd:3")},
		{Service: "echo", Endpoint: endpoint.MustParse("tls://127.0.0.1:1"), Pin: "sha256:ab"},
		{Service: "echo", Endpoint: endpoint.MustParse("tls://127.0.0.1:2?cert=x.pem"), Pin: "sha256:cd"},
	}
	want := "parley: note: what talks to what:\n" +
		"  echo     parley dial --ask tcp://127.0.0.1:7007\n" +
		"  daytime  parley time daytime@udp://127.0.0.1:7013\n" +
		"  echo     parley dial --ask 'tls://127.0.0.1:1?pin=sha256:ab'\n" +
		"  echo     parley dial --ask tls://127.0.0.1:2\n"
	for _, tt := range []struct {
		flags serveFlags
		want  string
	}{
		{serveFlags{log: "text"}, want},
		{serveFlags{log: "text", quiet: true}, ""},
		{serveFlags{log: "json"}, ""},
	} {
		var stderr bytes.Buffer
		newTalk(&env{stderr: &stderr}, &tt.flags).table(stats)
		if got := stderr.String(); got != tt.want {
			t.Errorf("table with %+v:\n%swant\n%s", tt.flags, got, tt.want)
		}
	}
}
