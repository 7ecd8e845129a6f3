package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/term"

	"parley"
	"parley/clock/query"
	"parley/endpoint"
)

// serveTalk is what a server says on stderr once it is up: its log, and a few lines
// for people, which with --log json are lines of the log.
type serveTalk struct {
	env   *env
	log   *slog.Logger
	json  bool
	quiet bool
}

func newTalk(e *env, f *serveFlags) *serveTalk {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch {
	case f.quiet:
		options.Level = slog.LevelError
	case f.verbose > 0:
		options.Level = slog.LevelDebug
	}
	json := f.log == "json"
	return &serveTalk{env: e, log: slog.New(logHandler(e.stderr, json, options)), json: json, quiet: f.quiet}
}

func (t *serveTalk) note(format string, args ...any) {
	switch {
	case t.json:
		t.log.Info("note", "text", fmt.Sprintf(format, args...))
	case !t.quiet:
		t.env.note(format, args...)
	}
}

func (t *serveTalk) warn(format string, args ...any) {
	switch {
	case t.json:
		t.log.Warn("warning", "text", fmt.Sprintf(format, args...))
	case !t.quiet:
		t.env.warn(format, args...)
	}
}

func (t *serveTalk) hint(text string) {
	switch {
	case t.json:
		t.log.Info("hint", "text", text)
	case !t.quiet:
		t.env.hint(text)
	}
}

// metrics says where they are. With -q too: whoever asked for port 0 needs it.
func (t *serveTalk) metrics(url string) {
	if t.json {
		slog.New(slog.NewJSONHandler(t.env.stderr, nil)).Info("metrics", "url", url)
		return
	}
	fmt.Fprintf(t.env.stderr, "metrics %s\n", url)
}

// table says which command talks to which service, for people.
func (t *serveTalk) table(stats []parley.Stats) {
	if t.quiet || t.json {
		return
	}
	width := 0
	for _, s := range stats {
		width = max(width, len(s.Service))
	}
	var b strings.Builder
	for _, s := range stats {
		if command := dialCommand(s.Service, printed(s.Endpoint), madePin(s)); command != "" {
			fmt.Fprintf(&b, "  %-*s  %s\n", width, s.Service, command)
		}
	}
	if b.Len() > 0 {
		fmt.Fprintf(t.env.stderr, "parley: note: what talks to what:\n%s", b.String())
	}
}

// dialCommand is the command that talks to a service at its real endpoint e, or
// "" where another process cannot.
func dialCommand(service string, e endpoint.Endpoint, pin string) string {
	if e.Scheme == "fd" || e.Scheme == "mem" {
		return ""
	}
	if everywhere(e) {
		e.Host = "127.0.0.1"
		if strings.HasSuffix(e.Scheme, "6") {
			e.Host = "::1"
		}
	}
	if pin != "" {
		e = e.With("pin", pin)
	}
	switch service {
	case "chat":
		return "parley chat " + quoted(e.String())
	case "echo", "ack", "gate", "stamp": // a line, an answer
		return "parley dial --ask " + quoted(e.String())
	}
	if target := service + "@" + e.String(); tellsTime(target) {
		return "parley time " + quoted(target)
	}
	return "parley dial " + quoted(e.String())
}

// tellsTime reports whether target can be asked for the time.
func tellsTime(target string) bool {
	_, err := query.Parse(target)
	return err == nil
}

// everywhere reports whether e listens on every interface.
func everywhere(e endpoint.Endpoint) bool {
	if e.Port == "" && e.Scheme != "ip" {
		return false
	}
	addr, err := netip.ParseAddr(e.Host)
	return e.Host == "" || err == nil && addr.IsUnspecified()
}

// quoted is s as a shell takes it for one word.
func quoted(s string) string {
	if strings.ContainsAny(s, " \t\n'\"\\$&;|<>()*?[]#~`!{}") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// stdoutOnTerminal reports whether somebody looks at stdout.
func (e *env) stdoutOnTerminal() bool {
	f, ok := e.stdout.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
