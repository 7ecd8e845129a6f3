package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"parley/chat/jetstream"
)

func TestHallHints(t *testing.T) {
	failed := func(cause error) error {
		return &hallError{name: "/s", err: fmt.Errorf("chat log /s: %w", cause)}
	}
	served := func(cause error) error { return &entryError{"chat@tcp://:9527", failed(cause)} }
	for _, tt := range []struct {
		name string
		err  error
		want string // of the only hint, "" is none
	}{
		{"another has it", served(fmt.Errorf("%w by process 7", jetstream.ErrLocked)), "another parley has it: use chat?store=DIR, chat?store=none, or stop it"},
		{"another has it, of parley chat", failed(jetstream.ErrLocked), "another parley has it: use --store DIR, --store none, or stop it"},
		{"in a services file", place{file: "f", line: 1, column: 1}.of(served(jetstream.ErrLocked)), "another parley has it: use chat?store=DIR"},
		{"among others", errors.Join(errors.New("x"), served(jetstream.ErrLocked)), "another parley has it: use chat?store=DIR"},
		{"damaged", served(fmt.Errorf("%w: gap", jetstream.ErrCorrupt)), "`parley chat verify --store /s` says"},
		{"no directory", served(errNoStateDir), "use chat?store=DIR for a directory that can be written"},
		{"denied", failed(sys("mkdir", syscall.EACCES)), "use --store DIR for a directory that can be written"},
		{"full", served(sys("write", syscall.ENOSPC)), "use chat?store=DIR"},
		{"not of a store", sys("mkdir", syscall.EACCES), ""},
		{"unknown", served(errors.New("x")), ""},
	} {
		got := testHinter(t).hints(tt.err)
		switch {
		case tt.want == "" && len(got) > 0:
			t.Errorf("%s: %q, want none", tt.name, got)
		case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
