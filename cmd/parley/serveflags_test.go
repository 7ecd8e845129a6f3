package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"parley"
)

func TestLimitFlags(t *testing.T) {
	for _, tt := range []struct {
		arg  string
		want parley.Limits
		err  string
	}{
		{"", parley.Limits{}, ""},
		{"--maxsessions=5", parley.Limits{Sessions: 5}, ""},
		{"--maxsessions=0", parley.Limits{Sessions: -1}, ""},
		{"--peraddr=2", parley.Limits{PerAddress: 2}, ""},
		{"--idle=90", parley.Limits{Idle: 90 * time.Second}, ""},
		{"--idle=0", parley.Limits{Idle: -1}, ""},
		{"--total=1h30m", parley.Limits{Total: 90 * time.Minute}, ""},
		{"--maxmessage=64KiB", parley.Limits{Message: 64 << 10}, ""},
		{"--stall=250ms", parley.Limits{Stall: 250 * time.Millisecond}, ""},
		{"--handshake=1", parley.Limits{Handshake: time.Second}, ""},
		{"--maxsessions=-1", parley.Limits{}, "want a number"},
		{"--maxsessions=many", parley.Limits{}, "want a number"},
		{"--idle=-1s", parley.Limits{}, "-1s"},
		{"--maxmessage=big", parley.Limits{}, "big"},
	} {
		var got parley.Limits
		flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
		addLimitFlags(flags, &got)
		err := flags.Parse(strings.Fields(tt.arg))
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("%s: %+v, %v, want %+v", tt.arg, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: error %v, want %q", tt.arg, err, tt.err)
		}
	}
}

// The help has the default of every limit, as the library has it.
func TestLimitFlagDefaults(t *testing.T) {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	addLimitFlags(flags, &parley.Limits{})
	known := parley.Limits{}.String()
	flags.VisitAll(func(f *pflag.Flag) {
		_, rest, ok := strings.Cut(f.Usage, "(default ")
		value := strings.TrimSuffix(rest, ")")
		if !ok || !strings.Contains(known+" ", f.Name+"="+value+" ") {
			t.Errorf("--%s: %q has not the default of %q", f.Name, f.Usage, known)
		}
	})
}
