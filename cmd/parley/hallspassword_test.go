package main

import (
	"strings"
	"testing"
)

// TestPasswordInList shows lists of servers without what may be a password.
func TestPasswordInList(t *testing.T) {
	for _, urls := range []string{
		"nats://u:p1@h1,nats://u2:p2@h2",
		"nats://u:p1@h1:4222,nats://u2:p2@h2:4222",
		"nats://h1,nats://u2:p2@h2",
		"nats://h1/,nats://u2:p2@h2",
		"h1,nats://u2:p2@h2",
		"nats://u:p1@h1,h2#p2",
	} {
		if got := withoutPassword(urls); strings.Contains(got, "p1") || strings.Contains(got, "p2") {
			t.Errorf("%s: shown as %s", urls, got)
		}
	}
}
