package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/chat"
	"parley/endpoint"
)

func TestMetricsEndpoint(t *testing.T) {
	for _, tt := range []struct{ where, want, err string }{
		{":9100", "tcp://127.0.0.1:9100", ""},
		{"localhost:0", "tcp://localhost:0", ""},
		{"[::1]:9100", "tcp://[::1]:9100", ""},
		{"0.0.0.0:9100", "tcp://0.0.0.0:9100", ""},
		{"9100", "", "9100"},
		{"udp://:1", "", "want HOST:PORT"},
		{"tls://:1", "", "want HOST:PORT"},
		{"/run/x", "", "want HOST:PORT"},
	} {
		got, err := metricsEndpoint(tt.where)
		switch {
		case tt.err == "" && (err != nil || got.String() != tt.want):
			t.Errorf("metricsEndpoint(%q) = %v, %v, want %s", tt.where, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("metricsEndpoint(%q): error %v, want %q", tt.where, err, tt.err)
		}
	}
}

// scrape fetches url without keeping the connection.
func scrape(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v\n%s", url, res.Status, err, body)
	}
	return string(body)
}

func TestMetrics(t *testing.T) {
	at := endpoint.MustParse("tcp://127.0.0.1:7?reuseport=1&idle=1m")
	one := parley.Stats{Service: "echo", Endpoint: at, Open: 1, Accepted: 10, BytesIn: 3, BytesOut: 4, MessagesIn: 5, MessagesOut: 6,
		Ended: map[string]int64{"done": 7, "idle": 1}}
	twin := parley.Stats{Service: "echo", Endpoint: at, Open: 2, Accepted: 20, Ended: map[string]int64{"done": 1},
		Rejected: map[string]int64{"sessions": 9}}
	halls := []hallStats{
		{"none", chat.Stats{Members: 1, Rooms: 2, Posts: 3, Refused: 4, Repeats: 5, Deliveries: 6, Missed: 7, Resumed: 8, Dropped: 9}},
		{"/s", chat.Stats{Members: 10}},
	}
	m, err := serveMetrics(context.Background(), "127.0.0.1:0",
		func() []parley.Stats { return []parley.Stats{one, twin} }, func() []hallStats { return halls }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer m.stop()
	const labels = `endpoint="tcp://127.0.0.1:7"`
	for range 2 { // the second is not the sum of both
		text := scrape(t, m.url)
		for _, want := range []string{
			`parley_sessions{` + labels + `,service="echo"} 3`,
			`parley_sessions_total{` + labels + `,service="echo"} 30`,
			`parley_sessions_ended_total{` + labels + `,reason="done",service="echo"} 8`,
			`parley_sessions_ended_total{` + labels + `,reason="idle",service="echo"} 1`,
			`parley_rejected_total{` + labels + `,reason="sessions",service="echo"} 9`,
			`parley_bytes_total{direction="in",` + labels + `,service="echo"} 3`,
			`parley_bytes_total{direction="out",` + labels + `,service="echo"} 4`,
			`parley_messages_total{direction="in",` + labels + `,service="echo"} 5`,
			`parley_messages_total{direction="out",` + labels + `,service="echo"} 6`,
			`parley_chat_members{store="none"} 1`,
			`parley_chat_members{store="/s"} 10`,
			`parley_chat_rooms{store="none"} 2`,
			`parley_chat_posts_total{store="none"} 3`,
			`parley_chat_refused_total{store="none"} 4`,
			`parley_chat_repeats_total{store="none"} 5`,
			`parley_chat_deliveries_total{store="none"} 6`,
			`parley_chat_missed_total{store="none"} 7`,
			`parley_chat_resumed_total{store="none"} 8`,
			`parley_chat_dropped_total{store="none"} 9`,
			`# TYPE parley_chat_members gauge`,
			`# TYPE parley_chat_posts_total counter`,
			`# TYPE parley_sessions gauge`,
			`# TYPE parley_bytes_total counter`,
		} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	}
	if len(one.Ended) != 2 || one.Ended["done"] != 7 {
		t.Errorf("the counters of a listener were changed: %v", one.Ended)
	}
}

// A client that never finishes its request does not keep the server.
func TestMetricsStop(t *testing.T) {
	m, err := serveMetrics(context.Background(), ":0", func() []parley.Stats { return nil }, func() []hallStats { return nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := parley.Dial(context.Background(), strings.TrimSuffix(strings.TrimPrefix(m.url, "http://"), "/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	scrape(t, m.url) // so the one before was accepted
	m.stop()
	c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(c); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection is open after stop: %v", err)
	}
	if _, err := parley.Dial(context.Background(), c.RemoteAddr().String()); err == nil {
		t.Errorf("%s is open after stop", m.url)
	}
	for _, limit := range []time.Duration{m.http.ReadHeaderTimeout, m.http.ReadTimeout, m.http.WriteTimeout, m.http.IdleTimeout} {
		if limit <= 0 {
			t.Errorf("a timeout of the server is off: %+v", m.http.ReadHeaderTimeout)
		}
	}
}
