package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"parley/endpoint"
)

// Socket activation as sd_listen_fds(3) has it: the process was started with
// LISTEN_FDS sockets, from descriptor 3 on, named by LISTEN_FDNAMES, if
// LISTEN_PID is its own.

// firstFD is the first descriptor that a process is passed.
const firstFD = 3

// listenFDs are the sockets that systemd, or whoever does as it does, passed.
type listenFDs struct {
	names []string // of descriptors firstFD, firstFD+1 ...
	err   error    // why there are none
}

// listenFDs reads what was passed to this process. It takes the variables out of
// the environment, so that no process started from here believes that they are
// its own: it can be called once.
func (e *env) listenFDs() *listenFDs {
	fds := readListenFDs(e.getenv, os.Getpid())
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	return fds
}

func readListenFDs(getenv func(string) string, pid int) *listenFDs {
	count, forPID := getenv("LISTEN_FDS"), getenv("LISTEN_PID")
	if count == "" && forPID == "" {
		return &listenFDs{err: errors.New("LISTEN_FDS is not set: no sockets were passed by socket activation")}
	}
	if forPID != strconv.Itoa(pid) {
		return &listenFDs{err: fmt.Errorf("LISTEN_PID is %q, but this is process %d: the sockets were passed to another process", forPID, pid)}
	}
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil || n == 0 {
		return &listenFDs{err: fmt.Errorf("LISTEN_FDS is %q: want the number of sockets that were passed", count)}
	}
	names := make([]string, n)
	given := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	for i := range names {
		names[i] = "unknown" // as sd_listen_fds_with_names(3) has it
		if i < len(given) && given[i] != "" {
			names[i] = given[i]
		}
	}
	return &listenFDs{names: names}
}

// resolve returns at with the number of the descriptor in place of its name:
// fd:web becomes fd:3. Every other endpoint is returned as it is.
func (l *listenFDs) resolve(at endpoint.Endpoint) (endpoint.Endpoint, error) {
	if at.Scheme != "fd" || at.Path != "" && strings.Trim(at.Path, "0123456789") == "" {
		return at, nil
	}
	if l.err != nil {
		return at, fmt.Errorf("fd:%s: %w", at.Path, l.err)
	}
	var found []string
	for i, name := range l.names {
		if name == at.Path {
			found = append(found, strconv.Itoa(firstFD+i))
		}
	}
	switch len(found) {
	case 0:
		return at, fmt.Errorf("fd:%s: no socket of that name was passed; there are %s", at.Path, l)
	case 1:
		at.Path = found[0]
		return at, nil
	}
	return at, fmt.Errorf("fd:%s: %d sockets of that name were passed; take one by its number: fd:%s", at.Path, len(found), strings.Join(found, " fd:"))
}

// String lists the sockets, names with numbers.
func (l *listenFDs) String() string {
	words := make([]string, len(l.names))
	for i, name := range l.names {
		words[i] = fmt.Sprintf("fd:%s (%d)", name, firstFD+i)
	}
	return strings.Join(words, ", ")
}
