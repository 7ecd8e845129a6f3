package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"parley"
	"parley/endpoint"
)

// addLimitFlags adds a flag for each limit, with the names and the meaning of
// the endpoint options: 0 switches a limit off.
func addLimitFlags(flags *pflag.FlagSet, l *parley.Limits) {
	for _, f := range []struct {
		name, usage string
		value       pflag.Value
	}{
		{"maxsessions", "sessions that a listener has at once", (*countLimit)(&l.Sessions)},
		{"peraddr", "sessions of one address at a listener", (*countLimit)(&l.PerAddress)},
		{"idle", "how long a session may be silent", (*timeLimit)(&l.Idle)},
		{"total", "how long a session may last", (*timeLimit)(&l.Total)},
		{"maxmessage", "size of the largest message taken", (*sizeLimit)(&l.Message)},
		{"stall", "how long a peer may take no output", (*timeLimit)(&l.Stall)},
		{"handshake", "how long a TLS or WebSocket handshake may take", (*timeLimit)(&l.Handshake)},
	} {
		flags.Var(f.value, f.name, fmt.Sprintf("%s, 0 is off (default %s)", f.usage, defaultLimit(f.name)))
	}
}

// defaultLimit is the default of a limit as the library names it.
func defaultLimit(name string) string {
	for _, word := range strings.Fields(parley.Limits{}.String()) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// countLimit is a limit on a number.
type countLimit int

func (l *countLimit) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return fmt.Errorf("want a number from 0 to %d", 1<<31-1)
	}
	*l = countLimit(offIfZero(int(n)))
	return nil
}

func (l *countLimit) Type() string   { return "count" }
func (l *countLimit) String() string { return "" } // no default in the help: the usage has it

// sizeLimit is a limit on a number of bytes.
type sizeLimit int

func (l *sizeLimit) Set(s string) error {
	n, err := endpoint.ParseSize(s)
	if err == nil {
		*l = sizeLimit(offIfZero(int(min(n, 1<<40))))
	}
	return err
}

func (l *sizeLimit) Type() string   { return "size" }
func (l *sizeLimit) String() string { return "" }

// timeLimit is a limit on a time.
type timeLimit time.Duration

func (l *timeLimit) Set(s string) error {
	d, err := endpoint.ParseDuration(s)
	if err == nil {
		*l = timeLimit(offIfZero(d))
	}
	return err
}

func (l *timeLimit) Type() string   { return "duration" }
func (l *timeLimit) String() string { return "" }

// offIfZero makes the library's "off", which is negative, of a flag's 0.
func offIfZero[T int | time.Duration](v T) T {
	if v == 0 {
		return -1
	}
	return v
}
