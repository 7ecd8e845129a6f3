package parley

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"parley/endpoint"
)

// rejectLines is how many rejects a second are logged: whoever floods a server
// with what it refuses should not flood its log.
const rejectLines = 20

// LogEvents returns a function for [Server.Events] that writes each event as one
// line: its kind first, or a note's own words. Of rejects it writes 20 a second;
// how many it left out stands as "more" on the next.
func LogEvents(log *slog.Logger) func(*Event) {
	var rejects throttle
	return func(e *Event) {
		level := e.level()
		if !log.Enabled(context.Background(), level) {
			return
		}
		attrs := e.attrs()
		if e.Kind == EventReject {
			more, ok := rejects.pass(e.Time)
			if !ok {
				return
			}
			if more > 0 {
				attrs = append(attrs, slog.Int("more", more))
			}
		}
		text := e.Kind.String()
		if e.Kind == EventNote {
			text = e.Text
		}
		log.LogAttrs(context.Background(), level, text, attrs...)
	}
}

// A throttle lets rejectLines a second pass.
type throttle struct {
	mu     sync.Mutex // guards what follows
	second time.Time  // when the present second began
	passed int        // in it
	held   int        // since the last that passed
}

// pass reports whether one more may pass, and how many were held before it.
func (t *throttle) pass(now time.Time) (held int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.second) >= time.Second {
		t.second, t.passed = now, 0
	}
	if t.passed >= rejectLines {
		t.held++
		return 0, false
	}
	t.passed++
	held, t.held = t.held, 0
	return held, true
}

func (e *Event) level() slog.Level {
	switch e.Kind {
	case EventListen, EventMessage:
		return slog.LevelDebug
	case EventReject:
		return slog.LevelWarn
	case EventFail:
		return slog.LevelError
	case EventEnd:
		if Reason(e.Err) == "error" {
			return slog.LevelWarn
		}
	}
	return slog.LevelInfo
}

func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 12)
	if e.Service != "" {
		attrs = append(attrs, slog.String("at", e.Service+"@"+place(e.Endpoint)))
	}
	if e.Session != 0 {
		attrs = append(attrs, slog.Uint64("session", e.Session))
	}
	if e.Remote != nil && e.Remote.String() != "" {
		attrs = append(attrs, slog.String("peer", e.Remote.String()))
	}
	switch e.Kind {
	case EventMessage:
		dir := "in"
		if e.Out {
			dir = "out"
		}
		attrs = append(attrs, slog.String("dir", dir), slog.Int("bytes", len(e.Data)), slog.String("data", string(e.Data)))
	case EventEnd:
		attrs = append(attrs, slog.String("reason", Reason(e.Err)),
			slog.Int64("in", e.BytesIn), slog.Int64("out", e.BytesOut),
			slog.Int64("msgin", e.MessagesIn), slog.Int64("msgout", e.MessagesOut),
			slog.Duration("time", e.Duration.Round(time.Microsecond)))
	case EventReject:
		attrs = append(attrs, slog.String("reason", Reason(e.Err)))
	case EventFail, EventStatus:
		attrs = append(attrs, slog.String("text", e.Text))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	return attrs
}

// place is e as a log names it: without options, which may hold secrets, but for
// the one that tells raw IP endpoints apart.
func place(e endpoint.Endpoint) string {
	bare := e.Bare()
	if proto, ok := e.Option("proto"); ok {
		bare = bare.With("proto", proto)
	}
	return bare.String()
}
