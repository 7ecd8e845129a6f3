//go:build !linux

package main

import (
	"fmt"
	"runtime"
	"strings"

	"parley/endpoint"
)

// Lost on other systems: which process holds an address, since they show it to
// commands of theirs only, which are named instead; and the privileges that can
// be given to a single program.

type processTable struct{ proc string }

func (processTable) holderOf(endpoint.Endpoint) holder { return holder{} }

// findHolder is the command that names the process at an address.
func findHolder(address string) string {
	if runtime.GOOS == "windows" {
		return fmt.Sprintf("`netstat -ano | findstr :%s` names it", portOf(address))
	}
	if !strings.Contains(address, ":") {
		return fmt.Sprintf("`sudo lsof -nP %s` names it", quoted(address))
	}
	return fmt.Sprintf("`sudo lsof -nP -i :%s` names it", portOf(address))
}

func (h *hinter) lowPort(e endpoint.Endpoint) []string {
	if port := portNumber(e); port == 0 || port >= 1024 {
		return nil
	}
	return []string{"ports below 1024 may need an administrator: take a higher one"}
}

func (h *hinter) rawSocket() []string {
	return []string{"raw IP needs an administrator: run it as one"}
}

func (h *hinter) ping() []string {
	return []string{"pinging needs an administrator here: run it as one"}
}
