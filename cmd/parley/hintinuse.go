package main

import (
	"fmt"
	"strings"
	"syscall"

	"parley/endpoint"
)

// A holder is a process that holds an address, as far as the system shows it.
type holder struct {
	pid     int    // 0 where the process is not shown
	command string // of the process
	user    string // the owner of the socket, where the process is not shown
}

// inUse says who holds the addresses that could not be bound, a line for each
// holder.
func (h *hinter) inUse(failures []failure) []string {
	table := processTable{proc: h.proc}
	var order []holder
	held := make(map[holder][]string)
	paths := make(map[holder]bool) // all that it holds are
	for _, f := range failures {
		if f.op != "listen" || !f.is(syscall.EADDRINUSE) || f.unix() && notSocket(f.at.Path) != "" {
			continue
		}
		who := table.holderOf(f.at)
		if held[who] == nil {
			order = append(order, who)
			paths[who] = true
		}
		paths[who] = paths[who] && f.unix()
		held[who] = append(held[who], address(f.at))
	}
	var hints []string
	for _, who := range order {
		hints = append(hints, h.heldBy(who, held[who], paths[who]))
	}
	return hints
}

// address is e for people: the protocol and where.
func address(e endpoint.Endpoint) string {
	if e.Datagram() && e.Port != "" {
		return "udp " + e.Address()
	}
	return e.Address()
}

func (h *hinter) heldBy(who holder, at []string, paths bool) string {
	other := "take another port; port 0 is any that is free"
	if paths {
		other = "take another path"
	}
	what, verb := at[0], "is"
	if len(at) > 1 {
		what, verb = fmt.Sprintf("%s and %d more", at[0], len(at)-1), "are"
	}
	switch {
	case who.pid == h.pid:
		return fmt.Sprintf("%s %s open in this command itself: is it named twice?", what, verb)
	case who.pid > 0:
		return fmt.Sprintf("%s %s held by %s (pid %d): end it, or %s", what, verb, who.command, who.pid, other)
	case who.user != "":
		return fmt.Sprintf("%s %s held by a process of user %s, which only that user and root can see: %s", what, verb, who.user, findHolder(at[0]))
	}
	return fmt.Sprintf("%s %s held by something not shown here: %s; or %s", what, verb, findHolder(at[0]), other)
}

// portOf is what follows the last colon.
func portOf(address string) string {
	return address[strings.LastIndexByte(address, ':')+1:]
}
