package main

import (
	"os"
	"strings"
	"testing"

	"parley/endpoint"
)

func TestListenFDs(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		pid, fds, names, path string
		want, err             string // of either
	}{
		{"number", "", "", "", "7", "7", ""},
		{"name", "42", "2", "web:api", "api", "4", ""},
		{"first", "42", "2", "web:api", "web", "3", ""},
		{"no variables", "", "", "", "web", "", "LISTEN_FDS is not set"},
		{"another process", "41", "1", "web", "web", "", `LISTEN_PID is "41", but this is process 42`},
		{"no pid", "", "1", "web", "web", "", `LISTEN_PID is "", but this is process 42`},
		{"no count", "42", "", "web", "web", "", `LISTEN_FDS is ""`},
		{"zero", "42", "0", "web", "web", "", `LISTEN_FDS is "0"`},
		{"negative", "42", "-1", "web", "web", "", `LISTEN_FDS is "-1"`},
		{"huge", "42", "99999999999", "web", "web", "", `LISTEN_FDS is "99999999999"`},
		{"unknown name", "42", "2", "web:api", "wbe", "", "there are fd:web (3), fd:api (4)"},
		{"twice", "42", "3", "web:api:web", "web", "", "2 sockets of that name were passed; take one by its number: fd:3 fd:5"},
		{"fewer names", "42", "2", "web", "unknown", "4", ""},
		{"no names", "42", "1", "", "unknown", "3", ""},
		{"more names", "42", "1", "web:api", "api", "", "there are fd:web (3)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			variables := map[string]string{"LISTEN_PID": tt.pid, "LISTEN_FDS": tt.fds, "LISTEN_FDNAMES": tt.names}
			l := readListenFDs(func(name string) string { return variables[name] }, 42)
			got, err := l.resolve(endpoint.Endpoint{Scheme: "fd", Path: tt.path})
			switch {
			case tt.err == "" && (err != nil || got.Path != tt.want):
				t.Errorf("resolve(fd:%s) = %v, %v, want fd:%s", tt.path, got, err, tt.want)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("resolve(fd:%s): error %v, want %q", tt.path, err, tt.err)
			}
		})
	}
	at := endpoint.MustParse("tcp://:7")
	if got, err := (&listenFDs{}).resolve(at); got != at || err != nil {
		t.Errorf("resolve(%v) = %v, %v, want it as it was", at, got, err)
	}
}

// The variables are not passed on to processes that are started from here.
func TestListenFDsAreTaken(t *testing.T) {
	names := []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}
	for _, name := range names {
		t.Setenv(name, "1")
	}
	e := &env{getenv: os.Getenv}
	e.listenFDs()
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			t.Errorf("%s=%s is still there", name, value)
		}
	}
}
