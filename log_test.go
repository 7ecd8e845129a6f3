package parley

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"parley/endpoint"
)

func TestLogEvents(t *testing.T) {
	var out bytes.Buffer
	log := LogEvents(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	at := endpoint.MustParse("tcp://127.0.0.1:7?idle=1s")
	peer := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5}
	for _, test := range []struct {
		event Event
		want  map[string]any
	}{
		{Event{Kind: EventAccept, Session: 3, Remote: peer}, map[string]any{"msg": "accept", "level": "INFO", "session": 3.0, "peer": "10.0.0.1:5", "at": "echo@tcp://127.0.0.1:7"}},
		{Event{Kind: EventNote, Session: 3, Text: "[Client 10.0.0.1:5 said]: \x1b[2J"}, map[string]any{"msg": "[Client 10.0.0.1:5 said]: \x1b[2J"}},
		{Event{Kind: EventEnd, Err: ErrIdle, BytesIn: 7}, map[string]any{"msg": "end", "level": "INFO", "reason": "idle", "in": 7.0}},
		{Event{Kind: EventEnd, Err: errors.New("reset")}, map[string]any{"msg": "end", "level": "WARN", "reason": "error", "err": "reset"}},
		{Event{Kind: EventEnd}, map[string]any{"reason": "done", "err": nil}},
		{Event{Kind: EventReject, Err: ErrSessions}, map[string]any{"msg": "reject", "level": "WARN", "reason": "sessions"}},
		{Event{Kind: EventMessage, Out: true, Data: []byte("hi")}, map[string]any{"msg": "message", "level": "DEBUG", "dir": "out", "bytes": 2.0, "data": "hi"}},
	} {
		out.Reset()
		test.event.Time, test.event.Service, test.event.Endpoint = time.Now(), "echo", at
		log(&test.event)
		var got map[string]any
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || strings.Count(out.String(), "\n") != 1 {
			t.Fatalf("%s event logged as %q: %v", test.event.Kind, out.String(), err)
		}
		for key, want := range test.want {
			if got[key] != want {
				t.Errorf("%s event: %s is %v, want %v", test.event.Kind, key, got[key], want)
			}
		}
	}
}

func TestRejectsDoNotFloodTheLog(t *testing.T) {
	var out bytes.Buffer
	log := LogEvents(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Now()
	for i := range 1000 {
		log(&Event{Kind: EventReject, Err: ErrDenied, Time: now.Add(time.Duration(i) * time.Microsecond)})
	}
	if n := strings.Count(out.String(), "\n"); n != rejectLines {
		t.Errorf("%d lines for 1000 rejects in a millisecond, want %d", n, rejectLines)
	}
	out.Reset()
	log(&Event{Kind: EventReject, Err: ErrDenied, Time: now.Add(time.Second)})
	if !strings.Contains(out.String(), "more=980") {
		t.Errorf("the next line %q does not tell how many were left out", out.String())
	}
}
